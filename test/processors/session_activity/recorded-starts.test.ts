import { describe, expect, test } from "vitest";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { RecordCursor } from "../../../src/otlp/record-cursor.ts";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { testSettings } from "../../exporters/settings.ts";
import { requestsOf } from "../../support/senders/recordings.ts";

function recordsIn(bytes: Uint8Array): number {
  let count = 0;
  for (const cursor = new RecordCursor(bytes); cursor.next(); ) {
    count += 1;
  }
  return count;
}

/** Sends a recording to a processor at its own pace, then advances the clock by `afterMs`. */
async function play(recording: string, afterMs: number, config: object = {}) {
  const { settings, clock } = testSettings("session_activity");
  const processor = createSessionActivity(settings, schema.parse(config));
  const passedOn: Payload[] = [];
  const events: Payload[] = [];
  const next = {
    consume: async (payload: Payload) => {
      passedOn.push(payload);
      return { status: "accepted" as const };
    },
  };
  const stations = {
    traces: processor.processor!.wrap("traces", next),
    logs: processor.processor!.wrap("logs", next),
    metrics: next,
  };
  processor.receiver!.connect("logs", {
    consume: async (payload) => {
      events.push(payload);
      return { status: "accepted" };
    },
  });
  await processor.start();
  const requests = requestsOf(recording);
  let lastMs = requests[0]!.atMs;
  for (const { signal, bytes, atMs } of requests) {
    clock.advance(Math.max(0, atMs - lastMs));
    lastMs = Math.max(lastMs, atMs);
    await stations[signal].consume({ signal, bytes, items: recordsIn(bytes) });
  }
  clock.advance(afterMs);
  // Events are delivered one by one.
  await new Promise((resolve) => setImmediate(resolve));
  const emitted = events.flatMap(({ bytes }) =>
    otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs.flatMap((resource) =>
      resource.scopeLogs!.flatMap(({ logRecords }) =>
        logRecords!.map(({ eventName, attributes }) => {
          const attribute = (key: string) => attributes!.find((each) => each.key === key)?.value;
          return [
            eventName,
            attribute("openclaw.reason")?.stringValue ?? attribute("openclaw.state")?.stringValue,
            attribute("gen_ai.tool.name")?.stringValue,
          ];
        }),
      ),
    ),
  );
  const { resourceMetrics } = await processor.receiver!.metrics!.collect();
  const sums = (name: string, label: string) =>
    Object.fromEntries(
      resourceMetrics.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .filter(({ descriptor }) => descriptor.name === `openclaw.session.activity.${name}`)
        .flatMap(({ dataPoints }) =>
          dataPoints.map(
            ({ attributes, value }) => [String(attributes[label]), Number(value)] as const,
          ),
        )
        .filter(([, value]) => value !== 0),
    );
  return {
    emitted,
    started: sums("started", "openclaw.kind"),
    ended: sums("ended", "openclaw.kind"),
    open: sums("open", "openclaw.kind"),
    evicted: sums("evicted_work", "openclaw.kind"),
    implied: Object.values(sums("implied", "none")).reduce((sum, value) => sum + value, 0),
    dialects: Object.keys(sums("signals", "openclaw.dialect")),
    passedOn,
  };
}

const minuteMs = 60_000;

