import type { SignalBatch } from "../model/signal-batch.ts";
import { type ActivityRecord, attributeOf, integerOf, textOf } from "./activity-record.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import type { SenderProcess } from "./sender-processes.ts";

const sequenceKey = "openclaw.seq";

/** What reading an event of a session takes besides its record. */
export interface EventContext {
  readonly sender: SenderProcess;
  readonly hash: KeyedHash;
  /** Attributes that name a session. */
  readonly sessionReferences: readonly string[];
}

/** The sender's order of events; 0 when the record does not say. */
export function sequenceOf({ record }: ActivityRecord): number {
  const seq = integerOf(attributeOf(record.attributes, sequenceKey)) ?? 0;
  return seq > 0 && seq < 2 ** 31 ? seq : 0;
}

/** The span that a record names in its own ids becomes the span of the row; zeros when it names none. */
export function setNamedSpan({ record }: ActivityRecord, row: number, signals: SignalBatch): void {
  const [trace0, trace1, trace2, trace3] = wordsOf(record.traceId, 4);
  const [span0, span1] = wordsOf(record.spanId, 2);
  signals.setTrace(row, trace0, trace1, trace2, trace3);
  signals.setSpan(row, span0, span1, 0, 0);
}

/** Adds every session that the attributes of a record name to the row added last. */
export function addReferences(
  { record }: ActivityRecord,
  context: EventContext,
  signals: SignalBatch,
): void {
  for (const key of context.sessionReferences) {
    const value = textOf(attributeOf(record.attributes, key));
    if (value !== "") {
      addReference(value, context, signals);
    }
  }
}

/** Adds one session to the row added last. */
export function addReference(value: string, { hash }: EventContext, signals: SignalBatch): void {
  const { hi, lo } = hashOf(value, hash);
  signals.addReference(hi, lo);
}

export function hashOf(
  text: string,
  hash: KeyedHash,
): { readonly hi: number; readonly lo: number } {
  const bytes = Buffer.from(text);
  hash.update(bytes, 0, bytes.length);
  return { hi: hash.hi, lo: hash.lo };
}

/** An id as big-endian words; zeros for one of another length. */
function wordsOf(id: Uint8Array | null | undefined, count: 4): [number, number, number, number];
function wordsOf(id: Uint8Array | null | undefined, count: 2): [number, number];
function wordsOf(id: Uint8Array | null | undefined, count: number): number[] {
  if (id?.length !== count * 4) {
    return Array.from({ length: count }, () => 0);
  }
  const view = new DataView(id.buffer, id.byteOffset, id.length);
  return Array.from({ length: count }, (_, index) => view.getInt32(index * 4));
}
