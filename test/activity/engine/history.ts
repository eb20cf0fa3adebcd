import { ActivityEngine } from "../../../src/activity/engine/activity-engine.ts";
import { EngineParts } from "../../../src/activity/engine/engine-parts.ts";
import { blockedByNames, sessionStateNames } from "../../../src/activity/model/diagnosis.ts";
import { dialects } from "../../../src/activity/model/dialects.ts";
import type { ActivityEvent } from "../../../src/activity/model/events.ts";
import type { ActivityLimits } from "../../../src/activity/model/limits.ts";
import { evictionReasons } from "../../../src/activity/model/reasons.ts";
import { serviceHostOf } from "../../../src/activity/model/service-host.ts";
import { SignalBatch, signalFlags, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { kindNames, toWorkKind, workKinds } from "../../../src/activity/model/work.ts";

export const limits: ActivityLimits = {
  allowedLatenessMs: 10_000,
  maxAgeMs: 43_200_000,
  tombstoneTtlMs: 900_000,
  maxSessions: 1000,
  maxOpenWork: 10_000,
  maxTombstones: 10_000,
  // Long, so that only tests about them see them.
  stalledAfterMs: 86_400_000,
  longRunningAfterMs: 86_400_000,
  maxPauseMs: 604_800_000,
  stepsPerCall: 4_096,
  includesMarkers: false,
  holdsAcrossProcesses: true,
  boundsSearches: true,
  correctsKinds: true,
  presumesElsewhere: true,
};

/** The client of a process: processes from 100 on are those of another one, from 200 on of a third. */
export function clientOf(process: number): number {
  return Math.floor(process / 100);
}

/** A signal as a test writes it. Ids are small numbers; times are seconds after the epoch of the test. */
export interface Signal {
  readonly type:
    | "start"
    | "end"
    | "alive"
    | "gone"
    | "sessionEnd"
    | "pause"
    | "resume"
    | "request"
    | "answer"
    | "claim"
    | "recovered"
    | "idle"
    | "queued"
    | "evictedBySender"
    | "unwatched"
    | "foreign"
    | "overlong";
  /** How it is reported; by default the type and `isRelayed` decide. */
  readonly dialect?: keyof typeof dialects;
  readonly isRelayed?: boolean;
  /** Service host of the process, from 1; 0 when it is not known. */
  readonly serviceHost?: number;
  /** Seconds between the heartbeats that are promised. */
  readonly interval?: number;
  /** The sender's order. */
  readonly seq?: number;
  /** When a heartbeat was sent, by the sender's clock. */
  readonly sent?: number;
  /** A tool call or a pause. */
  readonly key?: number;
  /** Names of the instrumentation scope, and of the tool or agent, as numbers. */
  readonly scope?: number;
  readonly alias?: number;
  /** Interned tool name. */
  readonly name?: number;
  readonly kind: "run" | "harness" | "inner" | "tool" | "model_call" | "other";
  readonly span: number;
  readonly parent?: number;
  readonly trace?: number;
  readonly process?: number;
  readonly sessions?: readonly number[];
  /** Sender's clock. */
  readonly start: number;
  readonly end?: number;
  /** The sender's clock is not set: start and end are 0. */
  readonly unset?: boolean;
  /** Of a claim the index in `claimNames`; of what was evicted there, tools. */
  readonly claimed?: number;
  /** Of a claim and of a queue the messages that wait + 1; of what was evicted there, model calls. */
  readonly completed?: number;
  /** A repeat that is marked as progress. */
  readonly progress?: boolean;
  readonly closedByRun?: boolean;
  readonly failed?: boolean;
  /** A model call whose input is partly known. */
  readonly prompted?: boolean;
  /** A run that neither succeeded nor failed. */
  readonly brokenOff?: boolean;
  /** Comes from OpenClaw's own exporter. */
  readonly isOpenclaw?: boolean;
  /** A finished harness run that does not report how it ended. */
  readonly noOutcome?: boolean;
  /** A tool that a harness run may count as two items. */
  readonly isTwoItems?: boolean;
  /** A tool that may outlive its run. */
  readonly isDetached?: boolean;
  /** Nothing but perhaps the span's name says what it is: of a start `kind` is a guess, of an end `other`. */
  readonly isUndecided?: boolean;
  /** The name of the span in its scope, as a number; of a tool with the same `alias` it is the tool's name. */
  readonly shape?: number;
}

/** Times of senders lie this far from the engine's, so that a mix-up shows. */
export const senderEpochMs = 1_795_000_000_000;

const kinds = {
  run: workKinds.run,
  harness: workKinds.run,
  inner: workKinds.run,
  tool: workKinds.tool,
  model_call: workKinds.modelCall,
  other: workKinds.other,
} as const;

/** The engine and its events: each call is an arrival at a second of the engine's clock. */
export class History {
  readonly activity: ActivityEngine;
  readonly parts: EngineParts;
  readonly events: ActivityEvent[] = [];
  readonly #batch = new SignalBatch();

  constructor(changed: Partial<ActivityLimits> = {}) {
    const all = { ...limits, ...changed };
    this.parts = new EngineParts(all, undefined, clientOf);
    this.activity = new ActivityEngine(all, undefined, this.parts);
  }

  /** Signals that arrive together at second `at`. */
  arrive(at: number, ...signals: readonly Signal[]): void {
    this.#batch.clear();
    for (const signal of signals) {
      write(this.#batch, signal);
    }
    this.events.push(...this.activity.apply(this.#batch, at * 1000));
  }

  tick(at: number): void {
    this.events.push(...this.activity.tick(at * 1000));
  }

  /** Ticks until nothing is left to decide; returns how many it took. */
  tickInParts(at: number): number {
    let parts = 0;
    do {
      this.tick(at);
      parts++;
    } while (this.activity.isBehind);
    return parts;
  }

  /** Evicted markers of every reason. */
  get evicted(): number {
    const { counters } = this.activity;
    return counters.evictedOf(workKinds.tool) + counters.evictedOf(workKinds.modelCall);
  }

  /** Evictions as a test compares them: reason, second, how many. */
  get evictions(): readonly (readonly [string, number, number, number])[] {
    return this.events.flatMap((event) =>
      event.type === "evicted"
        ? [[event.reason, event.atMs / 1000, event.tools, event.modelCalls] as const]
        : [],
    );
  }

  /** Violations of: started and corrected = ended + evicted + open + untracked, and events that agree with counters. */
  imbalance(): readonly string[] {
    const { counters } = this.activity;
    const problems: string[] = [];
    kindNames.forEach((name, index) => {
      const kind = toWorkKind(index);
      const corrected = (from: number, to: number) => counters.corrected[from]?.[to] ?? 0;
      const started = kindNames.reduce(
        (sum, _, other) => sum + corrected(other, index) - corrected(index, other),
        counters.started[index] ?? 0,
      );
      if (index === workKinds.other) {
        return; // What is no work is in no counter but that of corrections.
      }
      const accounted =
        (counters.ended[index] ?? 0) +
        counters.evictedOf(kind) +
        (counters.open[index] ?? 0) +
        (counters.untracked[index] ?? 0);
      if (started !== accounted) {
        problems.push(`${name}: started ${started}, accounted for ${accounted}`);
      }
    });
    const reported = this.events.reduce(
      (sum, event) => sum + (event.type === "evicted" ? event.tools + event.modelCalls : 0),
      0,
    );
    if (reported !== this.evicted) {
      problems.push(`events report ${reported} evicted, counters ${this.evicted}`);
    }
    const open = counters.open.reduce((sum, count) => sum + count, 0);
    if (open !== this.activity.view.sizes().openWork) {
      problems.push(`open ${open} by kind, ${this.activity.view.sizes().openWork} in all`);
    }
    return problems;
  }

  /** States of sessions that contradict each other, or what was reported of them. */
  stateProblems(): readonly string[] {
    const problems: string[] = [];
    for (const state of sessionStateNames) {
      const inState = this.activity.view.sessionsIn(state);
      const by = blockedByNames.map((blockedBy) => this.activity.view.sessionsIn(state, blockedBy));
      const sum = by.reduce((total, sessions) => total + sessions, 0);
      if (sum !== inState) {
        problems.push(`${inState} sessions are ${state}, ${sum} by what blocks them`);
      }
    }
    const count = (type: string) => this.events.filter((event) => event.type === type).length;
    const stalled =
      this.activity.view.sessionsIn("stalled") + this.activity.view.sessionsIn("blocked_tool_call");
    if (count("stalled") < count("recovered") + stalled) {
      problems.push(
        `${count("stalled")} were stalled, ${count("recovered")} recovered, ${stalled} are`,
      );
    }
    return problems;
  }

  /** Every counter, for comparing histories. */
  totals(): Record<string, unknown> {
    const { counters } = this.activity;
    return {
      started: [...counters.started],
      ended: [...counters.ended],
      open: [...counters.open],
      untracked: [...counters.untracked],
      reconciled: [...counters.reconciled],
      lateStarts: [...counters.lateStarts],
      corrected: counters.corrected.map((cells) => [...cells]),
      evicted: evictionReasons.map((reason) => [
        counters.evicted.get(reason)?.[workKinds.tool],
        counters.evicted.get(reason)?.[workKinds.modelCall],
      ]),
    };
  }
}

/** Appends a signal as an observer would. */
export function write(batch: SignalBatch, signal: Signal): void {
  const row = batch.add({
    type: signalTypes[signal.type],
    dialect: dialectOf(signal),
    kind: kinds[signal.kind],
    flags:
      (signal.kind === "harness" ? signalFlags.harness : 0) |
      (signal.kind === "inner" ? signalFlags.innerRun : 0) |
      (signal.closedByRun === true ? signalFlags.closedByRun : 0) |
      (signal.failed === true ? signalFlags.failed : 0) |
      (signal.prompted === true ? signalFlags.hasPrompt : 0) |
      (signal.brokenOff === true ? signalFlags.aborted : 0) |
      (signal.progress === true ? signalFlags.progress : 0) |
      (signal.isOpenclaw === true ? signalFlags.openclaw : 0) |
      (signal.noOutcome === true ? signalFlags.noOutcome : 0) |
      (signal.isTwoItems === true ? signalFlags.countsTwoItems : 0) |
      (signal.isDetached === true ? signalFlags.detached : 0) |
      (signal.isUndecided === true ? signalFlags.undecided : 0),
    process: signal.process ?? 1,
    serviceHost: (signal.serviceHost ?? 0) === 0 ? 0 : serviceHostOf(signal.serviceHost ?? 0, 1),
    startMs: signal.unset === true ? 0 : senderEpochMs + signal.start * 1000,
    endMs: signal.unset === true ? 0 : senderEpochMs + (signal.end ?? 0) * 1000,
  });
  batch.setTrace(row, 7, 7, 7, signal.trace ?? 1);
  batch.setSpan(
    row,
    signal.span === 0 ? 0 : 5,
    signal.span,
    signal.parent === undefined ? 0 : 5,
    signal.parent ?? 0,
  );
  batch.intervalMs.set(row, (signal.interval ?? 0) * 1000);
  batch.seq.set(row, signal.seq ?? 0);
  batch.sentMs.set(row, signal.sent === undefined ? 0 : senderEpochMs + signal.sent * 1000);
  batch.setKey(row, 0, signal.key ?? 0);
  batch.name.set(row, signal.name ?? 0);
  batch.setShape(row, signal.shape ?? 0, signal.shape === undefined ? 0 : 6);
  batch.scopeHash.set(row, signal.scope ?? 0);
  batch.nameHash.set(row, signal.alias ?? 0);
  batch.reportedOpen.set(row, signal.claimed ?? 0);
  batch.reportedCompleted.set(row, signal.completed ?? 0);
  for (const session of signal.sessions ?? []) {
    batch.addReference(9, session);
  }
}

/** In which dialect a signal comes. */
export function dialectOf({ type, isRelayed, dialect }: Signal) {
  if (dialect !== undefined) {
    return dialects[dialect].storedId;
  }
  switch (type) {
    case "alive":
    case "gone":
    case "foreign":
    case "overlong":
      return dialects.entityEvent.storedId;
    case "sessionEnd":
      return dialects.sessionEvent.storedId;
    case "pause":
    case "resume":
      return dialects.pauseEvent.storedId;
    case "request":
    case "answer":
      return dialects.requestedTool.storedId;
    case "claim":
    case "recovered":
    case "idle":
    case "queued":
    case "evictedBySender":
      return dialects.sessionClaim.storedId;
    case "start":
      return isRelayed === true ? dialects.relay.storedId : dialects.liveSpan.storedId;
    case "unwatched":
      return dialects.relay.storedId;
    case "end":
      return isRelayed === true ? dialects.relay.storedId : dialects.span.storedId;
    default: {
      const never: never = type;
      return never;
    }
  }
}
