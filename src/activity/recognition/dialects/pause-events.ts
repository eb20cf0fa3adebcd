import { dialects } from "../../model/dialects.ts";
import { signalTypes } from "../../model/signal-batch.ts";
import { attributeOf, textOf } from "../activity-record.ts";
import { addReferences, addSessionEvent, setNamedSpan } from "../event-fields.ts";
import type { LogDialect } from "./log-dialect.ts";

const pausedEvent = "gen_ai.agent.paused";
const pauseIdKey = "gen_ai.agent.pause.id";

/**
 * S8, events of the GenAI conventions that are in development: an agent waits for a person, and no longer waits. The session
 * is that of the record's span, or the one that its attributes name. The key of a pause is its id, else its span, else its
 * session; a resumption without an id ends every pause.
 */
export const pauseEvents: LogDialect = {
  dialect: dialects.pauseEvent.storedId,
  eventNames: [pausedEvent, "gen_ai.agent.resumed", "gen_ai.agent.pause.resolved"],
  needles: ["gen_ai.agent."],
  consumption: "never",
  read(record, context, signals) {
    const isPause = record.eventName === pausedEvent;
    const type = isPause ? signalTypes.pause : signalTypes.resume;
    const row = addSessionEvent(type, record, context, signals);
    setNamedSpan(record, row, signals);
    const id = textOf(attributeOf(record.record.attributes, pauseIdKey));
    if (id !== "") {
      context.hash.updateWithText(id);
      signals.setKey(row, context.hash.hi, context.hash.lo);
    } else if (isPause) {
      signals.setKey(row, signals.span0.get(row), signals.span1.get(row));
    }
    addReferences(record, context, signals);
    const first = signals.referencesFrom.get(row);
    const hasKey = signals.key0.get(row) !== 0 || signals.key1.get(row) !== 0;
    if (isPause && !hasKey && first < signals.referencesTo.get(row)) {
      // Without it the pauses of two sessions of one process would have one key.
      signals.setKey(row, signals.referenceHi.get(first), signals.referenceLo.get(first));
    }
  },
};
