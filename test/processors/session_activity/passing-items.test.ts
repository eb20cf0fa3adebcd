import Long from "long";
import { expect, test } from "vitest";
import type { ConsumeResult } from "../../../src/component/consumer.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { keyValues } from "../../support/agent-spans.ts";

const traceId = Buffer.alloc(16, 7);
const idOf = (id: number) => new Uint8Array(8).fill(id);
const nanoseconds = (ms: number) => Long.fromNumber(ms * 1e6, true);
const tool = {
  name: "openclaw.tool.execution",
  parentSpanId: idOf(1),
  attributes: keyValues({ "gen_ai.tool.name": "exec" }),
};

/** `session_activity` in a pipeline of traces, whose next component answers what the test decides. */
async function subject() {
  const { settings, clock, ownMetrics } = testSettings("session_activity");
  const component = createSessionActivity(settings, schema.parse({ close_spans: true }));
  let passedOn = 0;
  let incoming = 0;
  const next = { answer: (): ConsumeResult => ({ status: "accepted" }) };
  const traces = component.processor!.wrap("traces", {
    async consume(payload) {
      passedOn += payload.items;
      return next.answer();
    },
  });
  await component.start();
  const startMs = clock.unixMs();
  return {
    component,
    clock,
    next,
    passedOn: () => passedOn,
    incoming: () => incoming,
    async consume(...spans: readonly object[]) {
      incoming += spans.length;
      const all = spans.map((span) => ({
        traceId,
        startTimeUnixNano: nanoseconds(startMs),
        ...span,
      }));
      const bytes = otlp.ExportTraceServiceRequest.encode({
        resourceSpans: [
          {
            resource: { attributes: keyValues({ "service.name": "gateway" }) },
            scopeSpans: [{ spans: all }],
          },
        ],
      }).finish();
      return traces.consume({ signal: "traces", bytes, items: spans.length });
    },
    /** The counters, by the last part of their names. */
    async counts() {
      const page = await ownMetrics();
      return Object.fromEntries(
        [
          ...page.matchAll(
            /^otelcol_processor_session_activity_(\w+)\{(?:otel_signal="traces",)?processor="session_activity"(?:,reason="(\w+)")?(?:,otel_signal="traces")?\} (\d+)$/gm,
          ),
        ].map(([, name, reason, value]) => [
          reason === undefined ? name : `${name} ${reason}`,
          Number(value),
        ]),
      );
    },
  };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("what comes in and is added is what goes on, was consumed or refused", async () => {
  const { component, clock, next, consume, counts, passedOn, incoming } = await subject();
  await consume({ spanId: idOf(1), name: "openclaw.run" }, { spanId: idOf(2), ...tool });
  clock.advance(5_000);
  const endTimeUnixNano = nanoseconds(clock.unixMs() + 1);
  await consume({ spanId: idOf(3), name: "other", endTimeUnixNano });
  await consume({ spanId: idOf(1), name: "openclaw.run", endTimeUnixNano });
  next.answer = () => ({ status: "retryable", message: "Full." });
  clock.advance(20_000);
  await turns();
  next.answer = () => ({ status: "accepted" });
  clock.advance(2_000);
  await turns();
  await component.shutdown(noDeadline());
  await consume({ spanId: idOf(4), name: "late", endTimeUnixNano });
  expect(await counts()).toEqual({
    consumed_items: 2,
    refused_items: 1,
    added_spans: 2, // One closing span, passed on twice.
    "dropped_spans outbox_full": 0,
    "dropped_spans refused": 0,
    "dropped_spans shutdown": 0,
  });
  expect([incoming() + 2, passedOn() + 2 + 1]).toEqual([7, 7]);
});

test("a closing span that a backend refuses for good is counted", async () => {
  const { clock, next, consume, counts } = await subject();
  await consume({ spanId: idOf(1), name: "openclaw.run" }, { spanId: idOf(2), ...tool });
  clock.advance(5_000);
  await consume({
    spanId: idOf(1),
    name: "openclaw.run",
    endTimeUnixNano: nanoseconds(clock.unixMs() + 1),
  });
  next.answer = () => ({ status: "permanent", message: "No." });
  clock.advance(20_000);
  await turns();
  expect(await counts()).toMatchObject({ added_spans: 1, "dropped_spans refused": 1 });
});
