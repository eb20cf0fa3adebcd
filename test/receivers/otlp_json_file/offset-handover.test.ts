import { expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import { until } from "../../contract/waiting.ts";
import { deferred } from "../../support/deferred.ts";
import { lineOf, reader } from "./harness.ts";

type Reader = ReturnType<typeof reader>;

/** The reader that replaces `old`, after it has begun to follow the files. */
async function replace(
  old: Reader,
  section: Readonly<Record<string, unknown>> = {},
): Promise<Reader> {
  const heir = reader(section, { folder: old.folder, replaces: { sharesStorage: false } });
  await heir.start();
  heir.component.state!.takeOver(old.component.state!.handOver());
  return heir;
}

const begun = (subject: Reader) =>
  until(() => subject.log.some(({ message }) => message.startsWith("Reading OTLP JSON")), {
    what: "The beginning",
    patienceMs: 5_000,
  });

test("a reader that is replaced leaves its offsets, so that no line is read twice or passed over", async () => {
  const old = reader({ start_at: "end" });
  await old.start();
  old.append("a.jsonl", lineOf("1") + lineOf("2"));
  await old.poll(2);
  await old.pollAll();
  const heir = await replace(old, { start_at: "end", poll_interval: "1s" });
  await old.stop();
  await begun(heir);
  heir.append("a.jsonl", lineOf("3"));
  heir.append("b.jsonl", lineOf("4"));
  expect((await heir.pollAll()).toSorted()).toEqual(["3", "4"]);
  await heir.stop();
});

test("a line on its way to a slow backend is waited for, over several replacements, and not sent again", async () => {
  const answer = deferred<ConsumeResult>();
  const old = reader();
  old.answer = () => answer.promise;
  await old.start();
  old.append("a.jsonl", lineOf("1") + lineOf("2"));
  await old.poll(1);
  const second = await replace(old, { poll_interval: "1s" });
  await old.stop(AbortSignal.abort());
  const third = await replace(second, { poll_interval: "2s" });
  await second.stop(AbortSignal.abort());
  answer.resolve(accepted);
  await begun(third);
  expect(await third.pollAll()).toEqual(["2"]);
  expect([old.taken, second.taken]).toEqual([["1"], []]);
  await third.stop();
});

test("one that is shut down while it waits for its predecessor leaves nothing", async () => {
  const answer = deferred<ConsumeResult>();
  const old = reader();
  old.answer = () => answer.promise;
  await old.start();
  old.append("a.jsonl", lineOf("1"));
  await old.poll(1);
  const heir = await replace(old);
  await old.stop(AbortSignal.abort());
  await heir.stop(AbortSignal.abort());
  answer.resolve(accepted);
  await until(() => heir.clock.pendingTimers + old.clock.pendingTimers === 0, {
    what: "The end",
    patienceMs: 5_000,
  });
  expect(heir.taken).toEqual([]);
});
