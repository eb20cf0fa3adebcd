import type { Family } from "./metric-families.ts";
import type { Series } from "./metric-series.ts";
import type { MetricValue, NumberValue } from "./metric-values.ts";

/** After how many lines a part of the page ends. */
const linesPerPart = 1_000;

/**
 * The page of these families in the text format 0.0.4, in parts that each take a moment. A series without a value has no lines, and a
 * family without series neither.
 */
export function* pageParts(
  families: readonly Family[],
  {
    sendTimestamps,
    skipped,
  }: { readonly sendTimestamps: boolean; readonly skipped: (family: Family) => boolean },
): Generator<string> {
  let lines: string[] = [];
  for (const family of families) {
    if (skipped(family)) {
      continue;
    }
    let hasHead = false;
    for (const series of family.all()) {
      const value = series.value();
      if (value === undefined) {
        continue;
      }
      if (!hasHead) {
        hasHead = true;
        lines.push(...headOf(family));
      }
      writeSeries(lines, family.name, series, value, sendTimestamps ? timestampOf(series) : "");
      if (lines.length >= linesPerPart) {
        yield `${lines.join("\n")}\n`;
        lines = [];
      }
    }
  }
  if (lines.length > 0) {
    yield `${lines.join("\n")}\n`;
  }
}

export function headOf({
  name,
  type,
  help,
}: Pick<Family, "name" | "type" | "help">): readonly string[] {
  const typeLine = `# TYPE ${name} ${type}`;
  return help === "" ? [typeLine] : [`# HELP ${name} ${escapedHelp(help)}`, typeLine];
}

function writeSeries(
  lines: string[],
  name: string,
  { labels }: Series,
  value: MetricValue,
  timestamp: string,
): void {
  const plain = labels === "" ? "" : `{${labels}}`;
  if (value.type === "number") {
    lines.push(`${name}${plain} ${numberText(value.value)}${timestamp}`);
    return;
  }
  const open = labels === "" ? "{" : `{${labels},`;
  if (value.type === "histogram") {
    for (const [index, bound] of value.bounds.entries()) {
      const count = numberText(value.cumulative[index] ?? 0);
      lines.push(`${name}_bucket${open}le="${boundText(bound)}"} ${count}${timestamp}`);
    }
    lines.push(`${name}_bucket${open}le="+Inf"} ${numberText(value.count)}${timestamp}`);
  } else {
    for (const [quantile, at] of value.quantiles) {
      lines.push(`${name}${open}quantile="${boundText(quantile)}"} ${numberText(at)}${timestamp}`);
    }
  }
  if (value.sum !== undefined) {
    lines.push(`${name}_sum${plain} ${numberText(value.sum)}${timestamp}`);
  }
  lines.push(`${name}_count${plain} ${numberText(value.count)}${timestamp}`);
}

function timestampOf({ timeNs }: Series): string {
  return timeNs === 0 ? "" : ` ${Math.floor(timeNs / 1e6)}`;
}

function numberText(value: NumberValue): string {
  if (typeof value === "bigint" || Number.isFinite(value)) {
    return String(value);
  }
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

/**
 * A bound as Go writes it, with an exponent from 1e+06 on: `le` is a text to Prometheus, and rules and other collectors have it in
 * this form.
 */
export function boundText(bound: number): string {
  const [digits = "", exponentText = ""] = bound.toExponential().split("e");
  const exponent = Number(exponentText);
  if (bound === 0 || (exponent >= -4 && exponent < 6)) {
    return String(bound);
  }
  const size = Math.abs(exponent);
  return `${digits}e${exponent < 0 ? "-" : "+"}${size < 10 ? "0" : ""}${size}`;
}

function escapedHelp(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", " ")
    .replaceAll("\0", "\uFFFD");
}
