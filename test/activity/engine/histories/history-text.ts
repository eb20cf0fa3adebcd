import {
  blockedByNames,
  type Claim,
  claimNames,
  sessionStateNames,
} from "../../../../src/activity/model/diagnosis.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import { History, limits, type Signal } from "../history.ts";
import type { Occurrence } from "../reference/occurrence.ts";
import { occurrenceOf } from "../reference/outcome.ts";
import { ReferenceEngine } from "../reference/reference-engine.ts";
import { standings } from "../reference/states.ts";

/** A small history and what is right about it. Times are in seconds. */
export interface HistoryCase {
  readonly name: string;
  /** What it shows, and the rule that the values come from. */
  readonly rule: string;
  /**
   * A line for each signal: `at verb kind key [parent] [name=value …]`. Kinds are `run`, `harness`, `inner`, `tool`, `model`,
   * `other`, and `session` where no span is named. A key is `trace/span`. Names: `s` sessions (`S,T`), `ts` and `end` the
   * sender's times where they differ from `at` (`unset`: it has none), `p` process, `seq`, `every` the interval of
   * heartbeats, `sent` when one was sent, `tool` its name, `key` of a pause, `queue` messages that wait, `claim`, `tools` and `models` that were
   * evicted there, `items` that a run left open, `by` the dialect, and the words `failed`, `closed`
   * and `detached`; `shape` is the name of a span as a number, of a tool with the same `alias` the tool's name, too, and `undecided`: nothing
   * but its name says what it is.
   */
  readonly lines: string;
  /** All evictions: `at reason confidence: keys`, an event a line. */
  readonly evicted?: readonly string[];
  /** The states of sessions at some moments: `at: state/blocked by, …`; sessions without an open run are not there. */
  readonly states?: readonly string[];
  /**
   * All `session.stalled`: `at state blocked by verdict`, and of a marker its key and for how long it has been silent;
   * and `session.recovered`: `at recovered cause`.
   */
  readonly changes?: readonly string[];
  /** All `session.diagnosed`: `at claim verdict key`. */
  readonly diagnosed?: readonly string[];
  /** Late starts of markers. */
  readonly late?: number;
  /** Open work in the end. */
  readonly open?: number;
  /** For how long it is played after the last signal; default 30 s. */
  readonly settleS?: number;
  readonly limits?: Partial<ActivityLimits>;
}

/** What an engine decided in a history, in the form of a case. */
export type Played = Required<
  Pick<HistoryCase, "evicted" | "states" | "changes" | "diagnosed" | "late" | "open">
>;

/** The interface of both engines to a history. */
export interface Player {
  arrive(at: number, signal: Signal): void;
  tick(at: number): void;
  occurrences(): readonly Occurrence[];
  states(): readonly string[];
  late(): number;
  open(): number;
}

const ofHistories: ActivityLimits = {
  ...limits,
  allowedLatenessMs: 2_000,
  stalledAfterMs: 120_000,
  longRunningAfterMs: 300_000,
  includesMarkers: true,
};

/** The engine under test. */
export function enginePlayer(changed: Partial<ActivityLimits> = {}): Player {
  const history = new History({ ...ofHistories, ...changed });
  const { counters } = history.activity;
  return {
    arrive: (at, signal) => history.arrive(at, signal),
    tick: (at) => history.tickInParts(at),
    occurrences: () => history.events.map(occurrenceOf),
    states: () =>
      sessionStateNames.flatMap((state) =>
        blockedByNames.flatMap((blockedBy) =>
          Array.from(
            { length: history.activity.view.sessionsIn(state, blockedBy) },
            () => `${state}/${blockedBy}`,
          ),
        ),
      ),
    late: () => counters.lateStarts.reduce((sum, count) => sum + count, 0),
    open: () => counters.open.reduce((sum, count) => sum + count, 0),
  };
}

/** The naive engine. */
export function referencePlayer(changed: Partial<ActivityLimits> = {}): Player {
  const engine = new ReferenceEngine({ ...ofHistories, ...changed });
  const { world } = engine;
  return {
    arrive: (at, signal) => engine.apply([signal], at * 1000),
    tick: (at) => engine.tick(at * 1000),
    occurrences: () => world.occurrences,
    states: () => standings(world).map(({ state, blockedBy }) => `${state}/${blockedBy}`),
    late: () =>
      [...world.tally.counts]
        .filter(([name]) => name.startsWith("lateStarts"))
        .reduce((sum, [, count]) => sum + count, 0),
    open: () => [...world.spans.values()].filter(({ state }) => state === "open").length,
  };
}

