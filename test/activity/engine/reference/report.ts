import { dialectNames, dialectRows, sourceRanks } from "../../../../src/activity/model/dialects.ts";
import { dialectOf, type Signal, senderEpochMs } from "../history.ts";
import type { Moment } from "./moments.ts";
import type { Kind, Span, Trace, World } from "./world.ts";

/** A signal as the reference reads it: nothing is left out, times in ms. */
export interface Report
  extends Required<Omit<Signal, "dialect" | "kind" | "parent" | "sent" | "shape">> {
  readonly dialect: string;
  readonly rank: number;
  readonly isRelayed: boolean;
  readonly kind: Kind;
  readonly isHarness: boolean;
  readonly isInner: boolean;
  readonly parent: number | undefined;
  readonly shape: number | undefined;
  readonly sentMs: number | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly intervalMs: number;
  readonly references: readonly string[];
}

export function toReport(signal: Signal): Report {
  const dialect = dialectOf(signal);
  const { kind, process = 1, sessions = [] } = signal;
  const isRun = kind === "run" || kind === "harness" || kind === "inner";
  return {
    serviceHost: 0,
    interval: 0,
    seq: 0,
    key: 0,
    name: 0,
    scope: 0,
    alias: 0,
    claimed: 0,
    completed: 0,
    closedByRun: false,
    failed: false,
    prompted: false,
    brokenOff: false,
    progress: false,
    isOpenclaw: false,
    isTwoItems: false,
    isDetached: false,
    isUndecided: false,
    shape: undefined,
    noOutcome: false,
    unset: false,
    trace: 1,
    end: 0,
    parent: undefined,
    ...signal,
    process,
    sessions,
    dialect: dialectNames[dialect] ?? "span",
    rank: dialectRows[dialect]?.rank ?? sourceRanks.none,
    isRelayed: dialectNames[dialect] === "relay",
    kind: isRun ? "run" : kind,
    isHarness: kind === "harness",
    isInner: kind === "inner",
    sentMs: signal.sent === undefined ? undefined : senderEpochMs + signal.sent * 1000,
    startMs: signal.unset === true ? 0 : senderEpochMs + signal.start * 1000,
    endMs: signal.unset === true ? 0 : senderEpochMs + (signal.end ?? 0) * 1000,
    intervalMs: (signal.interval ?? 0) * 1000,
    references: sessions.map((session) => `${process}/${session}`),
  };
}

export function traceKeyOf({ process, trace }: Report): string {
  return `${process}/${trace}`;
}

/** What is known of the span that is reported on. */
export function spanOf(world: World, report: Report): Span | undefined {
  return world.spans.get(`${traceKeyOf(report)}/${report.span}`);
}

/** What is known of its trace. */
export function traceOf(world: World, report: Report): Trace | undefined {
  return world.traces.get(traceKeyOf(report));
}

/** What is known of another span of a trace. */
export function spanIn(world: World, trace: Trace, id: number): Span | undefined {
  return world.spans.get(`${trace.key}/${id}`);
}

/** A key of a call or a pause, which means something within its process only. */
export function keyOf({ process, key }: Report): string {
  return `${process}/${key}`;
}

/** The moment of the start, or the end, that is reported, in the order of events. */
export function momentOf(world: World, report: Report): Moment {
  const { type, seq, process, startMs, endMs } = report;
  const isEnd = type === "end" || type === "sessionEnd";
  const timeMs = isEnd ? endMs : startMs;
  // The end of a session carries the number of the last signal before it.
  const order = type === "sessionEnd" && seq > 0 ? seq + 0.5 : seq;
  return { seq: order, atMs: world.nowMs, timeMs, process, isEnd: isEnd || type === "idle" };
}
