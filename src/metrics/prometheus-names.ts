import type { InstrumentSpec } from "./instrument.ts";

/** How OpenTelemetry names become Prometheus names. */
export interface NameOptions {
  /** Removed from attribute keys: with `openclaw.`, the attribute `openclaw.reason` becomes the label `reason`. */
  readonly stripPrefix?: string;
  /**
   * Whether units and `_total` are added to metric names, as Prometheus asks (default). `false` leaves names as they are, for the
   * Collector's own telemetry (`otelcol_receiver_accepted_spans`).
   */
  readonly suffixes?: boolean;
}

/** What determines the name of a metric. `unit` is UCUM. */
export type Named = Pick<InstrumentSpec, "name" | "kind" | "unit">;

/**
 * The name of the metric family. Units that are not in the list below, and all `{annotations}`, are left out of the name. Values are
 * never converted.
 */
export function prometheusName(metric: Named, options: NameOptions = {}): string {
  const name = validName(metric.name);
  if (options.suffixes === false) {
    return name;
  }
  const isCounter = metric.kind === "counter";
  const base = isCounter && name.endsWith("_total") ? name.slice(0, -"_total".length) : name;
  const isRatio = metric.unit === "1" && metric.kind === "gauge";
  const unit = isRatio ? "_ratio" : (unitSuffixes.get(metric.unit) ?? "");
  const withUnit = base.endsWith(unit) ? base : `${base}${unit}`;
  return isCounter ? `${withUnit}_total` : withUnit;
}

/** The label of an attribute. */
export function prometheusLabel(attribute: string, options: NameOptions = {}): string {
  const prefix = options.stripPrefix ?? "";
  const isStripped = prefix !== "" && attribute.startsWith(prefix) && attribute !== prefix;
  return validName(isStripped ? attribute.slice(prefix.length) : attribute);
}

const unitSuffixes = new Map([
  ["s", "_seconds"],
  ["ms", "_milliseconds"],
  ["us", "_microseconds"],
  ["ns", "_nanoseconds"],
  ["min", "_minutes"],
  ["h", "_hours"],
  ["d", "_days"],
  ["By", "_bytes"],
  ["KiBy", "_kibibytes"],
  ["MiBy", "_mebibytes"],
  ["%", "_percent"],
]);

/** Makes a name match `[a-zA-Z_][a-zA-Z0-9_]*`, as the serializer of OpenTelemetry does. */
function validName(name: string): string {
  const safe = name.replaceAll(/[^a-zA-Z0-9_]/g, "_").replaceAll(/_{2,}/g, "_");
  return /^[0-9]/.test(safe) ? `_${safe}` : safe;
}
