import { dialects } from "../../model/dialects.ts";
import { signalTypes } from "../../model/signal-batch.ts";
import { attributeOf } from "../activity-record.ts";
import {
  addReference,
  addReferences,
  addSessionEvent,
  namesSession,
  sessionOf,
} from "../event-fields.ts";
import type { LogDialect } from "./log-dialect.ts";

const startEvent = "session.start";
const previousIdKey = "session.previous_id";

/**
 * S7, session events (https://opentelemetry.io/docs/specs/semconv/general/session/). A start that names the previous session
 * also ends that one, unless it is the same.
 */
export const sessionEvents: LogDialect = {
  dialect: dialects.sessionEvent.storedId,
  eventNames: [startEvent, "session.end"],
  needles: ["session."],
  consumption: "never",
  read(record, context, signals) {
    const isStart = record.eventName === startEvent;
    const previous = sessionOf(attributeOf(record.record.attributes, previousIdKey));
    // A session that is its own previous one goes on.
    if (isStart && previous !== "" && !namesSession(record, context, previous)) {
      addSessionEvent(signalTypes.sessionEnd, record, context, signals);
      addReference(previous, context, signals);
    }
    const type = isStart ? signalTypes.sessionStart : signalTypes.sessionEnd;
    addSessionEvent(type, record, context, signals);
    addReferences(record, context, signals);
  },
};
