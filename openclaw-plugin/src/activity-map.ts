import { OldestFirstMap } from "../../src/collections/oldest-first-map.ts";
import type { ClaimEvent } from "./claim-event.ts";
import { claimRecord } from "./claim-record.ts";
import type {
  ActivityEvent,
  PauseEvent,
  ProgressEvent,
  SessionEvent,
  SpawnEvent,
  WorkEvent,
} from "./gateway-event.ts";
import {
  createWork,
  endRecord,
  isOwner,
  progressRecord,
  startRecord,
  type Work,
} from "./gateway-work.ts";
import { OpenGatewayWork } from "./open-gateway-work.ts";
import { OpenPauses } from "./open-pauses.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import type { RelayRecord, SpanRecord } from "./relay-record.ts";
import { recordsToResend } from "./resend.ts";
import { RunTree } from "./run-tree.ts";
import { SessionNames } from "./session-names.ts";
import { Spawners } from "./spawners.ts";

export interface ActivityMapOptions {
  readonly pseudonyms: Pseudonyms;
  /** How many pieces of open work are remembered; beyond it the oldest is forgotten. Default 10 000. */
  readonly maxOpen?: number;
  /** How many run ids are remembered, open or not. Default 2 048. */
  readonly maxRuns?: number;
  /** Another relay reported the work that began before this time (Unix ms), under other pseudonyms. Default: none did. */
  readonly reportedUntilMs?: number;
}

/** The shortest time between two progress records of one run or tool. */
const progressEveryMs = 10_000;

/** How deep sub-agents may nest in one trace; a run below that begins a trace of its own. */
const maxDepth = 64;

/**
 * Turns OpenClaw's events into spans and log records. Keeps the run trees, the open work, the open pauses and the newest
 * run of each session. Each is bounded: at 10 000 pieces of open work the oldest is forgotten and counted (`givenUp`), at
 * 2 048 run ids, sessions and session names and 1 024 pauses the oldest is forgotten.
 *
 * No clock, no I/O, no chance: equal events give equal records.
 *
 * A piece of work is identified by its run id and call id, not by the trace ids in the events: harnesses such as Codex,
 * Claude CLI and ACP report their tools under the span id of the run.
 */
export class ActivityMap {
  readonly #pseudonyms: Pseudonyms;
  readonly #sessions: SessionNames;
  readonly #trees: OldestFirstMap<string, RunTree>;
  readonly #open: OpenGatewayWork;
  readonly #pauses: OpenPauses;
  /** The newest run or harness run of a session. */
  readonly #ownerOfSession = new OldestFirstMap<string, Work>(2_048);
  readonly #spawners = new Spawners();
  readonly #reportedUntilMs: number;
  #newestSeq = 0;

  constructor(options: ActivityMapOptions) {
    this.#pseudonyms = options.pseudonyms;
    this.#sessions = new SessionNames(options.pseudonyms);
    this.#trees = new OldestFirstMap(options.maxRuns ?? 2_048);
    this.#open = new OpenGatewayWork(options.maxOpen ?? 10_000);
    this.#pauses = new OpenPauses(options.pseudonyms);
    this.#reportedUntilMs = options.reportedUntilMs ?? Number.NEGATIVE_INFINITY;
  }

  /** How many pieces of work are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** How many open pieces of work were forgotten because there were too many. */
  get givenUp(): number {
    return this.#open.givenUp;
  }

  /** Returns the records to send for `event`, in order. */
  apply(event: ActivityEvent): readonly RelayRecord[] {
    this.#newestSeq = Math.max(this.#newestSeq, "seq" in event ? event.seq : 0);
    switch (event.type) {
      case "start":
        return this.#start(event);
      case "end":
        return this.#end(event);
      case "spawn":
        this.#spawn(event);
        return [];
      case "session_start":
      case "session_end":
        return this.#session(event);
      case "progress":
        return this.#progress(event);
      case "pause":
      case "resume":
        return this.#pause(event);
      case "claim":
        return this.#claim(event);
      default: {
        const never: never = event;
        return never;
      }
    }
  }

