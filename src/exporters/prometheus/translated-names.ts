/**
 * How names of OTLP become names of Prometheus: the rules of the Collector, which are those of the OpenTelemetry specification
 * (compatibility/prometheus_and_openmetrics.md).
 */

/** What decides the suffixes of a metric's name. */
export interface NamedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: "counter" | "up_down_counter" | "gauge" | "histogram" | "summary";
}

export interface NameRules {
  /** Put in front of every name. */
  readonly namespace: string;
  /** Whether units and `_total` are added. */
  readonly suffixes: boolean;
}

const units: ReadonlyMap<string, string> = new Map(
  Object.entries({
    d: "days",
    h: "hours",
    min: "minutes",
    s: "seconds",
    ms: "milliseconds",
    us: "microseconds",
    ns: "nanoseconds",
    By: "bytes",
    KiBy: "kibibytes",
    MiBy: "mebibytes",
    GiBy: "gibibytes",
    TiBy: "tibibytes",
    KBy: "kilobytes",
    MBy: "megabytes",
    GBy: "gigabytes",
    TBy: "terabytes",
    m: "meters",
    V: "volts",
    A: "amperes",
    J: "joules",
    W: "watts",
    g: "grams",
    Cel: "celsius",
    Hz: "hertz",
    "1": "",
    "%": "percent",
  }),
);

const perUnits: ReadonlyMap<string, string> = new Map(
  Object.entries({
    s: "second",
    m: "minute",
    h: "hour",
    d: "day",
    w: "week",
    mo: "month",
    y: "year",
  }),
);

/** The name of the metric family; undefined if the metric's name has no character that Prometheus allows. */
export function familyNameOf(metric: NamedMetric, rules: NameRules): string | undefined {
  const tokens = tokensOf(metric.name);
  if (tokens.length === 0) {
    return undefined;
  }
  const named = rules.suffixes ? withSuffixes(tokens, metric) : keptUnderscores(metric.name);
  const namespace = tokensOf(rules.namespace).join("_");
  const name = namespace === "" ? named : `${namespace}_${named}`;
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

/** The label of an attribute; undefined if the key is empty. */
export function labelNameOf(key: string): string | undefined {
  if (key === "") {
    return undefined;
  }
  // Prometheus reserves names that begin with two underscores.
  const name = key.replaceAll(/[^a-zA-Z0-9_]/g, "_").replaceAll(/_{2,}/g, "_");
  return /^[0-9]/.test(name) ? `key_${name}` : name.startsWith("_") ? `key${name}` : name;
}

function withSuffixes(name: readonly string[], { unit, kind }: NamedMetric): string {
  const [main, per] = unitSuffixes(unit);
  let tokens = [...name];
  const perSuffix = tokens.includes(per) ? "" : per;
  if (main !== "" && !tokens.includes(main)) {
    tokens.push(main);
  }
  if (perSuffix !== "") {
    tokens.push(perSuffix);
  }
  const last =
    kind === "counter" ? "total" : unit === "1" && kind === "gauge" ? "ratio" : undefined;
  if (last !== undefined) {
    tokens = [...tokens.filter((token) => token !== last), last];
  }
  return tokens.join("_");
}

/** The words of a unit and of what it is per. Annotations in braces are no units. */
function unitSuffixes(unit: string): readonly [main: string, per: string] {
  const slash = unit.indexOf("/");
  const [main, per] = slash < 0 ? [unit, ""] : [unit.slice(0, slash), unit.slice(slash + 1)];
  const perWord = cleaned(per, perUnits);
  return [cleaned(main, units), perWord === "" ? "" : `per_${perWord}`];
}

function cleaned(unit: string, words: ReadonlyMap<string, string>): string {
  const trimmed = unit.trim();
  if (/[{}]/.test(trimmed)) {
    return "";
  }
  return tokensOf(words.get(trimmed) ?? trimmed).join("_");
}

/** Without suffixes, the Collector leaves underscores as they are. */
function keptUnderscores(name: string): string {
  return name
    .split(/[^a-zA-Z0-9:_]+/)
    .filter((token) => token !== "")
    .join("_");
}

function tokensOf(text: string): string[] {
  return text.split(/[^a-zA-Z0-9:]+/).filter((token) => token !== "");
}
