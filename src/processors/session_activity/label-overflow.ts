import type { LabelValues } from "../../activity/recognition/label-values.ts";
import type { Settings } from "../../component/settings.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";

const labels = ["tool_name", "channel"] as const;

/** How often names found no room and are shown as `other`. */
export const overflowInstrument = {
  name: "otelcol_processor_session_activity_overflowed_names",
  kind: "counter",
  unit: "{name}",
  description:
    "Number of times that a tool name or a channel was reported as other, because the limit of names was reached.",
  attributes: { processor: "a component id of the config", label: labels },
} as const satisfies InstrumentSpec;

/** Publishes it on `service.telemetry`. */
export function publishOverflow(
  { id, meter }: Pick<Settings, "id" | "meter">,
  values: Readonly<Record<(typeof labels)[number], LabelValues>>,
): void {
  const { name, unit, description } = overflowInstrument;
  meter.createObservableCounter(name, { unit, description }).addCallback((result) => {
    for (const label of labels) {
      result.observe(values[label].overflowed, { processor: id, label });
    }
  });
}
