import { workKinds } from "../kinds.ts";
import { dialects } from "./dialects.ts";
import {
  type ActivityRecord,
  type Attributes,
  attributeOf,
  integerOf,
  textOf,
} from "./log-record.ts";
import { identityOf, type SenderProcess } from "./sender-processes.ts";
import { type SignalBatch, signalTypes } from "./signal-batch.ts";

export const entityEventNames = { state: "entity.state", delete: "entity.delete" } as const;
/** Entities that are a process. Others (hosts, pods, services) say nothing of ours. */
const processTypes: readonly string[] = ["service.instance", "process"];
const longestIntervalS = 86_400;

/**
 * S6, entity events of the sending process: `entity.state` with an `entity.report.interval` is a lease on
 * it, `entity.delete` its end
 * (https://opentelemetry.io/docs/specs/otel/entities/entity-events/). An event that speaks of another
 * process than the one that sends it is left alone: who reports for others knows them by other names.
 */
export function addEntityEvent(
  { record, eventName, resource }: ActivityRecord,
  sender: SenderProcess,
  signals: SignalBatch,
): void {
  const { attributes } = record;
  if (
    !processTypes.includes(textOf(attributeOf(attributes, "entity.type"))) ||
    contradicts(resource, attributeOf(attributes, "entity.id")?.kvlistValue?.values)
  ) {
    return;
  }
  const row = signals.add({
    type: eventName === entityEventNames.state ? signalTypes.alive : signalTypes.gone,
    dialect: dialects.entityEvent,
    kind: workKinds.other,
    flags: 0,
    process: sender.process,
    place: sender.place,
    startMs: 0,
    endMs: 0,
  });
  const seconds = integerOf(attributeOf(attributes, "entity.report.interval")) ?? 0;
  signals.intervalMs.set(row, seconds > 0 && seconds <= longestIntervalS ? seconds * 1000 : 0);
}

/** Whether the entity is identified by something that its sender says of itself otherwise. */
function contradicts(resource: Attributes, id: Attributes): boolean {
  return (id ?? []).some(({ key, value }) => {
    const own = identityOf(attributeOf(resource, key ?? ""));
    return own !== "" && own !== identityOf(value);
  });
}
