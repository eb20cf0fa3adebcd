import { describe, expect, test } from "vitest";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { recordRangesOf } from "../../../src/otlp/record-ranges.ts";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { testSettings } from "../../exporters/settings.ts";
import { requestsOf } from "../../support/senders/recordings.ts";

/** Plays a recording to a processor at its own pace, and lets `afterMs` pass then. */
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
    await stations[signal].consume({ signal, bytes, items: recordRangesOf(bytes).records.length });
  }
  clock.advance(afterMs);
  // What was told is handed on one by one.
  await new Promise((resolve) => setImmediate(resolve));
  const told = events.flatMap(({ bytes }) =>
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
    told,
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

describe("what real senders say of starts", () => {
  for (const [recording, dialect] of [
    ["logfire-js/turn", "logfire_pending"],
    ["logfire-py/turn", "logfire_pending"],
    ["ddtrace/turn", "datadog_partial"],
    ["partial-span-processor/turn", "partial_log"],
  ] as const) {
    test(`${recording}: a turn of two tools and two model calls is told as such, and nothing is evicted`, async () => {
      const { told, started, ended, open, dialects } = await play(recording, 24 * 60 * minuteMs);
      expect(told).toEqual([]);
      expect(started).toEqual({ run: 1, tool: 2, model_call: 2 });
      expect(ended).toEqual(started);
      expect(open).toEqual({});
      expect(dialects).toContain(dialect);
    });
  }

  for (const recording of ["logfire-js/abandoned", "partial-span-processor/abandoned"] as const) {
    test(`${recording}: the tool that its run left behind is evicted for want of an owner`, async () => {
      const { told, open } = await play(recording, minuteMs);
      expect(told).toEqual([["session.activity.evicted", "orphaned_no_owner", "get_time"]]);
      expect(open).toEqual({});
    });
  }

  test("ddtrace/abandoned: what the tracer ends itself when its process exits was an orphan until then", async () => {
    const { told, open } = await play("ddtrace/abandoned", minuteMs, { allowed_lateness: "1s" });
    expect(told).toEqual([
      ["session.activity.evicted", "orphaned_no_owner", "get_time"],
      ["session.activity.reconciled", undefined, undefined],
    ]);
    expect(open).toEqual({});
  });

  for (const recording of ["ddtrace/killed", "partial-span-processor/killed"] as const) {
    test(`${recording}: heartbeats that stop end the lease of the tool`, async () => {
      const { told, open } = await play(recording, minuteMs);
      expect(told).toEqual([
        ["session.activity.held", "input_stopped", undefined],
        ["session.activity.evicted", "lease_expired", "get_time"],
      ]);
      expect(open).toEqual({});
    });
  }

  for (const recording of ["logfire-js/killed", "logfire-py/killed"] as const) {
    test(`${recording}: without heartbeats it is only old age that tells, and before that a stall`, async () => {
      const { told, open } = await play(recording, 13 * 60 * minuteMs);
      expect(told).toEqual([
        ["session.stalled", "blocked_tool_call", "get_time"],
        // At one moment: its run goes too.
        ["session.recovered", "evicted", undefined],
        ["session.activity.evicted", "max_age", "get_time"],
      ]);
      expect(open).toEqual({});
    });
  }

  test("claude-code/terminated: the tool that only the wait in front of it speaks of is evicted, and nothing stays implied", async () => {
    const { told, started, ended, evicted, open, implied } = await play(
      "claude-code/terminated",
      minuteMs,
    );
    expect(told).toEqual([["session.activity.evicted", "orphaned_no_owner", undefined]]);
    expect(started).toEqual({ run: 1, tool: 1, model_call: 1 });
    expect(ended).toEqual({ run: 1, model_call: 1 });
    expect(evicted).toEqual({ tool: 1 });
    expect({ open, implied }).toEqual({ open: {}, implied: 0 });
  });

  test("smolagents/cancelled: of the run that was interrupted nothing is known but that it was there", async () => {
    const during = await play("smolagents/cancelled", 0);
    expect(during.implied).toBe(1);
    const { told, started, ended, open, implied } = await play("smolagents/cancelled", minuteMs);
    expect(told).toEqual([]);
    expect(started).toEqual({ tool: 2, model_call: 1 });
    expect(ended).toEqual(started);
    expect({ open, implied }).toEqual({ open: {}, implied: 0 });
  });

  test("a turn that was cancelled ends its tool after its run, and evicts nothing", async () => {
    const { told, open } = await play("logfire-py/unfinished", minuteMs);
    expect(told).toEqual([]);
    expect(open).toEqual({});
  });

  test("starts go no further than here, unless Logfire's are asked for", async () => {
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
