import { dialects } from "../../model/dialects.ts";
import { signalTypes } from "../../model/signal-batch.ts";
import { type Attributes, attributeOf, integerOf, textOf } from "../activity-record.ts";
import { addDisregarded } from "../disregarded.ts";
import { addProcessEvent } from "../event-fields.ts";
import { promisedInterval } from "../promised-interval.ts";
import { identityOf } from "../sender-identity.ts";
import type { LogDialect } from "./log-dialect.ts";

const stateEvent = "entity.state";
/** Entities that are a process. Others (hosts, pods, services) are none that work belongs to. */
const processTypes: readonly string[] = ["service.instance", "process"];
/** Each part is looked for in the resource, so that more of them would cost their product. Processes have four. */
const maxIdParts = 32;

/**
 * S6, entity events of the sending process: `entity.state` with an `entity.report.interval` is a lease on it,
 * `entity.delete` its end (https://opentelemetry.io/docs/specs/otel/entities/entity-events/). An event about another
 * process than its sender, as agents of a host or cluster send them, is only counted: the two may name that process differently, and nobody ends
 * the process of another.
 */
export const entityEvents: LogDialect = {
  dialect: dialects.entityEvent.storedId,
  eventNames: [stateEvent, "entity.delete"],
  needles: ["entity."],
  consumption: "never",
  read(record, context, signals) {
    const { attributes } = record.record;
    if (!processTypes.includes(textOf(attributeOf(attributes, "entity.type")))) {
      return;
    }
    if (isAnother(record.resource, attributeOf(attributes, "entity.id")?.kvlistValue?.values)) {
      addDisregarded(signalTypes.foreign, context, signals);
      return;
    }
    const type = record.eventName === stateEvent ? signalTypes.alive : signalTypes.gone;
    const row = addProcessEvent(type, record, context, signals);
    const interval = attributeOf(attributes, "entity.report.interval");
    const seconds = integerOf(interval) ?? interval?.doubleValue ?? 0;
    const { intervalMs, isOverlong } = promisedInterval(seconds * 1000, context.intervals);
    signals.intervalMs.set(row, intervalMs);
    if (isOverlong) {
      addDisregarded(signalTypes.overlong, context, signals);
    }
  },
};

/** Whether anything that identifies the entity differs from the attributes of its sender, or there is too much to compare. */
function isAnother(resource: Attributes, id: Attributes): boolean {
  const parts = id ?? [];
  return (
    parts.length > maxIdParts ||
    parts.some(
      ({ key, value }) => identityOf(attributeOf(resource, key ?? "")) !== identityOf(value),
    )
  );
}