describe("starts of real senders", () => {
  for (const [recording, dialect] of [
    ["logfire-js/turn", "logfire_pending"],
    ["logfire-py/turn", "logfire_pending"],
    ["ddtrace/turn", "datadog_partial"],
    ["partial-span-processor/turn", "partial_log"],
  ] as const) {
    test(`${recording}: a turn of two tools and two model calls is counted as that, and nothing is evicted`, async () => {
      const { emitted, started, ended, open, dialects } = await play(recording, 24 * 60 * minuteMs);
      expect(emitted).toEqual([]);
      expect(started).toEqual({ run: 1, tool: 2, model_call: 2 });
      expect(ended).toEqual(started);
      expect(open).toEqual({});
      expect(dialects).toContain(dialect);
    });
  }

  for (const recording of ["logfire-js/abandoned", "partial-span-processor/abandoned"] as const) {
    test(`${recording}: the tool that its run left behind is evicted because it has no owner`, async () => {
      const { emitted, open } = await play(recording, minuteMs);
      expect(emitted).toEqual([["session.activity.evicted", "orphaned_no_owner", "get_time"]]);
      expect(open).toEqual({});
    });
  }

  test("ddtrace/abandoned: a tool that the tracer ends when its process exits was an orphan until then", async () => {
    const { emitted, open } = await play("ddtrace/abandoned", minuteMs, { allowed_lateness: "1s" });
    expect(emitted).toEqual([
      ["session.activity.evicted", "orphaned_no_owner", "get_time"],
      ["session.activity.reconciled", undefined, undefined],
    ]);
    expect(open).toEqual({});
  });

  for (const recording of ["ddtrace/killed", "partial-span-processor/killed"] as const) {
    test(`${recording}: the lease of the tool expires when its heartbeats stop`, async () => {
      const { emitted, open } = await play(recording, minuteMs);
      expect(emitted).toEqual([
        ["session.activity.held", "input_stopped", undefined],
        ["session.activity.evicted", "lease_expired", "get_time"],
      ]);
      expect(open).toEqual({});
    });
  }

  for (const recording of ["logfire-js/killed", "logfire-py/killed"] as const) {
    test(`${recording}: without heartbeats the tool is evicted only at max_age, after a stall`, async () => {
      const { emitted, open } = await play(recording, 13 * 60 * minuteMs);
      expect(emitted).toEqual([
        ["session.stalled", "blocked_tool_call", "get_time"],
        // Its run is evicted at the same moment.
        ["session.recovered", "evicted", undefined],
        ["session.activity.evicted", "max_age", "get_time"],
      ]);
      expect(open).toEqual({});
    });
  }

  test("claude-code/terminated: a tool that is known only from the wait before it is evicted, and no implied work remains", async () => {
    const { emitted, started, ended, evicted, open, implied } = await play(
      "claude-code/terminated",
      minuteMs,
    );
    expect(emitted).toEqual([["session.activity.evicted", "orphaned_no_owner", undefined]]);
    expect(started).toEqual({ run: 1, tool: 1, model_call: 1 });
    expect(ended).toEqual({ run: 1, model_call: 1 });
    expect(evicted).toEqual({ tool: 1 });
    expect({ open, implied }).toEqual({ open: {}, implied: 0 });
  });

  test("smolagents/cancelled: the interrupted run is known only as an implied parent", async () => {
    const during = await play("smolagents/cancelled", 0);
    expect(during.implied).toBe(1);
    const { emitted, started, ended, open, implied } = await play("smolagents/cancelled", minuteMs);
    expect(emitted).toEqual([]);
    expect(started).toEqual({ tool: 2, model_call: 1 });
    expect(ended).toEqual(started);
    expect({ open, implied }).toEqual({ open: {}, implied: 0 });
  });

  test("a cancelled turn ends its tool after its run, and nothing is evicted", async () => {
    const { emitted, open } = await play("logfire-py/unfinished", minuteMs);
    expect(emitted).toEqual([]);
    expect(open).toEqual({});
  });

  test("starts are consumed, except Logfire's with forward_pending_spans", async () => {
    const spansIn = (passedOn: readonly Payload[]) =>
      passedOn.flatMap(({ signal, bytes }) =>
        signal === "traces"
          ? otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans.flatMap((resource) =>
              resource.scopeSpans!.flatMap(({ spans }) => spans!),
            )
          : [],
      );
    const isPending = (span: otlp.Span.$Properties) =>
      span.attributes!.some(({ value }) => value?.stringValue === "pending_span");
    const isSnapshot = (span: otlp.Span.$Properties) =>
      span.attributes!.some(({ key }) => key === "_dd.partial_version");
    const plain = await play("logfire-js/turn", 0);
    const asked = await play("logfire-js/turn", 0, { forward_pending_spans: true });
    const datadog = await play("ddtrace/turn", 0);
    const partial = await play("partial-span-processor/turn", 0);
    expect(spansIn(plain.passedOn).filter(isPending)).toEqual([]);
    expect(spansIn(asked.passedOn).filter(isPending).length).toBeGreaterThan(4);
    const idsOf = (spans: readonly otlp.Span.$Properties[]) =>
      spans.map(({ spanId }) => Buffer.from(spanId!).toString("hex"));
    expect(idsOf(spansIn(asked.passedOn).filter((span) => !isPending(span)))).toEqual(
      idsOf(spansIn(plain.passedOn)),
    );
    expect(spansIn(datadog.passedOn).filter(isSnapshot)).toEqual([]);
    expect(partial.passedOn.filter(({ signal }) => signal === "logs")).toEqual([]);
    expect(spansIn(partial.passedOn)).toHaveLength(5);
  });
});
