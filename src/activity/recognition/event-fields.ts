import type { SignalBatch, SignalRow, signalTypes } from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";
import {
  type ActivityRecord,
  type AnyValue,
  attributeOf,
  integerOf,
  textOf,
} from "./activity-record.ts";
import type { LogContext } from "./dialects/log-dialect.ts";
import { int64Text, isNoSessionText } from "./session-values.ts";

const sequenceKey = "openclaw.seq";

/** Adds a signal about a session, at the time and in the order of its record; returns its row. */
export function addSessionEvent(
  type: SignalRow["type"],
  record: ActivityRecord,
  context: LogContext,
  signals: SignalBatch,
): number {
  const row = signals.add({
    type,
    dialect: context.dialect,
    kind: workKinds.other,
    flags: 0,
    process: context.sender.process,
    serviceHost: context.sender.serviceHost,
    startMs: record.atMs,
    endMs: record.atMs,
  });
  signals.seq.set(row, sequenceOf(record));
  return row;
}

/**
 * Adds a signal about the process that sent the record; returns its row. The process is 0, which the engine does not
 * track, if it cannot be distinguished from its siblings: the signal would apply to them too.
 */
export function addProcessEvent(
  type: typeof signalTypes.alive | typeof signalTypes.gone | typeof signalTypes.unwatched,
  { atMs }: ActivityRecord,
  { dialect, sender }: LogContext,
  signals: SignalBatch,
): number {
  return signals.add({
    type,
    dialect,
    kind: workKinds.other,
    flags: 0,
    process: sender.isIdentified ? sender.process : 0,
    serviceHost: sender.serviceHost,
    startMs: atMs,
    endMs: 0,
  });
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
  context: LogContext,
  signals: SignalBatch,
): void {
  for (const [at, key] of context.sessionReferences.entries()) {
    const value = sessionOf(attributeOf(record.attributes, key));
    if (value !== "") {
      addReference(value, context, signals, at + 1);
    }
  }
}

/** The session that a value names: a text, or an integer as the text of its digits. Empty for none, and for a value of another type. */
export function sessionOf(value: AnyValue): string {
  const int = value?.intValue;
  if (int !== null && int !== undefined) {
    return int64Text(int.high, int.low);
  }
  const text = textOf(value);
  return isNoSessionText(text) ? "" : text;
}

/** Whether the attributes of a record name this session. */
export function namesSession(
  { record }: ActivityRecord,
  { sessionReferences }: Pick<LogContext, "sessionReferences">,
  session: string,
): boolean {
  return sessionReferences.some(
    (key) => sessionOf(attributeOf(record.attributes, key)) === session,
  );
}

/** Adds one session to the row added last. `rank`: of several references of a session that with the lowest rank is shown. */
export function addReference(
  value: string,
  { hash }: Pick<LogContext, "hash">,
  signals: SignalBatch,
  rank = 1,
): void {
  const bytes = Buffer.from(value);
  hash.update(bytes, 0, bytes.length);
  const shown = hash.refs?.of(hash, bytes, 0, bytes.length) ?? 0;
  signals.addReference(hash.hi, hash.lo, shown, Math.min(rank, 255));
}

/** The sender's order of events, from 1; 0 when the record has none. */
function sequenceOf({ record }: ActivityRecord): number {
  const seq = integerOf(attributeOf(record.attributes, sequenceKey)) ?? 0;
  return seq > 0 && seq < 2 ** 31 ? seq : 0;
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
