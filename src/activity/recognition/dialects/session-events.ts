import { dialects } from "../../model/dialects.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import { type ActivityRecord, attributeOf, textOf } from "../activity-record.ts";
import {
  addReference,
  addReferences,
  type EventContext,
  hashOf,
  sequenceOf,
  setNamedSpan,
} from "../event-fields.ts";

export const sessionEventNames = { start: "session.start", end: "session.end" } as const;

/** Events of the GenAI conventions, which are in development: an agent waits for a person, and no longer. */
export const pauseEventNames = {
  paused: "gen_ai.agent.paused",
  resumed: "gen_ai.agent.resumed",
  resolved: "gen_ai.agent.pause.resolved",
} as const;

const previousIdKey = "session.previous_id";
const pauseIdKey = "gen_ai.agent.pause.id";

/**
 * S7, session events (https://opentelemetry.io/docs/specs/semconv/general/session/): a start that names
 * the previous session is that one's end.
 */
export function addSessionEvent(
  seen: ActivityRecord,
  context: EventContext,
  signals: SignalBatch,
): void {
  const { record, eventName, atMs } = seen;
  const add = (type: typeof signalTypes.sessionStart | typeof signalTypes.sessionEnd) => {
    const row = signals.add({
      type,
      dialect: dialects.sessionEvent.storedId,
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
  context: EventContext,
  signals: SignalBatch,
): void {
  const { record, eventName, atMs } = seen;
  const isPause = eventName === pauseEventNames.paused;
  const row = signals.add({
    type: isPause ? signalTypes.pause : signalTypes.resume,
    dialect: dialects.pauseEvent.storedId,
    kind: workKinds.other,
    flags: 0,
    ...context.sender,
    startMs: atMs,
    endMs: atMs,
  });
  setNamedSpan(seen, row, signals);
  signals.seq.set(row, sequenceOf(seen));
  const id = textOf(attributeOf(record.attributes, pauseIdKey));
  if (id !== "") {
    const { hi, lo } = hashOf(id, context.hash);
    signals.setKey(row, hi, lo);
  } else if (isPause) {
    signals.setKey(row, signals.span0.get(row), signals.span1.get(row));
  }
  addReferences(seen, context, signals);
  const first = signals.referencesFrom(row);
  const hasKey = signals.key0.get(row) !== 0 || signals.key1.get(row) !== 0;
  if (isPause && !hasKey && first < signals.referencesTo(row)) {
    // Else a second session of the process could not wait beside the first.
    signals.setKey(row, signals.referenceHi(first), signals.referenceLo(first));
  }
}
