import Long from "long";
import { dialectNames } from "../../../src/activity/model/dialects.ts";
import { SignalBatch, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { kindNames, toWorkKind } from "../../../src/activity/model/work.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createLogReader } from "./signal-readers.ts";

export const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
export const traceId = Buffer.from("0102030405060708090a0b0c0d0e0f10", "hex");
export const spanId = Buffer.from("00000000000000a1", "hex");
const startNano = 1_795_000_000_123_456_789n;

/** A logs request of one resource with these records. */
export function request(...records: readonly otlp.LogRecord.$Properties[]): Uint8Array {
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: { attributes: [text("service.name", "agent"), text("host.name", "box")] },
        scopeLogs: [{ logRecords: [...records] }],
      },
    ],
  }).finish();
}

const nameOf = (names: Readonly<Record<string, number>>, value: number) =>
  Object.keys(names).find((name) => names[name] === value);

/** Nanoseconds fit a double to less than a microsecond. */
const rounded = (ms: number) => Math.round(ms * 100) / 100;

/** Every signal of a request, as a test compares them. */
export function observe(bytes: Uint8Array) {
  const { observer } = createLogReader();
  const signals = new SignalBatch();
  observer.read(bytes, signals);
  return {
    consumed: observer.consumedRecords,
    rest: otlp.ExportLogsServiceRequest.decode(observer.rest(bytes)),
    signals: Array.from({ length: signals.count }, (_, row) => ({
      type: nameOf(signalTypes, signals.type.get(row)),
      dialect: dialectNames[signals.dialect.get(row)],
      kind: kindNames[toWorkKind(signals.kind.get(row))],
      trace: [signals.trace0, signals.trace3].map((word) => word.get(row)),
      span: [signals.span0.get(row), signals.span1.get(row)],
      parent: [signals.parent0.get(row), signals.parent1.get(row)],
      startMs: rounded(signals.startMs.get(row)),
      endMs: rounded(signals.endMs.get(row)),
      intervalMs: signals.intervalMs.get(row),
      sentMs: rounded(signals.sentMs.get(row)),
      hasKey: signals.key0.get(row) !== 0 || signals.key1.get(row) !== 0,
      references: signals.referencesTo.get(row) - signals.referencesFrom.get(row),
      seq: signals.seq.get(row),
    })),
  };
}

export const recordTime = { timeUnixNano: Long.fromString("1795000005000000000", true) };
const tracesData = {
  resourceSpans: [
    {
      resource: { attributes: [text("service.name", "agent"), text("host.name", "box")] },
      scopeSpans: [
        {
          spans: [
            {
              traceId,
              spanId,
              parentSpanId: Buffer.from("00000000000000b2", "hex"),
              name: "execute_tool exec",
              startTimeUnixNano: Long.fromString(String(startNano), true),
              attributes: [text("gen_ai.operation.name", "execute_tool")],
            },
          ],
        },
      ],
    },
  ],
};
export const proto = Buffer.from(otlp.ExportTraceServiceRequest.encode(tracesData).finish());
export const resourceSpans = Buffer.from(
  otlp.ResourceSpans.encode(tracesData.resourceSpans[0]!).finish(),
);
export const camel = (span: object = {}) =>
  JSON.stringify({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: traceId.toString("hex"),
                spanId: spanId.toString("hex"),
                parentSpanId: "00000000000000b2",
                name: "execute_tool exec",
                kind: "SPAN_KIND_INTERNAL",
                startTimeUnixNano: String(startNano),
                attributes: [
                  { key: "gen_ai.operation.name", value: { stringValue: "execute_tool" } },
                ],
                status: {},
                ...span,
              },
            ],
          },
        ],
      },
    ],
  });
/** As .NET writes it: snake case, numbers that a double cannot hold, the status where the trace state belongs. */
export const snake = `{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"${traceId.toString("hex")}",
  "span_id":"00000000000000a1","parent_span_id":"00000000000000b2","name":"execute_tool exec","kind":1,
  "trace_state":"Unset","start_time_unix_nano":${startNano},
  "attributes":[{"key":"gen_ai.operation.name","value":{"string_value":"execute_tool"}}]}]}]}]}`;

export const heartbeat = (
  type: string | undefined,
  body: otlp.AnyValue.$Properties,
  frequency = "5000ms",
) => ({
  ...recordTime,
  attributes: [
    text("partial.event", "heartbeat"),
    text("partial.frequency", frequency),
    ...(type === undefined ? [] : [text("partial.body.type", type)]),
  ],
  body,
});

export const started = {
  type: "start",
  dialect: "partial_log",
  kind: "tool",
  trace: [0x01020304, 0x0d0e0f10],
  span: [0, 0xa1],
  parent: [0, 0xb2],
  startMs: 1_795_000_000_123.46,
  endMs: 1_795_000_005_000,
  intervalMs: 5000,
  sentMs: 1_795_000_005_000,
  hasKey: false,
  references: 0,
  seq: 0,
};