/** Plays a history, and returns what was decided. */
export function play(history: HistoryCase, player: Player): Played {
  const { signals, names } = parseHistory(history.lines);
  const endS = (signals.at(-1)?.at ?? 0) + (history.settleS ?? 30);
  const samples = (history.states ?? []).map((text) => Number.parseFloat(text));
  const steps = [
    ...signals.map(({ at, signal }) => ({ at, signal })),
    ...samples.map((at) => ({ at, signal: undefined })),
  ].toSorted((a, b) => a.at - b.at);
  const states: string[] = [];
  for (const { at, signal } of steps) {
    if (signal === undefined) {
      player.tick(at);
      states.push(`${at}: ${[...player.states()].sort().join(", ")}`);
    } else {
      player.arrive(at, signal);
    }
  }
  player.tick(endS);
  const occurrences = player.occurrences();
  return {
    evicted: occurrences
      .flatMap((event) =>
        event.type === "evicted"
          ? [`${event.atMs / 1000} ${event.reason} ${event.confidence}: ${keysOf(event, names)}`]
          : [],
      )
      .sort(inOrder),
    states,
    changes: occurrences
      .flatMap((event) => {
        switch (event.type) {
          case "stalled": {
            const { atMs, state, blockedBy, verdict, culprit, silentMs = 0 } = event;
            const marker = culprit === "" ? [] : [names.get(culprit), silentMs / 1000];
            return [[atMs / 1000, state, blockedBy, verdict, ...marker].join(" ")];
          }
          case "recovered":
            return [`${event.atMs / 1000} recovered ${event.cause}`];
          default:
            return [];
        }
      })
      .sort(inOrder),
    diagnosed: occurrences
      .flatMap((event) =>
        event.type === "diagnosed"
          ? [
              `${event.atMs / 1000} ${event.claim} ${event.verdict} ${names.get(event.culprit) ?? ""}`.trim(),
            ]
          : [],
      )
      .sort(inOrder),
    late: player.late(),
    open: player.open(),
  };
}

const kinds: Readonly<Record<string, Signal["kind"]>> = {
  run: "run",
  harness: "harness",
  inner: "inner",
  tool: "tool",
  model: "model_call",
  other: "other",
  session: "other",
};

/** Reads the lines of a history; `names` has the key of each "trace/span" number. */
export function parseHistory(lines: string): {
  readonly signals: readonly { readonly at: number; readonly signal: Signal }[];
  readonly names: ReadonlyMap<string, string>;
} {
  const traces = new Map<string, number>();
  const spans = new Map<string, number>();
  const sessions = new Map<string, number>();
  const names = new Map<string, string>();
  const starts = new Map<string, number>();
  const numberOf = (known: Map<string, number>, name: string): number => {
    known.set(name, known.get(name) ?? known.size + 1);
    return known.get(name) ?? 0;
  };
  const parseLine = (line: string): { readonly at: number; readonly signal: Signal } => {
    const words = line.split(/\s+/);
    const [atText = "", verb = "", kindName = ""] = words;
    const at = Number(atText);
    const [key = "", parent] = words.slice(3).filter((word) => word.includes("/"));
    const given = new Map(
      words.filter((word) => word.includes("=")).map((word) => word.split("=") as [string, string]),
    );
    const number = (name: string): number | undefined =>
      given.has(name) ? Number(given.get(name)) : undefined;
    const kind = kinds[kindName];
    if (kind === undefined || !Number.isFinite(at)) {
      throw new Error(`not a line of a history: ${line}`);
    }
    const trace = key === "" ? 1 : numberOf(traces, key.split("/")[0] ?? "");
    const span = key === "" ? 0 : numberOf(spans, key);
    if (key !== "") {
      names.set(`${trace}/${span}`, key);
    }
    const unset = given.get("ts") === "unset" || given.get("end") === "unset";
    const isStart = verb === "start" || verb === "progress";
    const start = unset ? at : (number("ts") ?? starts.get(key) ?? at);
    if (isStart && !starts.has(key)) {
      starts.set(key, start);
    }
    const process = number("p");
    const interval = number("every");
    const sent = number("sent");
    const base = {
      kind,
      trace,
      span,
      start: verb === "pause" || verb === "resume" ? at : start,
      end: number("end") || at,
      unset,
      seq: number("seq") ?? 0,
      name: number("tool") ?? 0,
      key: number("key") ?? 0,
      claimed: number("items") ?? number("tools") ?? 0,
      completed:
        number("models") ?? (number("queue") === undefined ? 0 : 1 + Number(number("queue"))),
      failed: words.includes("failed"),
      closedByRun: words.includes("closed"),
      isDetached: words.includes("detached"),
      isUndecided: words.includes("undecided"),
      alias: number("alias") ?? 0,
      ...(given.has("shape") ? { shape: Number(given.get("shape")) } : {}),
      ...(parent === undefined ? {} : { parent: numberOf(spans, parent) }),
      ...(process === undefined ? {} : { process }),
      ...(interval === undefined ? {} : { interval }),
      ...(sent === undefined ? {} : { sent }),
      ...(given.has("by") ? { dialect: given.get("by") as NonNullable<Signal["dialect"]> } : {}),
      ...(given.has("s")
        ? { sessions: (given.get("s") ?? "").split(",").map((name) => numberOf(sessions, name)) }
        : {}),
    } as const;
    switch (verb) {
      case "progress":
        return { at, signal: { ...base, type: "start", progress: true } };
      case "claim": {
        const claimed = claimNames.indexOf((given.get("claim") ?? "none") as Claim);
        return { at, signal: { ...base, type: "claim", claimed } };
      }
      default:
        return { at, signal: { ...base, type: verb as Signal["type"] } };
    }
  };
  const signals = lines
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map(parseLine);
  return { signals, names };
}

/** The markers of an eviction, or how many there are without a name. */
function keysOf(
  { markers, tools, modelCalls }: Extract<Occurrence, { type: "evicted" }>,
  names: ReadonlyMap<string, string>,
): string {
  const keys = markers.map((marker) => names.get(marker.split(" ")[1] ?? "") ?? marker).sort();
  const unnamed = tools + modelCalls - keys.length;
  return [...keys, ...(unnamed > 0 ? [`${unnamed} more`] : [])].join(" ");
}

function inOrder(a: string, b: string): number {
  return Number.parseFloat(a) - Number.parseFloat(b) || (a < b ? -1 : 1);
}
