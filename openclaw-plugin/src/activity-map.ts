import type { ActivityEvent, SessionEvent, SpawnEvent, WorkEvent } from "./activity-event.ts";
import type { ActivityRecord, SpanRecord } from "./activity-record.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { RunTree } from "./run-tree.ts";
import { SessionNames } from "./session-names.ts";
import { createWork, endRecord, isOwner, ownerOf, startRecord, type Work } from "./work.ts";

export interface ActivityMapOptions {
  readonly pseudonyms: Pseudonyms;
  /** How much open work is remembered; beyond it the oldest is given up. Default 10 000. */
  readonly maxOpen?: number;
  /** How many run ids are remembered, open or not. Default 2 048. */
  readonly maxRuns?: number;
}

/**
 * Open work is told again for this long after the collector learned that its run ended. By then that has judged it; a
 * collector that has started anew must not report the same orphan a second time.
 */
const toldAgainAfterOwnerMs = 15_000;

/** Sub-agents that start sub-agents: beyond this a run begins a trace of its own. */
const maxDepth = 64;

/**
 * Turns OpenClaw's events into spans and session events. No clock, no I/O, no chance: equal events give equal records.
 *
 * What a piece of work *is* comes from its run id and call id. The trace ids in the events are not trusted with that:
 * harnesses such as Codex, Claude CLI and ACP report their tools under the span id of the run.
 */
export class ActivityMap {
  readonly #pseudonyms: Pseudonyms;
  readonly #sessions: SessionNames;
  readonly #trees: BoundedMap<string, RunTree>;
  readonly #maxOpen: number;
  /** In order of their starts. */
  readonly #open = new Set<Work>();
  /** The newest run or harness run of a session. */
  readonly #ownerOfSession = new BoundedMap<string, Work>(2_048);
  /** Runs and harness runs by OpenClaw's own span id. */
  readonly #ownerOfTraceSpan = new BoundedMap<string, Work>(2_048);
  /** What started a sub-agent, by the run id of that. */
  readonly #spawnerOfRun = new BoundedMap<string, Work>(1_024);
  /** What started a sub-agent, by its session, until its first run: some runtimes make run ids of their own. */
  readonly #spawnerOfSession = new BoundedMap<string, Work>(1_024);
  #newestSeq = 0;
  #givenUp = 0;

  constructor(options: ActivityMapOptions) {
    this.#pseudonyms = options.pseudonyms;
    this.#sessions = new SessionNames(options.pseudonyms);
    this.#trees = new BoundedMap(options.maxRuns ?? 2_048);
    this.#maxOpen = options.maxOpen ?? 10_000;
  }

  /** How many pieces of work are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** How many open pieces of work were given up because there were too many. */
  get givenUp(): number {
    return this.#givenUp;
  }

