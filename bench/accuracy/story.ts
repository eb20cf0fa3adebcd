import type { SenderClock, Stamp } from "./sender-clock.ts";

/** Who does the work: a process of a gateway. Times are the world's, in ms from its beginning. */
export interface GatewayProcess {
  readonly index: number;
  readonly host: string;
  readonly pid: number;
  /** Its `service.instance.id`; empty when it has none. */
  readonly instance: string;
  /** The interval of its heartbeats by entity events, where its dialect has none of its own; 0 for never. */
  readonly beatMs: number;
  /** It was forked and has the resource of its parent, which alone reports that it lives or stops. */
  readonly isFork: boolean;
  /** While its work is not watched, in order: its relay is switched off, and back on. */
  readonly unwatched: readonly Gap[];
  /** How wrong the clock of its host is. */
  readonly skewMs: number;
  /** How wrong its own is besides. */
  readonly clock: SenderClock;
  readonly bornMs: number;
  /** Infinity when it outlives the story. */
  readonly diesMs: number;
  /** A process that stops lets its tools go, closes spans and reports that it stops. */
  readonly death: "stops" | "killed";
}

export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Session {
  readonly index: number;
  readonly name: string;
}

export type WorkKind = "harness" | "run" | "tool" | "model_call";

/** What really happened to a piece of work, whatever is reported. */
export interface Work {
  readonly index: number;
  readonly kind: WorkKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: Work | undefined;
  readonly session: Session;
  readonly process: GatewayProcess;
  /** Name of the tool; empty for other work. */
  readonly tool: string;
  /** Name of the model; empty for other work than model calls. */
  readonly model: string;
  /** The id of the call; empty for other work than tools. */
  readonly callId: string;
  /** The model call that requested the tool. */
  readonly requestedBy: Work | undefined;
  readonly startMs: number;
  /** When it ended by itself or was let go; Infinity when it never did. */
  endMs: number;
  /** Since when its own run is over while it goes on; Infinity for work that ends. */
  orphanedMs: number;
  /** When its run, or its process as it stops, closes the span of an orphan. */
  closedMs: number;
  /** It was its run that did. */
  isClosedByRun: boolean;
  /** A model call that failed, or a run that was cancelled. */
  isFailed: boolean;
  /** Calls that a model call requested besides those that ran in its turn. */
  requested: readonly RequestedCall[];
  /** Ids of calls whose answers a model call was given; undefined where its input is not shown. */
  answered: readonly string[] | undefined;
  /** When it made progress between its start and its end, in order. */
  progressMs: readonly number[];
  /** A run whose end is not reported. */
  isEndLost: boolean;
  /** What is wrong with the times of its span. */
  readonly stamp: Stamp;
  /** It does not name its session, which is that of the work above it. */
  readonly isUnnamed: boolean;
}

/** A call of a tool that a model requested. */
export interface RequestedCall {
  readonly id: string;
  readonly name: string;
}

/** A wait for a person. */
export interface Pause {
  readonly tool: Work;
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The gateway reports it. */
  readonly isSignalled: boolean;
}

/**
 * What a gateway reports about one of its sessions: a message waits, a turn begins, the last one has ended. It also reports
 * `idle` when it is done with a message that it has put into a running turn.
 */
export interface SessionState {
  readonly session: Session;
  readonly process: GatewayProcess;
  readonly atMs: number;
  readonly state: "queued" | "processing" | "idle";
  readonly reason: "run_started" | "run_completed" | "message_completed" | "";
  /** Messages that wait for their turn. */
  readonly queueDepth: number;
}

/** A session is over: nothing of it is open in this process but what never ends. */
export interface SessionEnd {
  readonly session: Session;
  readonly process: GatewayProcess;
  readonly atMs: number;
}

/** `recovery`: it is about to recover the session. */
export type ClaimType = "stalled" | "stuck" | "long_running" | "recovery";

/** What a gateway complains of. */
export interface GatewayClaim {
  readonly index: number;
  readonly type: ClaimType;
  readonly session: Session;
  readonly process: GatewayProcess;
  readonly atMs: number;
  /** The work that it names. */
  readonly work: Work | undefined;
  readonly queueDepth: number;
  /** What it repeats. */
  readonly first: GatewayClaim | undefined;
}

/** The truth. */
export interface Story {
  readonly processes: readonly GatewayProcess[];
  readonly sessions: readonly Session[];
  readonly works: readonly Work[];
  readonly pauses: readonly Pause[];
  readonly states: readonly SessionState[];
  readonly claims: readonly GatewayClaim[];
  readonly sessionEnds: readonly SessionEnd[];
  /** When the last turn had begun. */
  readonly lastsMs: number;
}

export function isMarker({ kind }: Work): boolean {
  return kind === "tool" || kind === "model_call";
}

/** Whether it never ends, though its own run does. */
export function isOrphan({ orphanedMs }: Work): boolean {
  return orphanedMs !== Number.POSITIVE_INFINITY;
}

export function isRun({ kind }: Work): boolean {
  return kind === "harness" || kind === "run";
}

/** Since when work that was open is no longer watched; Infinity when it always is. */
export function unwatchedMs({ startMs, endMs, process }: Work): number {
  const gap = process.unwatched.find(({ fromMs }) => startMs < fromMs && fromMs < endMs);
  return gap?.fromMs ?? Number.POSITIVE_INFINITY;
}

/** Its own run: the harness run of the turn that it is part of, or itself. */
export function ownerOf(work: Work): Work {
  let owner = work;
  while (owner.kind !== "harness" && owner.parent !== undefined) {
    owner = owner.parent;
  }
  return owner;
}
