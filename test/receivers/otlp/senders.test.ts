import { expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import { deferred } from "../../support/deferred.ts";
import { openReceiver } from "./open-receiver.ts";
import { post, typed } from "./post.ts";

const body = Buffer.from(
  JSON.stringify({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "x" } }] }] }],
  }),
);

test("a payload knows when its sender leaves without an answer", async () => {
  const { url, payloads } = await openReceiver({ consume: () => new Promise(() => {}) });
  const sender = new AbortController();
  const request = fetch(`${url}/v1/logs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    signal: sender.signal,
  });
  await expect.poll(() => payloads.length).toBe(1);
  expect(payloads[0]?.sender?.aborted).toBe(false);
  sender.abort();
  await expect(request).rejects.toThrow("abort");
  await expect.poll(() => payloads[0]?.sender?.aborted).toBe(true);
});

test("a sender that got its answer has not left, also when it closes its connection", async () => {
  const answered = deferred<typeof accepted>();
  const { url, payloads } = await openReceiver({ consume: () => answered.promise });
  const answer = post(`${url}/v1/logs`, body, typed("json"));
  await expect.poll(() => payloads.length).toBe(1);
  answered.resolve(accepted);
  expect((await answer).status).toBe(200);
  // The server has handled the end of that connection when it answers on another one.
  await post(`${url}/v1/logs`, Buffer.from("{}"), typed("json"));
  expect(payloads[0]?.sender?.aborted).toBe(false);
});
