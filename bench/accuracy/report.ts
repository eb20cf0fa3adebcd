import { type EvictionScore, percentile } from "./eviction-score.ts";
import type { Scenario, Target } from "./scenarios.ts";
import { shareRight } from "./state-samples.ts";
import type { Trial } from "./trial.ts";

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
  /** Beyond the moment at which an orphan was due. */
  readonly late_p50_ms: number;
  readonly late_p99_ms: number;
  readonly late_max_ms: number;
  /** Absent where the collector can't report them. */
  readonly states_right?: number;
  /** Sessions at moments near a change, and such of which it can't be known, of all. */
  readonly states_changing_share?: number;
  readonly states_unknowable_share?: number;
  readonly claims: number;
  readonly claims_right: number;
  /** Evictions and stalls, and those of them of what can't be known. */
  readonly alerts: number;
  readonly unknowable_alerts: number;
  readonly wrong_stalls: number;
}

export function jsonRow({ scenario, evictions, states, claims, alerts }: Trial): JsonRow {
  const late = (part: number) => Math.round(percentile(evictions.lateMs, part));
  const all = (states?.settled ?? 0) + (states?.changing ?? 0) + (states?.unknowable ?? 0);
  return {
    scenario: scenario.name,
    markers: evictions.markers,
    orphans: evictions.orphans,
    precision: evictions.precision,
    recall: evictions.recall,
    false_eviction_rate: evictions.falseEvictionRate,
    delay_p50_ms: scenario.allowedLatenessMs + late(0.5),
    delay_p99_ms: scenario.allowedLatenessMs + late(0.99),
    late_p50_ms: late(0.5),
    late_p99_ms: late(0.99),
    late_max_ms: late(1),
    ...(states === undefined
      ? {}
      : {
          states_right: shareRight(states),
          states_changing_share: shareOf(states.changing, all),
          states_unknowable_share: shareOf(states.unknowable, all),
        }),
    claims: claims.claims,
    claims_right: claims.right,
    alerts: evictions.right + evictions.wrong + evictions.undecided + alerts.stalls,
    unknowable_alerts: evictions.undecided + alerts.unknowable,
    wrong_stalls: alerts.wrong,
  };
}

/** The figures of a scenario as people read them, by the heading of their column. */
export function figuresOf(trial: Trial): Readonly<Record<string, string>> {
  const { scenario, evictions, misses } = trial;
  const json = jsonRow(trial);
  return {
    scenario: scenario.name,
    markers: whole(json.markers),
    "of them unknowable": whole(evictions.unknowable),
    orphans: whole(json.orphans),
    found: whole(evictions.found),
    wrong: whole(evictions.wrong),
    precision: shareText(json.precision),
    recall: shareText(json.recall),
    "false-eviction rate": shareText(json.false_eviction_rate),
    "late p50": seconds(json.late_p50_ms),
    "late p99": seconds(json.late_p99_ms),
    "late max": seconds(json.late_max_ms),
    "states right": json.states_right === undefined ? "–" : shareText(json.states_right),
    "near a change":
      json.states_changing_share === undefined ? "–" : percent(json.states_changing_share),
    "claims right":
      json.claims === 0 ? "–" : `${whole(json.claims_right)} of ${whole(json.claims)}`,
    alerts: whole(json.alerts),
    "unknowable alerts": whole(json.unknowable_alerts),
    reconciled: whole(evictions.reconciled),
    target: isEmpty(scenario.target) ? "none" : misses.length === 0 ? "met" : "missed",
  };
}

/** How often each reason was given. */
export function reasonsText({ byReason }: EvictionScore): string {
  return [...byReason]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `\`${reason}\` ${whole(count)}`)
    .join(", ");
}

export function targetText({ target, allowedLatenessMs }: Scenario): string {
  const parts = [
    ...(target.precision === undefined ? [] : [`precision ≥ ${target.precision}`]),
    ...(target.recall === undefined ? [] : [`recall ≥ ${target.recall}`]),
    ...(target.statesRight === undefined ? [] : [`states right ≥ ${target.statesRight}`]),
    ...(target.early === undefined
      ? []
      : [`at most ${target.early} evictions before they are due`]),
    ...(target.delayMs === undefined
      ? []
      : [`delay p99 ≤ ${seconds(allowedLatenessMs + target.delayMs)}`]),
    ...(target.wrongAtOnce === undefined
      ? []
      : [`at most ${target.wrongAtOnce} wrong evictions at once`]),
  ];
  return parts.length === 0 ? "none" : parts.join(", ");
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
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
