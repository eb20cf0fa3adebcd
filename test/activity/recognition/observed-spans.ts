import Long from "long";
import { dialectNames } from "../../../src/activity/model/dialects.ts";
import { SignalBatch, signalFlags, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createSpanReader } from "./signal-readers.ts";

type Value = string | number | boolean | { readonly double: number };

const nameOf = (names: Readonly<Record<string, number>>, value: number) =>
  Object.keys(names).find((name) => names[name] === value);

function anyValue(value: Value): otlp.AnyValue.$Properties {
  if (typeof value === "string") {
    return { stringValue: value };
  }
  if (typeof value === "boolean") {
    return { boolValue: value };
  }
  return typeof value === "number"
    ? { intValue: Long.fromNumber(value) }
    : { doubleValue: value.double };
}

interface Sent {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, Value>>;
  readonly end?: number;
  readonly parent?: string;
  readonly scope?: string;
}

/** Reads one span. */
export function scan(span: Sent, options: { readonly forwardsPending?: boolean } = {}) {
  const { observer, tools } = createSpanReader(options);
  const signals = new SignalBatch();
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        scopeSpans: [
          {
            scope: { name: span.scope ?? "" },
            spans: [
              {
                traceId: new Uint8Array(16).fill(1),
                spanId: Buffer.from("00000000000000a1", "hex"),
                ...(span.parent === undefined
                  ? {}
                  : { parentSpanId: Buffer.from(span.parent, "hex") }),
                name: span.name,
                startTimeUnixNano: Long.fromNumber(1_000_000_000),
                endTimeUnixNano: Long.fromNumber((span.end ?? 2) * 1_000_000_000),
                attributes: Object.entries(span.attributes ?? {}).map(([key, value]) => ({
                  key,
                  value: anyValue(value),
                })),
              },
            ],
          },
        ],
      },
    ],
  }).finish();
  observer.read(bytes, signals);
  return { observer, tools, signals };
}

/** The signals of one span, and whether it is consumed. */
export function observe(span: Sent, options: { readonly forwardsPending?: boolean } = {}) {
  const { observer, tools, signals } = scan(span, options);
  return {
    isConsumed: observer.consumed.includes(0),
    signals: Array.from({ length: signals.count }, (_, row) => ({
      type: nameOf(signalTypes, signals.type.get(row)),
      dialect: dialectNames[signals.dialect.get(row)],
      span: signals.span1.get(row),
      parent: signals.parent1.get(row),
      sentMs: signals.sentMs.get(row),
      name: tools.valueOf(signals.name.get(row)),
      hasKey: signals.key0.get(row) !== 0 || signals.key1.get(row) !== 0,
      isProgress: (signals.flags.get(row) & signalFlags.progress) !== 0,
    })),
  };
}

/** Attributes of a span that is a tool, and its signal as `observe` has it, without type and dialect. */
export const tool = { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "exec" };
export const plain = {
  span: 0xa1,
  parent: 0,
  sentMs: 0,
  name: "exec",
  hasKey: false,
  isProgress: false,
};
