import type { MetricsPage } from "../support/metrics-page.ts";
import { type Kind, kinds, reasons, type Tally, tallyOf } from "../system/kill/tally.ts";
import type { Contradiction } from "./contradiction.ts";
import type { Range, Truth } from "./truth.ts";

/** The counters of a page, by name and labels as they are written. */
export type Counters = ReadonlyMap<string, number>;

/** The prefix of counters that go on where they were after a restart. */
const continuedPrefix = "openclaw_session_activity_";
/** These say that they begin anew with each process. */
const anewNames = /^openclaw_session_activity_events_dropped_total/;

/** The counters of a page, and the buckets of its histograms. */
export function countersOf({ text }: MetricsPage): Counters {
  const counters = new Map<string, number>();
  let isCounter = false;
  for (const line of text.split("\n")) {
    const type = /^# TYPE \S+ (\S+)/.exec(line)?.[1];
    if (type !== undefined) {
      isCounter = type === "counter" || type === "histogram";
    } else if (isCounter && line !== "" && !line.startsWith("#")) {
      const [, series = "", value = ""] = /^(.*\}|[^ {]+) (\S+)/.exec(line) ?? [];
      counters.set(series, Number(value));
    }
  }
  return counters;
}

/** No counter is lower than before in one life of the process; those of the activity are not in the next life either. */
export function judgeMonotony(
  before: Counters,
  after: Counters,
  { isSameLife }: { readonly isSameLife: boolean },
): readonly Contradiction[] {
  const contradictions: Contradiction[] = [];
  for (const [series, value] of before) {
    const isContinued = series.startsWith(continuedPrefix) && !anewNames.test(series);
    if (!isSameLife && !isContinued) {
      continue;
    }
    const next = after.get(series);
    if (next === undefined || next < value) {
      contradictions.push({
        about: "counter",
        what: `${series} was ${value} and then ${next ?? "gone"}${isSameLife ? "" : ", over a restart"}`,
      });
    }
  }
  return contradictions;
}

/** What started has ended, was evicted, is open or not tracked; at every moment. */
export function judgeBalance(page: MetricsPage): readonly Contradiction[] {
  const { started, ended, open, untracked } = tallyOf(page);
  return kinds.flatMap((kind) => {
    const evicted = page.sum("openclaw_session_activity_evicted_work_total", { kind });
    const corrected =
      page.sum("openclaw_session_activity_corrected_total", { from: kind }) -
      page.sum("openclaw_session_activity_corrected_total", { to: kind });
    const sum = ended[kind] + evicted + open[kind] + untracked[kind] + corrected;
    return started[kind] === sum
      ? []
      : [
          {
            about: "counter" as const,
            what: `${kind}: ${started[kind]} started, but ${ended[kind]} ended + ${evicted} evicted + ${open[kind]} open + ${untracked[kind]} untracked + ${corrected} corrected = ${sum}`,
          },
        ];
  });
}

/**
 * Compares the page, when all has arrived and fallen due, with what the senders did. `before` is what was counted before they began,
 * `foreign` how much finished work hostile requests hold at the most.
 */
export function judgeTally(
  truth: Truth,
  page: MetricsPage,
  { before, foreign }: { readonly before: Tally; readonly foreign: number },
): readonly Contradiction[] {
  const tally = tallyOf(page);
  const wanted = rangesOf(truth);
  const contradictions: Contradiction[] = [];
  const compare = (what: string, value: number, { least, most }: Range) => {
    if (value < least || value > most) {
      const range = least === most ? `${least}` : `${least} to ${most}`;
      contradictions.push({ about: "counter", what: `${value} ${what} instead of ${range}` });
    }
  };
  for (const kind of kinds) {
    const change = (of: "started" | "ended" | "open" | "untracked") =>
      tally[of][kind] - before[of][kind];
    for (const of of ["started", "ended"] as const) {
      const { least, most } = wanted[of][kind];
      compare(`${kind} ${of}`, change(of), { least, most: most + foreign });
    }
    // Of work from before a damage that is open or not nothing can be said.
    const { least, most } = wanted.open[kind];
    compare(`${kind} open`, change("open"), {
      least: truth.hasPast ? Number.NEGATIVE_INFINITY : least,
      most,
    });
    compare(`${kind} untracked`, change("untracked"), { least: 0, most: 0 });
  }
  for (const reason of reasons) {
    compare(
      `evicted as ${reason}`,
      tally.evicted[reason] - before.evicted[reason],
      wanted.evicted[reason],
    );
  }
  return contradictions;
}

type Counted = Record<Kind, { least: number; most: number }>;

/** What must be counted when all is decided. */
export function rangesOf(truth: Truth): {
  readonly started: Readonly<Counted>;
  readonly ended: Readonly<Counted>;
  readonly open: Readonly<Counted>;
  readonly evicted: Readonly<Record<(typeof reasons)[number], Range>>;
} {
  const started = none();
  const ended = none();
  const open = none();
  const evicted = Object.fromEntries(
    reasons.map((reason) => [reason, { least: 0, most: 0 }]),
  ) as Record<(typeof reasons)[number], { least: number; most: number }>;
  for (const trace of truth.traces.values()) {
    for (const work of trace.works) {
      const { kind, fate } = work;
      if (truth.isUnknown(work) || truth.isLate(work)) {
        for (const counted of [started, ended, open]) {
          counted[kind].most++;
        }
        continue;
      }
      started[kind].least++;
      started[kind].most++;
      const counted = fate === "ends" ? ended : fate === "stays" ? open : undefined;
      if (counted !== undefined) {
        counted[kind].least++;
        counted[kind].most++;
      }
    }
    for (const [reason, { tool, model_call }] of truth.evictionsOf(trace)) {
      evicted[reason].least += tool.least + model_call.least;
      evicted[reason].most += tool.most + model_call.most;
    }
  }
  return { started, ended, open, evicted };
}

function none(): Counted {
  return {
    run: { least: 0, most: 0 },
    tool: { least: 0, most: 0 },
    model_call: { least: 0, most: 0 },
  };
}
