import { isPackable, wireTypeOf } from "./field-wire-type.ts";
import { type Field, type Message, messageOf, requestMessage } from "./message-description.ts";
import type { Signal } from "./payload.ts";
import { requestLimits } from "./request-limits.ts";
import { wireTypes } from "./wire-reader.ts";

/**
 * What a check does with a field. Of all but `unknown` and `mismatch` the number and the wire type are those of the schema. Numbers from
 * `firstMessage` on are messages: the index of the message, plus `firstMessage`.
 */
export const actions = {
  unknown: 0,
  /** Its length or its varint is all there is to check. */
  scalar: 1,
  text: 2,
  traceId: 3,
  spanId: 4,
  parentSpanId: 5,
  packedVarints: 6,
  packedFixed64: 7,
  /** The number of a known field with the wire type of another: as in protobuf, an unknown field. */
  mismatch: 8,
  firstMessage: 16,
} as const;

/** Messages that are nothing without those in them, and values, which are short. */
const wrappers: ReadonlySet<Message> = new Set(
  (
    [
      "AnyValue",
      "ArrayValue",
      "KeyValueList",
      "Status",
      "Gauge",
      "Sum",
      "Histogram",
      "ExponentialHistogram",
      "Summary",
    ] as const
  ).map(messageOf),
);

/** Messages by their index. */
const described: Message[] = [];
/** Cells per message, enough for the tags of all its fields. */
export const tagsPerMessage = 256;

/** The records of the three signals, and other messages that a check treats in a way of their own. */
export const messageIndex = describeAll();

/** From `index * tagsPerMessage + tag` to an action. */
export const actionTable = buildTable();

/** Of an attribute's value and of the list in one, which are around other messages, or shorter than they. */
export const valueWeight = 2;

/** By the index of a message, the bytes that one which is not empty has at least, with what is around it. */
export const messageWeights = Uint8Array.from(described, (message) =>
  wrappers.has(message) ? valueWeight : requestLimits.bytesPerMessage,
);

function describeAll() {
  const recordOf = (signal: Signal) => {
    const resourcePart = messageAt(requestMessage(signal), 1);
    const scopePart = messageAt(resourcePart, 2);
    return { record: indexOf(messageAt(scopePart, 2)), resourcePart, scopePart };
  };
  const traces = recordOf("traces");
  const metrics = recordOf("metrics");
  const logs = recordOf("logs");
  const exemplar = messageAt(messageAt(messageAt(messageAt(metrics.scopePart, 2), 5), 1), 5);
  return {
    records: { traces: traces.record, metrics: metrics.record, logs: logs.record },
    resource: indexOf(messageAt(traces.resourcePart, 1)),
    scope: indexOf(messageAt(traces.scopePart, 1)),
    link: indexOf(messageAt(messageAt(traces.scopePart, 2), 13)),
    keyValue: indexOf(messageAt(messageAt(traces.scopePart, 2), 9)),
    exemplar: indexOf(exemplar),
  } as const;
}

/** The message of a field. */
function messageAt(message: Message, number: number): Message {
  const type = message.byNumber.get(number)?.type;
  if (type?.kind !== "message") {
    throw new Error(`Field ${number} is no message.`);
  }
  return type.message;
}

function indexOf(message: Message): number {
  const known = described.indexOf(message);
  return known >= 0 ? known : described.push(message) - 1;
}

function buildTable(): Uint8Array {
  const rows: number[][] = [];
  // Grows while it is walked: each field may bring a message that has no index yet.
  for (const message of described) {
    const row = new Array<number>(tagsPerMessage).fill(actions.unknown);
    for (const [number, field] of message.byNumber) {
      for (const wireType of Object.values(wireTypes)) {
        row[(number << 3) | wireType] = actions.mismatch;
      }
      if (field.isRepeated && isPackable(field)) {
        row[(number << 3) | wireTypes.length] =
          wireTypeOf(field) === wireTypes.varint ? actions.packedVarints : actions.packedFixed64;
      }
      row[(number << 3) | wireTypeOf(field)] = actionOf(field);
    }
    rows.push(row);
  }
  return Uint8Array.from(rows.flat());
}

function actionOf({ name, type }: Field): number {
  if (type.kind === "message") {
    return actions.firstMessage + indexOf(type.message);
  }
  const scalar = type.kind === "enum" ? "enum" : type.scalar;
  switch (scalar) {
    case "string":
      return actions.text;
    case "id":
      return idAction(name);
    default:
      return actions.scalar;
  }
}

function idAction(name: string): number {
  switch (name) {
    case "traceId":
      return actions.traceId;
    case "spanId":
      return actions.spanId;
    default:
      return actions.parentSpanId;
  }
}
