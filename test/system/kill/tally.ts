import type { MetricsPage } from "../../support/metrics-page.ts";

export const kinds = ["run", "tool", "model_call"] as const;
export type Kind = (typeof kinds)[number];
export const reasons = [
  "orphaned_no_owner",
  "session_ended",
  "process_gone",
  "lease_expired",
  "max_age",
] as const;
export type Reason = (typeof reasons)[number];

/** Numbers of work as the sender knows them, or as a page of the collector says they are. */
export interface Tally {
  readonly started: Record<Kind, number>;
  readonly ended: Record<Kind, number>;
  readonly open: Record<Kind, number>;
  readonly untracked: Record<Kind, number>;
  readonly lateStarts: Record<Kind, number>;
  readonly reconciled: Record<Kind, number>;
  /** Tools and model calls. */
  readonly evicted: Record<Reason, number>;
}

export function emptyTally(): Tally {
  const none = () => ({ run: 0, tool: 0, model_call: 0 });
  return {
    started: none(),
    ended: none(),
    open: none(),
    untracked: none(),
    lateStarts: none(),
    reconciled: none(),
    evicted: {
      orphaned_no_owner: 0,
      session_ended: 0,
      process_gone: 0,
      lease_expired: 0,
      max_age: 0,
    },
  };
}

export function tallyOf(page: MetricsPage): Tally {
  const byKind = (name: string) => {
    const of = (kind: Kind) => page.sum(`openclaw_session_activity_${name}`, { kind });
    return { run: of("run"), tool: of("tool"), model_call: of("model_call") };
  };
  const evicted = reasons.map((reason) => [
    reason,
    page.sum("openclaw_session_activity_evicted_total", { reason }),
  ]);
  return {
    started: byKind("started_total"),
    ended: byKind("ended_total"),
    open: byKind("open"),
    untracked: byKind("untracked_total"),
    lateStarts: byKind("late_starts_total"),
    reconciled: byKind("reconciled_total"),
    evicted: Object.fromEntries(evicted) as Record<Reason, number>,
  };
}

export function sumOf(numbers: Readonly<Record<string, number>>): number {
  return Object.values(numbers).reduce((sum, number) => sum + number, 0);
}

export function plus(a: Tally, b: Tally): Tally {
  const add = <T extends Readonly<Record<string, number>>>(x: T, y: T) =>
    Object.fromEntries(Object.keys(x).map((key) => [key, (x[key] ?? 0) + (y[key] ?? 0)])) as T;
  return {
    started: add(a.started, b.started),
    ended: add(a.ended, b.ended),
    open: add(a.open, b.open),
    untracked: add(a.untracked, b.untracked),
    lateStarts: add(a.lateStarts, b.lateStarts),
    reconciled: add(a.reconciled, b.reconciled),
    evicted: add(a.evicted, b.evicted),
  };
}