  /** See `recordsToResend`. */
  resend(
    nowMs: number,
    deliveredMs: (record: SpanRecord) => number | undefined,
  ): readonly RelayRecord[] {
    return recordsToResend(this.#open, this.#pauses, nowMs, deliveredMs);
  }

  #start(event: WorkEvent): readonly RelayRecord[] {
    const session = this.#sessions.of(event);
    const tree = this.#treeOf(event, session);
    if (tree.isRepeat(event)) {
      return [];
    }
    const orphanedRun = event.kind === "harness" ? tree.runToAdopt() : undefined;
    const work = this.#create(event, session, tree);
    const resumed = [
      ...this.#pauses.endBefore(work, event),
      ...this.#open.add(work).flatMap((forgotten) => this.#pauses.endWith(forgotten, event)),
    ];
    if (orphanedRun === undefined || orphanedRun.ending !== undefined) {
      return [...resumed, startRecord(work), ...this.#pauses.beginQuestion(event, work)];
    }
    orphanedRun.parent = work;
    return [...resumed, startRecord(work), startRecord(orphanedRun)];
  }

  #end(event: WorkEvent): readonly RelayRecord[] {
    const session = this.#sessions.of(event);
    const tree = this.#treeOf(event, session);
    const open = tree.find(event);
    if (open === undefined && (tree.hasSeen(event) || this.#wasReported(event))) {
      return [];
    }
    // No start was seen: the work began before the relay did, or it never began, like a tool that was blocked.
    const work = open ?? this.#create(event, session, tree);
    work.ending = endRecord(work, event);
    tree.close(work);
    this.#open.delete(work);
    return [...this.#pauses.endWith(work, event), work.ending];
  }

  /** Whether another relay has reported the start of this work. A complete span would then count it twice. */
  #wasReported({ atMs, durationMs, outcome }: WorkEvent): boolean {
    const isKnownToStart = durationMs !== undefined || outcome === "blocked";
    const startMs = isKnownToStart ? atMs - Math.max(0, durationMs ?? 0) : Number.NEGATIVE_INFINITY;
    return Number.isFinite(this.#reportedUntilMs) && startMs < this.#reportedUntilMs;
  }

  #session(event: SessionEvent): readonly RelayRecord[] {
    if (event.sessionKey === undefined && event.sessionId === undefined) {
      return [];
    }
    return [
      {
        signal: "session",
        event: event.type === "session_start" ? "session.start" : "session.end",
        session: this.#sessions.of({ ...event, runId: undefined }),
        seq: this.#newestSeq,
        atMs: event.atMs,
      },
    ];
  }

  #progress(event: ProgressEvent): readonly SpanRecord[] {
    const work =
      event.kind === "tool"
        ? this.#treeOfRun(event)?.openTool(event.callId ?? "")
        : this.#runOf(event);
    if (work === undefined || event.receivedMs - work.progressMs < progressEveryMs) {
      return [];
    }
    work.progressMs = event.receivedMs;
    return [progressRecord(work, event.seq === 0 ? this.#newestSeq : event.seq)];
  }

  #pause(event: PauseEvent): readonly RelayRecord[] {
    if (event.type === "resume") {
      return this.#pauses.end(event, this.#newestSeq);
    }
    const tree = this.#treeOfRun(event);
    const callId = event.callId ?? "";
    // A tool that has ended left the approval open for later; neither the tool nor its run waits.
    const work = tree?.openTool(callId) ?? (tree?.hasTool(callId) ? undefined : this.#runOf(event));
    return work === undefined ? [] : this.#pauses.begin(event, work, this.#newestSeq);
  }

  #claim(event: ClaimEvent): readonly RelayRecord[] {
    const session =
      event.sessionKey === undefined && event.sessionId === undefined
        ? undefined
        : this.#sessions.of({ ...event, runId: undefined });
    return [claimRecord(event, session, this.#open)];
  }

  /** The open run that an event refers to. */
  #runOf(event: ProgressEvent | PauseEvent): Work | undefined {
    if (event.runId !== undefined) {
      return this.#treeOfRun(event)?.openOwner();
    }
    const owner = this.#ownerOfSession.get(this.#sessions.of(event));
    return owner?.ending === undefined ? owner : undefined;
  }

  #treeOfRun(event: ProgressEvent | PauseEvent): RunTree | undefined {
    return this.#trees.get(event.runId ?? `session ${this.#sessions.of(event)}`);
  }

  #spawn({ childRunId, childSessionKey, requesterSessionKey }: SpawnEvent): void {
    if (requesterSessionKey === undefined) {
      return;
    }
    const requester = this.#sessions.ofKey(requesterSessionKey);
    const spawner =
      this.#open.newest(
        requester,
        ({ kind, name }) => kind === "tool" && name === "sessions_spawn",
      ) ??
      this.#open.newest(requester, ({ kind }) => kind === "tool") ??
      this.#ownerOfSession.get(requester);
    if (spawner === undefined) {
      return;
    }
    this.#spawners.add(spawner, {
      runId: childRunId,
      session: childSessionKey === undefined ? undefined : this.#sessions.ofKey(childSessionKey),
    });
  }

  #treeOf({ runId }: WorkEvent, session: string): RunTree {
    const id = runId ?? `session ${session}`;
    const known = this.#trees.get(id);
    if (known !== undefined) {
      return known;
    }
    const tree = new RunTree(id);
    this.#trees.set(id, tree);
    return tree;
  }

  #create(event: WorkEvent, session: string, tree: RunTree): Work {
    const position = isOwner(event)
      ? this.#positionOfOwner(event, session, tree)
      : this.#positionOfCall(event, session, tree);
    const work = createWork(event, {
      ...position,
      spanId: this.#pseudonyms.spanId(tree.identify(event)),
      session,
      tree,
    });
    tree.add(work);
    if (isOwner(work)) {
      // Setting it again makes it the newest, so a tree in use is not forgotten.
      this.#trees.set(tree.id, tree);
      this.#ownerOfSession.set(session, work);
      this.#spawners.addOwner(work);
    }
    return work;
  }

  #positionOfOwner(event: WorkEvent, session: string, tree: RunTree) {
    const adopted = event.kind === "harness" ? tree.runToAdopt() : undefined;
    if (adopted !== undefined) {
      return { traceId: adopted.traceId, parent: adopted.parent };
    }
    const harness = event.kind === "run" ? tree.harness : undefined;
    if (harness !== undefined && (harness.ending === undefined || tree.run === undefined)) {
      return { traceId: harness.traceId, parent: harness };
    }
    tree.begin();
    const spawner = this.#spawners.take(event, session);
    const parent = spawner !== undefined && spawner.depth < maxDepth ? spawner : undefined;
    return { traceId: parent?.traceId ?? this.#traceId(tree), parent };
  }

  #positionOfCall(event: WorkEvent, session: string, tree: RunTree) {
    const parent =
      (event.kind === "tool" ? tree.outerTool(event.callId ?? "") : undefined) ??
      tree.ownerOf(event) ??
      (event.runId === undefined ? this.#ownerOfSession.get(session) : undefined);
    return { traceId: parent?.traceId ?? this.#traceId(tree), parent };
  }

  #traceId(tree: RunTree): string {
    return this.#pseudonyms.traceId(`${tree.id}\0${tree.generation}`);
  }
}
