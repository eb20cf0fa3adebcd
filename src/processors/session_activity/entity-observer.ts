import { otlp } from "../../otlp/proto/generated.js";
import { dialects } from "./dialects.ts";
import { workKinds } from "./kinds.ts";
import { processIdentity, type SenderProcesses } from "./sender-processes.ts";
import { type SignalBatch, signalTypes } from "./signal-batch.ts";

const stateEvent = "entity.state";
const deleteEvent = "entity.delete";
/** Entities that are a process. Others (hosts, pods, services) say nothing of ours. */
const processTypes: readonly unknown[] = ["service.instance", "process"];
const longestIntervalS = 86_400;

type Attributes = readonly otlp.KeyValue.$Properties[] | null | undefined;

/**
 * S6, entity events of the sending process: `entity.state` with an `entity.report.interval` is a lease on
 * it, `entity.delete` its end
 * (https://opentelemetry.io/docs/specs/otel/entities/entity-events/). An event that speaks of another
 * process than the one that sends it is left alone: who reports for others knows them by other names.
 */
export class EntityObserver {
  readonly #processes: SenderProcesses;

  constructor(processes: SenderProcesses) {
    this.#processes = processes;
  }

  /**
   * Writes a signal per entity event of a logs request into `signals`. Requests without any, nearly all,
   * are only searched for the name. One that cannot be decoded has none: the door has checked it.
   */
  observe(bytes: Uint8Array, signals: SignalBatch): void {
    signals.clear();
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (text.includes(stateEvent) || text.includes(deleteEvent)) {
      for (const { resource, scopeLogs } of decode(bytes)) {
        for (const record of (scopeLogs ?? []).flatMap((scope) => scope.logRecords ?? [])) {
          this.#observeRecord(resource?.attributes, record, signals);
        }
      }
    }
  }

  #observeRecord(
    resource: Attributes,
    record: otlp.LogRecord.$Properties,
    signals: SignalBatch,
  ): void {
    const { eventName, attributes } = record;
    if (
      (eventName !== stateEvent && eventName !== deleteEvent) ||
      !processTypes.includes(attributeOf(attributes, "entity.type")?.stringValue) ||
      contradicts(resource, attributeOf(attributes, "entity.id")?.kvlistValue?.values)
    ) {
      return;
    }
    const sender = this.#processes.numberOf(
      processIdentity.map((key) => textOf(attributeOf(resource, key))),
    );
    const row = signals.add({
      type: eventName === stateEvent ? signalTypes.alive : signalTypes.gone,
      dialect: dialects.entityEvent,
      kind: workKinds.other,
      flags: 0,
      process: sender.process,
      place: sender.place,
      startMs: 0,
      endMs: 0,
    });
    const seconds = Number(attributeOf(attributes, "entity.report.interval")?.intValue ?? 0);
    signals.intervalMs.set(row, seconds > 0 && seconds <= longestIntervalS ? seconds * 1000 : 0);
  }
}

function decode(bytes: Uint8Array): readonly otlp.ResourceLogs.$Properties[] {
  try {
    return otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs;
  } catch {
    return [];
  }
}

/** Whether the entity is identified by something that its sender says of itself otherwise. */
function contradicts(resource: Attributes, id: Attributes): boolean {
  return (id ?? []).some(({ key, value }) => {
    const own = textOf(attributeOf(resource, key ?? ""));
    return own !== "" && own !== textOf(value);
  });
}

function attributeOf(
  attributes: Attributes,
  key: string,
): otlp.AnyValue.$Properties | null | undefined {
  return attributes?.find((attribute) => attribute.key === key)?.value;
}

/** A value of the identity of a process, spelled as `SenderProcesses` spells it. */
function textOf(value: otlp.AnyValue.$Properties | null | undefined): string {
  const { stringValue, intValue } = value ?? {};
  if (typeof stringValue === "string") {
    return stringValue;
  }
  return intValue === null || intValue === undefined ? "" : `${intValue.high},${intValue.low}`;
}
