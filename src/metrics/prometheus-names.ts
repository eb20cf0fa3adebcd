import type { InstrumentSpec } from "./instrument.ts";

/** How names of OpenTelemetry become names of Prometheus. */
export interface NameOptions {
  /** Taken off attribute keys: with `openclaw.`, the attribute `openclaw.reason` is the label `reason`. */
  readonly stripPrefix?: string;
  /**
   * Whether units and `_total` are added to metric names, as Prometheus asks (default). `false` leaves
   * names as they are: the Collector's own telemetry (`otelcol_receiver_accepted_spans`) is known so.
   */
  readonly suffixes?: boolean;
}

/** What the name of a metric is made of; `unit` is UCUM. */
export type Named = Pick<InstrumentSpec, "name" | "kind" | "unit">;

/**
 * The name of the metric family. Units outside the list below (and all `{annotations}`) leave no
 * trace in the name; values are never converted.
 */
export function prometheusName(metric: Named, options: NameOptions = {}): string {
  const name = validName(metric.name);
  if (options.suffixes === false) {
    return name;
  }
  const base = metric.kind === "counter" ? withoutSuffix(name, "_total") : name;
  const unit = unitSuffix(metric);
  const withUnit = unit === "" || base.endsWith(unit) ? base : `${base}${unit}`;
  return metric.kind === "counter" ? `${withUnit}_total` : withUnit;
}

/** The label an attribute becomes. */
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

function unitSuffix(metric: Named): string {
  if (metric.unit === "1") {
    return metric.kind === "gauge" ? "_ratio" : "";
  }
  return unitSuffixes.get(metric.unit) ?? "";
}

/** `[a-zA-Z_][a-zA-Z0-9_]*`, the same way the serializer of OpenTelemetry does it. */
function validName(name: string): string {
  const safe = name.replaceAll(/[^a-zA-Z0-9_]/g, "_").replaceAll(/_{2,}/g, "_");
  return /^[0-9]/.test(safe) ? `_${safe}` : safe;
}

function withoutSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}
