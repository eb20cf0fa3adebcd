import type { ActivityLimits } from "../../model/limits.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream, SnapshotVersion } from "../store/snapshot.ts";
import { EvictedRequests } from "./evicted-requests.ts";
import { RecentCalls } from "./recent-calls.ts";
import { RecentWaits } from "./recent-waits.ts";
import { RequestedResponses } from "./requested-responses.ts";
import { SeenToolNames } from "./seen-tool-names.ts";
import { UnkeyedSpans } from "./unkeyed-spans.ts";

/** Requested calls, calls whose tool or answer arrived before the request, and evicted calls: of each at most this many. */
const maxCalls = 100_000;

/** What it needs of the engine. */
interface RequestRecordsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
}

/**
 * Keeps what is known of the tools that models ask for, in stores that each have a bound of their own. When a tool or an answer
 * is forgotten that may have arrived just before its request, `lostMs` records it, and no tool that was requested around that time
 * counts as an orphan.
 */
export class RequestRecords {
  readonly responses: RequestedResponses;
  readonly evicted: EvictedRequests;
  /** Calls whose tool arrived before the request, and calls that were answered before it. */
  readonly ranEarly: RecentCalls;
  readonly answeredEarly: RecentCalls;
  /** Names of tools that arrived after they had been requested. */
  readonly reportedNames = new SeenToolNames();
  /** Names of tools that may outlive their run: one that has not arrived when the run ends may do so later. */
  readonly detachedNames = new SeenToolNames();
  readonly unkeyed: UnkeyedSpans;
  readonly waits: RecentWaits;
  /** When something was last forgotten that may have arrived just before its request. */
  lostMs = Number.NEGATIVE_INFINITY;

  constructor({ limits, store }: RequestRecordsParts) {
    const bounds = { ttlMs: Math.max(limits.maxAgeMs, limits.tombstoneTtlMs), most: maxCalls };
    this.responses = new RequestedResponses(store, maxCalls);
    this.evicted = new EvictedRequests(store, bounds);
    this.ranEarly = new RecentCalls(store, bounds);
    this.answeredEarly = new RecentCalls(store, bounds);
    this.unkeyed = new UnkeyedSpans(store);
    this.waits = new RecentWaits(store);
  }

  snapshot(
    io: SnapshotStream,
    { version, nowMs }: { readonly version: SnapshotVersion; readonly nowMs: number },
  ): void {
    if (version < 3) {
      this.#restoreV2(io, { version, nowMs });
      return;
    }
    this.lostMs = io.number(this.lostMs);
    this.ranEarly.snapshot(io, { version, nowMs });
    this.answeredEarly.snapshot(io, { version, nowMs });
    this.reportedNames.snapshot(io);
    this.detachedNames.snapshot(io);
    this.responses.snapshot(io);
    this.evicted.snapshot(io);
    this.waits.snapshot(io);
    if (io.isLoading) {
      this.unkeyed.restore();
    }
  }

  /** Versions before 3 stored too little of a request: they are dropped, and no tool requested before now counts as an orphan. */
  #restoreV2(
    io: SnapshotStream,
    { version, nowMs }: { readonly version: SnapshotVersion; readonly nowMs: number },
  ): void {
    io.texts([]);
    io.numbers([]);
    this.ranEarly.snapshot(io, { version, nowMs });
    this.reportedNames.snapshot(io);
    if (version > 1) {
      io.texts([]);
    }
    this.lostMs = nowMs;
  }

  /** The hashes of all calls, as `key0:key1`. */
  *hashes(): Generator<string> {
    for (const calls of [this.responses, this.evicted, this.ranEarly, this.answeredEarly]) {
      yield* calls.hashes();
    }
  }

  /** Must be called before the numbers of the processes are used for others. */
  forgetProcesses(processes: ReadonlySet<number>): void {
    for (const process of processes) {
      this.reportedNames.forgetProcess(process);
      this.detachedNames.forgetProcess(process);
    }
    this.evicted.forgetProcesses(processes);
  }

  /** Must be called before the row of a span is removed. */
  forgetSpan(span: number, { spans }: ActivityStore): void {
    this.responses.forget(spans.trace.get(span), spans.id0.get(span), spans.id1.get(span));
    this.evicted.lateByMs.delete(span);
    this.unkeyed.forgetSpan(span);
  }
}
