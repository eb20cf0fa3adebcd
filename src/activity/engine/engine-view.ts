import type { BlockedBy, SessionState, Verdict } from "../model/diagnosis.ts";
import { mostSearched } from "../model/limits.ts";
import { kindNames, toWorkKind, workKinds } from "../model/work.ts";
import type { EngineParts } from "./engine-parts.ts";
import { reportedStates } from "./policy/session-lifecycle.ts";
import { groupFlags } from "./store/group-table.ts";
import { traceContextOf } from "./store/marker-summary.ts";
import { hasArrivedElsewhere } from "./store/other-processes.ts";
import { ownerFlags } from "./store/owner-table.ts";
import type { SpanLifecycle } from "./store/span-lifecycle.ts";
import { spanStates } from "./store/span-lifecycle.ts";
import { evictionHolds, spanFlags } from "./store/span-table.ts";

/** What an open run is doing. */
export interface RunDiagnosis {
  /** Of the topmost run of its owner. */
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  /** Of its session. */
  readonly state: SessionState;
  readonly blockedBy: BlockedBy;
  readonly verdict: Verdict;
  /** Span id of the work that causes the verdict. */
  readonly culprit: Uint8Array | undefined;
}

/** How many rows are held, to compare with the limits. */
export interface ActivitySizes {
  readonly openWork: number;
  readonly tombstones: number;
  /** Rows of spans in any state. */
  readonly spans: number;
  readonly groups: number;
  /** Groups with open work. */
  readonly sessions: number;
  readonly references: number;
  readonly traces: number;
  /** Rows of spans that were named as a parent and have not arrived. */
  readonly implied: number;
  /** Work that is not tracked because the end of the stored state was missing, and may still be open. */
  readonly endsUnknown: number;
}

/** Reads the state of an engine: for metrics, pages, tests and benchmarks. Changes nothing. */
export class EngineView {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** How many sessions with an open run are in a state, or how many of these something blocks. */
  sessionsIn(state: SessionState, blockedBy?: BlockedBy): number {
    const { counts } = this.#parts.lifecycle;
    let sessions = 0;
    for (const [at, reported] of reportedStates.entries()) {
      if (
        reported.state === state &&
        (blockedBy === undefined || blockedBy === reported.blockedBy)
      ) {
        sessions += counts[at + 1] ?? 0; // The first count is of sessions without an open run.
      }
    }
    return sessions;
  }

  /** What each open run and its session are doing. Walks every row and creates objects. */
  diagnose(): readonly RunDiagnosis[] {
    const { store, lifecycle, verdicts, nowMs } = this.#parts;
    const { owners } = store;
    const runs: RunDiagnosis[] = [];
    for (let owner = 0; owner < owners.rows.count; owner++) {
      const state = lifecycle.of(owners.group.get(owner));
      if (owners.isOpen(owner) && state !== undefined) {
        const { verdict, culprit } = verdicts.of(owner, nowMs);
        runs.push({
          ...traceContextOf(store, owners.top.get(owner)),
          ...state,
          verdict,
          culprit: culprit === -1 ? undefined : traceContextOf(store, culprit).spanId,
        });
      }
    }
    return runs;
  }

  /** The processes that are remembered, and the names that events of open work may contain. Walks every row. */
  inUse(): {
    readonly processes: ReadonlySet<number>;
    readonly tools: ReadonlySet<number>;
    readonly channels: ReadonlySet<number>;
  } {
    const { requests, processes, store, guesses } = this.#parts;
    const { spans, groups } = store;
    const tools = new Set([...requests.responses.names(), ...guesses.learned.names()]);
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open || spans.hasFlag(span, spanFlags.undecided)) {
        tools.add(spans.name.get(span));
      }
    }
    const channels = new Set<number>();
    for (let group = 0; group < groups.rows.count; group++) {
      if (groups.isActive(group)) {
        channels.add(groups.channel.get(group));
      }
    }
    return { processes: new Set(processes.remembered()), tools, channels };
  }

  /** The keyed hashes of session references, call ids and pauses, each as `hi:lo`. Walks every row. */
  keyedHashes(): ReadonlySet<string> {
    const { store, requests, pauses, claims } = this.#parts;
    const hashes = new Set([...store.references.hashes(), ...requests.hashes()]);
    for (const keys of [pauses.keys(), claims.sessions(), requests.waits.sessions()]) {
      for (const key of keys) {
        hashes.add(key.slice(key.indexOf(":") + 1));
      }
    }
    return hashes;
  }

  sizes(): ActivitySizes {
    const { store, openWork, retention, unwatched } = this.#parts;
    return {
      openWork: openWork.size,
      tombstones: retention.size,
      spans: store.spans.rows.size,
      groups: store.groups.rows.size,
      sessions: store.sessions.active,
      references: store.references.rows.size,
      traces: store.traces.rows.size,
      implied: retention.impliedSize,
      endsUnknown: unwatched.endsUnknown,
    };
  }

  /** How often the states of spans changed, by transition, since the program started. */
  spanTransitions(): ReturnType<SpanLifecycle["transitions"]> {
    return this.#parts.store.spans.state.transitions();
  }

  /** Owners in the table, unresolved ones included. */
  get owners(): number {
    return this.#parts.store.owners.rows.size;
  }

  /** Age of the oldest open work by `WorkKind`, in ms by arrival; 0 where none is open. Walks every row. */
  oldestAgesMs(nowMs: number): readonly number[] {
    const { spans, downtime } = this.#parts.store;
    const ages = new Array<number>(kindNames.length).fill(0);
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open && !spans.hasFlag(span, spanFlags.uncounted)) {
        const kind = toWorkKind(spans.kind.get(span));
        const ageMs = downtime.elapsedMs(spans.startedAtMs.get(span), nowMs);
        ages[kind] = Math.max(ages[kind] ?? 0, ageMs);
      }
    }
    return ages;
  }

  /**
   * Work that is presumed open because a span names it as its parent, while it has not arrived itself, from any process: there is
   * open work below it, or it was named within the lateness before `nowMs`. Walks every row.
   */
  impliedWork(nowMs: number): number {
    const { limits, store } = this.#parts;
    const { spans } = store;
    let open = 0;
    for (let span = 0; span < spans.rows.count; span++) {
      if (
        spans.state.get(span) === spanStates.unknown &&
        !spans.hasFlag(span, spanFlags.presumedEvicted) &&
        (spans.openBelow.get(span) > 0 ||
          spans.seenAtMs.get(span) + limits.allowedLatenessMs > nowMs) &&
        !hasArrivedElsewhere(store, span, mostSearched(limits))
      ) {
        open++;
      }
    }
    return open;
  }

  /** Open markers whose eviction is held back. Walks every row. */
  heldMarkers(): number {
    const { store, processes } = this.#parts;
    const { spans, owners, groups, traces } = store;
    let held = 0;
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open && spans.kind.get(span) !== workKinds.run) {
        const isHeld =
          spans.held.get(span) !== evictionHolds.none ||
          owners.hasFlag(spans.owner.get(span), ownerFlags.held) ||
          groups.hasFlag(store.groupOf(span), groupFlags.held) ||
          processes.isHeld(traces.process.get(spans.trace.get(span)));
        held += isHeld ? 1 : 0;
      }
    }
    return held;
  }
}
