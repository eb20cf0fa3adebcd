import Long from "long";
import { expect, test } from "vitest";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { testSettings } from "../../exporters/settings.ts";
import { keyValues } from "../../support/agent-spans.ts";

const traceId = Buffer.alloc(16, 7);
const idOf = (id: number) => new Uint8Array(8).fill(id);

/** A request with one span that starts at `startNs` by its sender's clock. It is open without an end. */
function requestOf(id: number, startNs: string, more: object): Payload {
  const span = { traceId, spanId: idOf(id), startTimeUnixNano: Long.fromString(startNs, true) };
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: { attributes: keyValues({ "service.name": "gateway" }) },
        scopeSpans: [{ spans: [{ ...span, ...more }] }],
      },
    ],
  }).finish();
  return { signal: "traces", bytes, items: 1 };
}

/** The closing span of a tool with this start. Its times are in seconds after the start of the run. */
async function closed(startNsOf: (nowNs: bigint) => bigint) {
  const { settings, clock } = testSettings("session_activity");
  const component = createSessionActivity(settings, schema.parse({ close_spans: true }));
  const forwarded: Payload[] = [];
  const entry = component.processor!.wrap("traces", {
    consume: async (payload) => {
      forwarded.push(payload);
      return { status: "accepted" };
    },
  });
  await component.start();
  const nowNs = BigInt(clock.unixMs()) * 1_000_000n;
  const tool = {
    name: "openclaw.tool.execution",
    parentSpanId: idOf(1),
    attributes: keyValues({ "gen_ai.tool.name": "exec" }),
  };
  await entry.consume(requestOf(1, String(nowNs), { name: "openclaw.run" }));
  await entry.consume(requestOf(2, String(startNsOf(nowNs)), tool));
  clock.advance(5_000);
  const endTimeUnixNano = Long.fromString(String(nowNs + 5_000_000_000n), true);
  await entry.consume(requestOf(1, String(nowNs), { name: "openclaw.run", endTimeUnixNano }));
  clock.advance(20_000);
  await new Promise((resolve) => setImmediate(resolve));
  const spans = forwarded
    .flatMap(({ bytes }) =>
      otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans.flatMap((resource) =>
        resource.scopeSpans!.flatMap((scope) => scope.spans!),
      ),
    )
    .filter(({ links }) => links!.length > 0);
  expect(spans).toHaveLength(1);
  const secondsOf = (ns: unknown) => (Number(String(ns)) - Number(nowNs)) / 1e9;
  const [span] = spans;
  return {
    name: span!.name,
    parent: span!.parentSpanId,
    linked: span!.links![0]!.spanId,
    isNew: !Buffer.from(span!.spanId!).equals(idOf(2)),
    from: Math.round(secondsOf(span!.startTimeUnixNano)),
    to: Math.round(secondsOf(span!.endTimeUnixNano)),
  };
}

const sibling = { name: "exec (evicted)", parent: idOf(1), linked: idOf(2), isNew: true };

test("a closing span is a sibling of the evicted one and has the sender's start", async () => {
  expect(await closed((nowNs) => nowNs - 3_000_000_000n)).toEqual({ ...sibling, from: -3, to: 12 });
});

for (const [what, startNsOf] of [
  ["is not set", () => 0n],
  ["is in 1970", () => 1_000_000_000n],
  ["is a year ahead", (nowNs: bigint) => nowNs + 31_536_000_000_000_000n],
  ["is as late as 64 bits hold", () => 2n ** 64n - 1n],
] as const) {
  test(`a closing span has the arrival of the tool as its start when the sender's start ${what}`, async () => {
    expect(await closed(startNsOf)).toEqual({ ...sibling, from: 0, to: 15 });
  });
}
