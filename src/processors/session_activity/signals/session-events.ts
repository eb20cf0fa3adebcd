import { workKinds } from "../kinds.ts";
import { dialects } from "./dialects.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { type ActivityRecord, attributeOf, integerOf, textOf } from "./log-record.ts";
import type { SenderProcess } from "./sender-processes.ts";
import { type SignalBatch, signalTypes } from "./signal-batch.ts";

export const sessionEventNames = { start: "session.start", end: "session.end" } as const;

/** Events of the GenAI conventions, which are in development: an agent waits for a person, and no longer. */
export const pauseEventNames = {
  paused: "gen_ai.agent.paused",
  resumed: "gen_ai.agent.resumed",
  resolved: "gen_ai.agent.pause.resolved",
} as const;

const previousIdKey = "session.previous_id";
const pauseIdKey = "gen_ai.agent.pause.id";
const sequenceKey = "openclaw.seq";

/** What reading these events takes besides the record. */
export interface SessionEventContext {
  readonly sender: SenderProcess;
  readonly hash: KeyedHash;
  /** Attributes that name a session. */
  readonly sessionReferences: readonly string[];
}

/**
 * S7, session events (https://opentelemetry.io/docs/specs/semconv/general/session/): a start that names
 * the previous session is that one's end.
 */
export function addSessionEvent(
  seen: ActivityRecord,
  context: SessionEventContext,
  signals: SignalBatch,
): void {
  const { record, eventName, atMs } = seen;
  const add = (type: typeof signalTypes.sessionStart | typeof signalTypes.sessionEnd) => {
    const row = signals.add({
      type,
      dialect: dialects.sessionEvent,
      kind: workKinds.other,
      flags: 0,
      ...context.sender,
      startMs: atMs,
      endMs: atMs,
    });
    signals.seq.set(row, sequenceOf(seen));
  };
  const previous = textOf(attributeOf(record.attributes, previousIdKey));
  if (eventName === sessionEventNames.start && previous !== "") {
    add(signalTypes.sessionEnd);
    addReference(previous, context, signals);
  }
  add(eventName === sessionEventNames.start ? signalTypes.sessionStart : signalTypes.sessionEnd);
  addReferences(seen, context, signals);
}

/**
 * S8, pauses: the session of the record's span, or the one that its attributes name, waits for a person.
 * A pause has the key of its id, else of the span it was told with, else of the session; a resumption without an id
 * ends all.
 */
export function addPauseEvent(
  seen: ActivityRecord,
  context: SessionEventContext,
  signals: SignalBatch,
): void {
  const { record, eventName, atMs } = seen;
  const isPause = eventName === pauseEventNames.paused;
  const row = signals.add({
    type: isPause ? signalTypes.pause : signalTypes.resume,
    dialect: dialects.pauseEvent,
    kind: workKinds.other,
    flags: 0,
    ...context.sender,
    startMs: atMs,
    endMs: atMs,
  });
  const [trace0, trace1, trace2, trace3] = wordsOf(record.traceId, 4);
  const [span0, span1] = wordsOf(record.spanId, 2);
  signals.setTrace(row, trace0, trace1, trace2, trace3);
  signals.setSpan(row, span0, span1, 0, 0);
  const id = textOf(attributeOf(record.attributes, pauseIdKey));
  if (id !== "") {
    const { hi, lo } = hashOf(id, context.hash);
    signals.setKey(row, hi, lo);
  } else if (isPause) {
    signals.setKey(row, span0, span1);
  }
  addReferences(seen, context, signals);
  const first = signals.referencesFrom(row);
  const hasKey = signals.key0.get(row) !== 0 || signals.key1.get(row) !== 0;
  if (isPause && !hasKey && first < signals.referencesTo(row)) {
    // Else a second session of the process could not wait beside the first.
    signals.setKey(row, signals.referenceHi(first), signals.referenceLo(first));
  }
}

function addReferences(
  { record }: ActivityRecord,
  context: SessionEventContext,
  signals: SignalBatch,
): void {
  for (const key of context.sessionReferences) {
    const value = textOf(attributeOf(record.attributes, key));
    if (value !== "") {
      addReference(value, context, signals);
    }
  }
}

function addReference(value: string, { hash }: SessionEventContext, signals: SignalBatch): void {
  const { hi, lo } = hashOf(value, hash);
  signals.addReference(hi, lo);
}

function hashOf(text: string, hash: KeyedHash): { readonly hi: number; readonly lo: number } {
  const bytes = Buffer.from(text);
  hash.update(bytes, 0, bytes.length);
  return { hi: hash.hi, lo: hash.lo };
}

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