  /** What is to be sent because of `event`, in order. */
  apply(event: ActivityEvent): readonly ActivityRecord[] {
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
      default: {
        const never: never = event;
        return never;
      }
    }
  }

  /**
   * What a collector has to hear that may have lost everything: all open work and, whether open or ended, everything
   * above it; but no orphan that it must have judged already.
   *
   * @param nowMs any clock
   * @param toldMs when, by that clock, the collector took a record that `apply` gave; undefined if it did not yet
   */
  resend(nowMs: number, toldMs: (record: SpanRecord) => number | undefined): readonly SpanRecord[] {
    const records = new Map<Work, SpanRecord>();
    const tell = (work: Work): void => {
      if (!records.has(work)) {
        if (work.parent !== undefined) {
          tell(work.parent);
        }
        records.set(work, work.ending ?? startRecord(work));
      }
    };
    for (const work of this.#open) {
      const ending = ownerOf(work)?.ending;
      const endToldMs = ending === undefined ? undefined : toldMs(ending);
      if (endToldMs === undefined || nowMs - endToldMs < toldAgainAfterOwnerMs) {
        tell(work);
      }
    }
    return [...records.values()];
  }

  #start(event: WorkEvent): readonly SpanRecord[] {
    this.#newestSeq = Math.max(this.#newestSeq, event.seq);
    const session = this.#sessions.of(event);
    const tree = this.#treeOf(event, session);
    if (isRepeat(event, tree)) {
      return [];
    }
    const orphanedRun = event.kind === "harness" ? runToAdopt(tree) : undefined;
    const work = this.#create(event, session, tree);
    this.#open.add(work);
    this.#boundOpen();
    if (orphanedRun === undefined || orphanedRun.ending !== undefined) {
      return [startRecord(work)];
    }
    orphanedRun.parent = work;
    return [startRecord(work), startRecord(orphanedRun)];
  }

  #end(event: WorkEvent): readonly SpanRecord[] {
    this.#newestSeq = Math.max(this.#newestSeq, event.seq);
    const session = this.#sessions.of(event);
    const tree = this.#treeOf(event, session);
    const open = tree.find(event);
    if (open === undefined && tree.hasSeen(event)) {
      return [];
    }
    // Unseen: it began before the relay did, or it never began, as a tool that was blocked.
    const work = open ?? this.#create(event, session, tree);
    work.ending = endRecord(work, event);
    tree.close(work);
    this.#open.delete(work);
    return [work.ending];
  }

  #session(event: SessionEvent): readonly ActivityRecord[] {
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

  #spawn({ childRunId, childSessionKey, requesterSessionKey }: SpawnEvent): void {
    if (requesterSessionKey === undefined) {
      return;
    }
    const requester = this.#sessions.ofKey(requesterSessionKey);
    const tools = [...this.#open].filter(
      ({ kind, session }) => kind === "tool" && session === requester,
    );
    const spawner =
      tools.findLast(({ name }) => name === "sessions_spawn") ??
      tools.at(-1) ??
      this.#ownerOfSession.get(requester);
    if (spawner === undefined) {
      return;
    }
    if (childRunId !== undefined) {
      this.#spawnerOfRun.set(childRunId, spawner);
    }
    if (childSessionKey !== undefined) {
      this.#spawnerOfSession.set(this.#sessions.ofKey(childSessionKey), spawner);
    }
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
    const place = isOwner(event)
      ? this.#placeOfOwner(event, session, tree)
      : this.#placeOfCall(event, session, tree);
    const work = createWork(event, {
      ...place,
      spanId: this.#pseudonyms.spanId(tree.identify(event)),
      session,
      tree,
    });
    tree.add(work);
    if (isOwner(work)) {
      // Setting it again makes it the newest: what is in use is not forgotten.
      this.#trees.set(tree.id, tree);
      this.#ownerOfSession.set(session, work);
      if (event.traceSpanId !== undefined) {
        this.#ownerOfTraceSpan.set(event.traceSpanId, work);
      }
    }
    return work;
  }

  #placeOfOwner(event: WorkEvent, session: string, tree: RunTree) {
    const adopted = event.kind === "harness" ? runToAdopt(tree) : undefined;
    if (adopted !== undefined) {
      return { traceId: adopted.traceId, parent: adopted.parent };
    }
    const harness = event.kind === "run" ? tree.harness : undefined;
    if (harness !== undefined && (harness.ending === undefined || tree.run === undefined)) {
      return { traceId: harness.traceId, parent: harness };
    }
    tree.begin();
    const spawner = this.#spawnerOf(event, session);
    const parent = spawner !== undefined && spawner.depth < maxDepth ? spawner : undefined;
    return { traceId: parent?.traceId ?? this.#traceId(tree), parent };
  }

  #placeOfCall(event: WorkEvent, session: string, tree: RunTree) {
    const parent =
      (event.kind === "tool" ? tree.outerTool(event.callId ?? "") : undefined) ??
      tree.ownerOf(event) ??
      (event.runId === undefined ? this.#ownerOfSession.get(session) : undefined);
    return { traceId: parent?.traceId ?? this.#traceId(tree), parent };
  }

  #traceId(tree: RunTree): string {
    return this.#pseudonyms.traceId(`${tree.id}\0${tree.generation}`);
  }

  /** The tool (or the run, if no tool is known) that a run was started by. */
  #spawnerOf(event: WorkEvent, session: string): Work | undefined {
    const runId = event.runId ?? "";
    // A sub-agent's result is announced by a run of the requester, whose id ends in that of the sub-agent's run.
    const announced = runId.startsWith("announce:") ? runId.slice(runId.lastIndexOf(":") + 1) : "";
    const known =
      this.#spawnerOfRun.get(runId) ??
      this.#spawnerOfRun.get(announced) ??
      this.#spawnerOfSession.get(session) ??
      this.#spawnerByTrace(event, session);
    this.#spawnerOfSession.delete(session);
    if (known !== undefined && runId !== "") {
      this.#spawnerOfRun.set(runId, known);
    }
    return known;
  }

  /** Where no hook told of it, a run of another session whose trace goes on under a run of ours. */
  #spawnerByTrace(event: WorkEvent, session: string): Work | undefined {
    const owner = this.#ownerOfTraceSpan.get(event.traceParentId ?? "");
    return owner === undefined || owner.session === session
      ? undefined
      : (owner.tree.spawner ?? owner);
  }

  #boundOpen(): void {
    for (const oldest of this.#open) {
      if (this.#open.size <= this.#maxOpen) {
        return;
      }
      this.#open.delete(oldest);
      oldest.tree.close(oldest);
      this.#givenUp += 1;
    }
  }
}

/** An open or ended run that made itself known before the harness run above it. */
function runToAdopt({ harness, run }: RunTree): Work | undefined {
  return harness === undefined && run?.parent?.kind !== "harness" ? run : undefined;
}

/** Whether this start was told before: the same call of the same run, still open. */
function isRepeat(event: WorkEvent, tree: RunTree): boolean {
  if (isOwner(event) || event.callId === undefined) {
    return false;
  }
  const open = tree.find(event);
  // A model may use a call id again while the first use hangs; OpenClaw's own span ids tell.
  return (
    open !== undefined &&
    open.traceSpanId === event.traceSpanId &&
    ownerOf(open) === tree.ownerOf(event)
  );
}
