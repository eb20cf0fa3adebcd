import { describe, expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { sessionRef } from "../../../src/privacy/session-ref.ts";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { testSettings } from "../../exporters/settings.ts";
import { agentSpan, tracesRequest } from "../../support/agent-spans.ts";

const key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const sessionKey = "agent:main:telegram:direct:4711";

/** The references of the events of a run that leaves a tool. `attributes` are those of the run. */
async function refsOf(
  config: object,
  attributes: Readonly<Record<string, string>> = { "openclaw.sessionKey": sessionKey },
): Promise<readonly (string | undefined)[]> {
  const { settings, clock } = testSettings("session_activity");
  const component = createSessionActivity(settings, schema.parse(config));
  const events: Payload[] = [];
  component.receiver!.connect("logs", {
    consume: async (payload) => {
      events.push(payload);
      return accepted;
    },
  });
  await component.start();
  const traces = component.processor!.wrap("traces", { consume: async () => accepted });
  const run = agentSpan("openclaw.run", attributes);
  const tool = agentSpan("openclaw.tool.execution", { "gen_ai.tool.name": "exec" }, run);
  const send = (spans: Parameters<typeof tracesRequest>[1]) =>
    traces.consume({ signal: "traces", bytes: tracesRequest("a", spans), items: spans.length });
  await send([{ span: run }, { span: tool }]);
  clock.advance(130_000);
  await send([{ span: run, endUnixMs: run.startUnixMs + 130_000 }]);
  clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  await component.shutdown(AbortSignal.timeout(1_000));
  const records = events.flatMap(({ bytes }) =>
    otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs.flatMap(
      (resource) => resource.scopeLogs?.flatMap((scope) => scope.logRecords ?? []) ?? [],
    ),
  );
  expect(records.map(({ eventName }) => eventName)).toEqual([
    "session.stalled",
    "session.recovered",
    "session.activity.evicted",
  ]);
  return records.map(
    ({ attributes: of }) =>
      of?.find((each) => each.key === "openclaw.session.ref")?.value?.stringValue ?? undefined,
  );
}

describe("the reference of a session in its events", () => {
  test("is absent without the option", async () => {
    expect(await refsOf({})).toEqual([undefined, undefined, undefined]);
    expect(await refsOf({ session_ref: false, session_ref_key: key })).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("is what everybody with the key computes", async () => {
    const ref = sessionRef(key, sessionKey);
    expect(await refsOf({ session_ref_key: key })).toEqual([ref, ref, ref]);
  });

  test("is of a random key without one in the config", async () => {
    const refs = await refsOf({ session_ref: true });
    const ref = sessionRef(new Uint8Array(32), sessionKey); // The key that is random in these tests.
    expect(refs).toEqual([ref, ref, ref]);
  });

  test("is that of the session key if the work has several references", async () => {
    const attributes = { "session.id": "another", "openclaw.sessionKey": sessionKey };
    const backwards = { "openclaw.sessionKey": sessionKey, "session.id": "another" };
    const ref = sessionRef(key, sessionKey);
    expect(await refsOf({ session_ref_key: key }, attributes)).toEqual([ref, ref, ref]);
    expect(await refsOf({ session_ref_key: key }, backwards)).toEqual([ref, ref, ref]);
  });

  test("is absent of work without a session", async () => {
    expect(await refsOf({ session_ref_key: key }, {})).toEqual([undefined, undefined, undefined]);
  });
});
