import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import { lacksInnerRun, SplitTraces } from "../ingest/split-traces.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanFlags } from "../store/span-table.ts";
import { runsOf } from "./owner-ends.ts";
import type { OwnerMerges } from "./owner-merges.ts";

/** What it needs of the engine. */
interface SplitRunsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly ownerTimers: KeyedTimers;
  readonly ownerMerges: OwnerMerges;
}

/**
 * Makes one owner of a run and of its harness run in another trace, where the harness run reports open items, which may be
 * in the run. Keeps the candidates of `SplitTraces`, which are bounded there.
 */
export class SplitRuns {
  readonly #parts: SplitRunsParts;
  readonly #splitTraces: SplitTraces;

  constructor(parts: SplitRunsParts) {
    this.#parts = parts;
    this.#splitTraces = new SplitTraces(parts.store, parts.limits.allowedLatenessMs);
  }

  snapshot(io: SnapshotStream): void {
    this.#splitTraces.snapshot(io);
  }

  /** Looks for the run of an owner of which only a harness run is known, and which reports open items. */
  join(owner: number, nowMs: number): void {
    const { store } = this.#parts;
    if (store.owners.reportedOpen.get(owner) === 0 || !lacksInnerRun(store, owner)) {
      return;
    }
    for (const harnessRun of runsOf(store, owner)) {
      if (this.#pairHarnessRun(harnessRun, nowMs)) {
        return;
      }
    }
  }

  /** Whether the other half of a run is in another trace: the harness run of a run without parent, or the run of a harness run. */
  isSplit(run: number, nowMs: number): boolean {
    const { store } = this.#parts;
    const { spans } = store;
    if (spans.hasFlag(run, spanFlags.harness)) {
      return lacksInnerRun(store, spans.owner.get(run)) && this.#pairHarnessRun(run, nowMs);
    }
    return (
      spans.hasFlag(run, spanFlags.innerRun) &&
      spans.parentOf(run) === -1 &&
      this.#pairRun(run, nowMs)
    );
  }

  /** The row of a span is freed. */
  forget(span: number): void {
    if (this.#parts.store.spans.kind.get(span) === workKinds.run) {
      this.#splitTraces.forget(span);
    }
  }

  #pairHarnessRun(harnessRun: number, nowMs: number): boolean {
    const { spans, owners } = this.#parts.store;
    const run = this.#splitTraces.addHarnessRun(harnessRun);
    const owner = spans.owner.get(harnessRun);
    if (run !== -1 && owners.reportedOpen.get(owner) > 0) {
      this.#merge(spans.owner.get(run), owner, nowMs);
    }
    return run !== -1;
  }

  #pairRun(run: number, nowMs: number): boolean {
    const { store, ownerTimers, limits } = this.#parts;
    const { spans, owners } = store;
    const harnessRun = this.#splitTraces.addRun(run);
    const owner = harnessRun === -1 ? -1 : spans.owner.get(harnessRun);
    if (owner !== -1 && owners.reportedOpen.get(owner) > 0) {
      this.#merge(spans.owner.get(run), owner, nowMs);
      store.setLive(owner, true);
      ownerTimers.schedule(owner, nowMs + limits.allowedLatenessMs);
    }
    return owner !== -1;
  }

  #merge(from: number, into: number, nowMs: number): void {
    const { ownerMerges } = this.#parts;
    if (from !== into && !ownerMerges.isAbove(from, into) && !ownerMerges.isAbove(into, from)) {
      ownerMerges.merge(from, into, nowMs);
    }
  }
}
