import { dialects } from "../../model/dialects.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import {
  type ActivityRecord,
  type Attributes,
  attributeOf,
  integerOf,
  textOf,
} from "../activity-record.ts";
import { identityOf } from "../sender-identity.ts";
import type { SenderProcess } from "../sender-processes.ts";

export const entityEventNames = { state: "entity.state", delete: "entity.delete" } as const;
/** Entities that are a process. Others (hosts, pods, services) say nothing of ours. */
const processTypes: readonly string[] = ["service.instance", "process"];
const longestIntervalS = 86_400;

/**
 * S6, entity events of the sending process: `entity.state` with an `entity.report.interval` is a lease on
 * it, `entity.delete` its end
 * (https://opentelemetry.io/docs/specs/otel/entities/entity-events/). An event about another process than the
 * one that sends it is left alone, since its sender may know that one by other names. One of a process that cannot be told
 * apart from its siblings is counted and not believed: it would speak for them as well.
 */
export function addEntityEvent(
  { record, eventName, resource, atMs }: ActivityRecord,
  sender: SenderProcess,
  signals: SignalBatch,
): void {
  const { attributes } = record;
  if (
    !processTypes.includes(textOf(attributeOf(attributes, "entity.type"))) ||
    isAnother(resource, attributeOf(attributes, "entity.id")?.kvlistValue?.values)
  ) {
    return;
  }
  const row = signals.add({
    type: eventName === entityEventNames.state ? signalTypes.alive : signalTypes.gone,
    dialect: dialects.entityEvent.storedId,
    kind: workKinds.other,
    flags: 0,
    process: sender.isIdentified ? sender.process : 0,
    serviceHost: sender.serviceHost,
    startMs: atMs,
    endMs: 0,
  });
  const seconds = integerOf(attributeOf(attributes, "entity.report.interval")) ?? 0;
  signals.intervalMs.set(row, seconds > 0 && seconds <= longestIntervalS ? seconds * 1000 : 0);
}

/** Whether the entity is identified by anything that its sender does not say of itself. */
function isAnother(resource: Attributes, id: Attributes): boolean {
  return (id ?? []).some(
    ({ key, value }) => identityOf(attributeOf(resource, key ?? "")) !== identityOf(value),
  );
}
