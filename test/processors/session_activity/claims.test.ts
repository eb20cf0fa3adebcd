import Long from "long";
import { describe, expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { schema } from "../../../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../../../src/processors/session_activity/processor.ts";
import { testSettings } from "../../exporters/settings.ts";

const startUnixMs = 1_795_000_000_000;
const scope = { name: "openclaw-activity-relay" };
/** Texts that must not leave the collector. A search in the bytes of an event finds them in any field. */
const session = "canary-session";
const canaries = [session, "canary-reason", "canary-classification", "canary-state"];
const traceId = Buffer.from("c0ffee00c0ffee00c0ffee00c0ffee00", "hex");
const spanId = (last: number) => Buffer.from([0xca, 0x4a, 0x41, 0xe5, 0, 0, 0, last]);

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const int = (key: string, value: number) => ({
  key,
  value: { intValue: Long.fromNumber(value) },
});
const nano = (atMs: number) => Long.fromNumber(startUnixMs + atMs).mul(1_000_000);
const sender = { attributes: [text("service.name", "openclaw"), text("host.name", "box")] };

const run = {
  traceId,
  spanId: spanId(1),
  name: "openclaw.run",
  startTimeUnixNano: nano(0),
  attributes: [text("session.id", session), int("openclaw.seq", 1)],
};
const tool = {
  traceId,
  spanId: spanId(2),
  parentSpanId: spanId(1),
  name: "openclaw.tool.execution",
  startTimeUnixNano: nano(0),
  attributes: [
    text("session.id", session),
    int("openclaw.seq", 2),
    text("gen_ai.tool.name", "exec"),
  ],
};

/** Spans as the relay sends them. Without an end they are starts. */
function relayed(...spans: readonly otlp.Span.$Properties[]): Payload {
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ resource: sender, scopeSpans: [{ scope, spans: [...spans] }] }],
  }).finish();
  return { signal: "traces", bytes, items: spans.length };
}

/** Records as the relay sends them, at `atMs`. */
function records(
  atMs: number,
  ...events: readonly (readonly [string, ...otlp.KeyValue.$Properties[]])[]
): Payload {
  const bytes = otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: sender,
        scopeLogs: [
          {
            scope,
            logRecords: events.map(([eventName, ...attributes]) => ({
              timeUnixNano: nano(atMs),
              eventName,
              traceId,
              spanId: spanId(2),
              attributes: [text("session.id", session), ...attributes],
            })),
          },
        ],
      },
    ],
  }).finish();
  return { signal: "logs", bytes, items: events.length };
}

/** Records in the form in which the tests compare them. */
function recordsIn(events: readonly Payload[]) {
  return events
    .flatMap(({ bytes }) => otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs)
    .flatMap(({ scopeLogs }) => scopeLogs ?? [])
    .flatMap(({ logRecords }) => logRecords ?? [])
    .map(({ eventName, severityText, spanId, attributes }) => ({
      eventName,
      severityText,
      spanId: Buffer.from(spanId ?? []).toString("hex"),
      texts: Object.fromEntries(
        (attributes ?? []).flatMap(({ key, value }) =>
          typeof value?.stringValue === "string" ? [[key, value.stringValue]] : [],
        ),
      ),
    }));
}

const stalled = [
  "session.stalled",
  text("openclaw.reason", "canary-reason"),
  text("openclaw.classification", "canary-classification"),
  text("openclaw.activeWorkKind", "tool_call"),
  text("gen_ai.tool.name", "exec"),
  int("openclaw.queueDepth", 1),
] as const;
const unknownState = ["session.state", text("openclaw.state", "canary-state")] as const;

/** A processor, the payloads that it forwarded and the events that it emitted. */
async function start(config: object = {}) {
  const { settings, clock } = testSettings("session_activity");
  const component = createSessionActivity(settings, schema.parse(config));
  const forwarded: Payload[] = [];
  const events: Payload[] = [];
  const next = {
    consume: async (payload: Payload) => {
      forwarded.push(payload);
      return accepted;
    },
  };
  component.receiver!.connect("logs", {
    consume: async (payload) => {
      events.push(payload);
      return accepted;
    },
  });
  await component.start();
  return {
    clock,
    forwarded,
    events,
    traces: component.processor!.wrap("traces", next),
    logs: component.processor!.wrap("logs", next),
    metrics: component.receiver!.metrics!,
  };
}

describe("claims of a gateway", () => {
  test("are consumed, also those without a signal", async () => {
    const { logs, forwarded } = await start();
    expect(await logs.consume(records(0, [...stalled], [...unknownState]))).toEqual(accepted);
    expect(await logs.consume(records(0, [...unknownState]))).toEqual(accepted);
    expect(forwarded).toEqual([]);
  });

  test("are forwarded byte for byte with forward_claims", async () => {
    const { logs, forwarded } = await start({ forward_claims: true });
    const payload = records(0, [...stalled], [...unknownState]);
    await logs.consume(payload);
    expect(forwarded).toEqual([payload]);
  });

  test("are counted as signals", async () => {
    const { logs, metrics } = await start();
    await logs.consume(records(0, ["session.state"]));
    const { resourceMetrics } = await metrics.collect();
    const points = resourceMetrics.scopeMetrics
      .flatMap((part) => part.metrics)
      .filter(({ descriptor }) => descriptor.name === "openclaw.session.activity.signals")
      .flatMap(({ dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({ ...attributes, value: Number(value) })),
      )
      .filter(({ value }) => value !== 0);
    expect(points).toEqual([
      { "openclaw.dialect": "session_claim", "openclaw.result": "malformed", value: 1 },
    ]);
  });

  test("about a tool whose run has ended get the verdict stale_marker at once", async () => {
    const { clock, traces, logs, events } = await start();
    await traces.consume(relayed(run, tool));
    clock.advance(1_000);
    await traces.consume(relayed({ ...run, endTimeUnixNano: nano(1_000) }));
    clock.advance(1_000);
    await logs.consume(records(2_000, [...stalled], [...stalled]));
    await new Promise((resolve) => setImmediate(resolve));
    expect(recordsIn(events)).toMatchObject([
      {
        eventName: "session.diagnosed",
        severityText: "WARN",
        spanId: spanId(2).toString("hex"),
        texts: {
          "openclaw.claim": "stalled",
          "openclaw.verdict": "stale_marker",
          "gen_ai.tool.name": "exec",
        },
      },
    ]);
  });

  test("leave no text in an event or a metric except the name of a tool", async () => {
    const { clock, traces, logs, events, metrics } = await start({ trace_context: false });
    await traces.consume(relayed(run, tool));
    // Long enough for the tool to be silent. Then the gateway complains.
    clock.advance(130_000);
    await logs.consume(records(130_000, [...stalled], [...unknownState]));
    clock.advance(86_400_000);
    await new Promise((resolve) => setImmediate(resolve));
    const names = recordsIn(events).map(({ eventName }) => eventName);
    expect(names).toContain("session.stalled");
    const emitted = Buffer.concat(events.map(({ bytes }) => bytes));
    expect(emitted.includes("exec")).toBe(true);
    const page = Buffer.from(JSON.stringify(await metrics.collect()));
    for (const canary of [...canaries, traceId, spanId(1), spanId(2)]) {
      expect(emitted.includes(canary)).toBe(false);
      expect(page.includes(canary)).toBe(false);
    }
    for (const id of [traceId, spanId(1), spanId(2)]) {
      expect(emitted.includes(id.toString("hex"))).toBe(false);
      expect(page.includes(id.toString("hex"))).toBe(false);
    }
  });
});
