import Long from "long";
import { SignalBatch } from "../../../src/activity/model/signal-batch.ts";
import { kindNames, toWorkKind } from "../../../src/activity/model/work.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import type { SpanRule } from "../../../src/activity/recognition/span-rules.ts";
import { SpanSignalReader } from "../../../src/activity/recognition/span-signal-reader.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";

type Value = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, Value>>;

export interface Rest {
  readonly scope?: string;
  readonly isChild?: boolean;
  /** The span has no end. */
  readonly isOpen?: boolean;
  /** Attributes after the others, which may repeat them. */
  readonly more?: readonly (readonly [key: string, value: Value])[];
  readonly workSpans?: readonly SpanRule[];
  readonly sessionReferences?: readonly string[];
}

function anyValueOf(value: Value): otlp.IAnyValue {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "boolean":
      return { boolValue: value };
    case "number":
      return Number.isInteger(value)
        ? { intValue: Long.fromNumber(value) }
        : { doubleValue: value };
    default:
      return { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } };
  }
}

/** How a span of this name with these attributes is classified, and what is read of it. */
export function classify(name: string, attributes: Attributes = {}, rest: Rest = {}) {
  const tools = new LabelValues(10);
  const observer = new SpanSignalReader({
    processes: new SenderProcesses(),
    hash: new KeyedHash(new Uint8Array(16)),
    tools,
    channels: new LabelValues(10),
    ...(rest.workSpans === undefined ? {} : { workSpans: rest.workSpans }),
    ...(rest.sessionReferences === undefined ? {} : { sessionReferences: rest.sessionReferences }),
  });
  const signals = new SignalBatch();
  const span = {
    traceId: new Uint8Array(16).fill(1),
    spanId: new Uint8Array(8).fill(2),
    ...(rest.isChild === true ? { parentSpanId: new Uint8Array(8).fill(3) } : {}),
    name,
    endTimeUnixNano: Long.fromNumber(rest.isOpen === true ? 0 : 1),
    attributes: [...Object.entries(attributes), ...(rest.more ?? [])].map(([key, value]) => ({
      key,
      value: anyValueOf(value),
    })),
  };
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ scope: { name: rest.scope ?? "test" }, spans: [span] }] }],
  }).finish();
  observer.read(bytes, signals);
  return {
    kind: kindNames[toWorkKind(signals.kind.get(0))],
    tool: tools.valueOf(signals.name.get(0)),
    flags: signals.flags.get(0),
    reportedOpen: signals.reportedOpen.get(0),
    session: `${signals.referenceHi.get(0)}:${signals.referenceLo.get(0)}`,
    references: signals.referencesTo.get(0) - signals.referencesFrom.get(0),
  };
}
