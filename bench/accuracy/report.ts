import type { Scenario, Target } from "./scenarios.ts";
import type { Trial } from "./trial.ts";
import { percentile, type Verdict } from "./verdict.ts";

/** What `--json` prints of a scenario. */
export interface JsonRow {
  readonly scenario: string;
  readonly markers: number;
  readonly orphans: number;
  readonly precision: number;
  readonly recall: number;
  readonly false_eviction_rate: number;
  readonly delay_p50_ms: number;
  readonly delay_p99_ms: number;
}

export function jsonRow({ scenario, verdict }: Pick<Trial, "scenario" | "verdict">): JsonRow {
  return {
    scenario: scenario.name,
    markers: verdict.markers,
    orphans: verdict.orphans,
    precision: verdict.precision,
    recall: verdict.recall,
    false_eviction_rate: verdict.falseEvictionRate,
    delay_p50_ms: Math.round(percentile(verdict.delaysMs, 0.5)),
    delay_p99_ms: Math.round(percentile(verdict.delaysMs, 0.99)),
  };
}

/** The figures of a scenario as people read them, by the heading of their column. */
export function figuresOf({ scenario, verdict, misses }: Trial): Readonly<Record<string, string>> {
  const json = jsonRow({ scenario, verdict });
  return {
    scenario: scenario.name,
    markers: whole(json.markers),
    "of them unknowable": whole(verdict.unknowable),
    orphans: whole(json.orphans),
    found: whole(verdict.found),
    wrong: whole(verdict.wrong),
    precision: shareText(json.precision),
    recall: shareText(json.recall),
    "false-eviction rate": shareText(json.false_eviction_rate),
    "delay p50": seconds(json.delay_p50_ms),
    "delay p99": seconds(json.delay_p99_ms),
    reconciled: whole(verdict.reconciled),
    target: isEmpty(scenario.target) ? "none" : misses.length === 0 ? "met" : "missed",
  };
}

/** How often each reason was given. */
export function reasonsText({ byReason }: Verdict): string {
  return [...byReason]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `\`${reason}\` ${whole(count)}`)
    .join(", ");
}

export function targetText({ target, allowedLatenessMs }: Scenario): string {
  const parts = [
    ...(target.precision === undefined ? [] : [`precision ≥ ${target.precision}`]),
    ...(target.recall === undefined ? [] : [`recall ≥ ${target.recall}`]),
    ...(target.delayMs === undefined
      ? []
      : [`delay p99 ≤ ${seconds(allowedLatenessMs + target.delayMs)}`]),
    ...(target.wrongAtOnce === undefined
      ? []
      : [`at most ${target.wrongAtOnce} wrong evictions at once`]),
  ];
  return parts.length === 0 ? "none" : parts.join(", ");
}

function isEmpty(target: Target): boolean {
  return Object.keys(target).length === 0;
}

function whole(value: number): string {
  return value.toLocaleString("en");
}

/** Never rounded up to 1. */
function shareText(value: number): string {
  return value === 1 || value === 0 ? String(value) : (Math.floor(value * 1e5) / 1e5).toFixed(5);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
