import { sourceRanks } from "../../model/dialects.ts";
import { workKinds } from "../../model/work.ts";
import type { ProcessLiveness } from "../policy/process-liveness.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { spanFlags } from "../store/span-table.ts";
import { lacksInnerRun } from "./split-traces.ts";

/** A tool is at most this many items. */
const maxItemsPerTool = 2;

/** What it needs of the engine. */
interface OpenItemsParts {
  readonly store: ActivityStore;
  readonly processes: ProcessLiveness;
}

/**
 * Compares the number of open items that a harness run reports (I3) with the tools that are known. Items are not tools: OpenClaw
 * counts a command beside the tool that runs it, and leaves both open when it aborts the tool, although that has ended. So only
 * those open items count that the known tools cannot be. Keeps its counts in columns of the owner table.
 */
export class OpenItems {
  readonly #parts: OpenItemsParts;

  constructor(parts: OpenItemsParts) {
    this.#parts = parts;
  }

  /** A marker of the owner ended by itself; a harness run that counted open items must account for it. */
  recordEnd(span: number, owner: number, isAfterOwner: boolean): void {
    const { owners, spans } = this.#parts.store;
    if (isAfterOwner) {
      this.recordActive(span, owner);
    } else if (spans.kind.get(span) === workKinds.tool) {
      owners.finishedTools.set(owner, owners.finishedTools.get(owner) + 1);
      if (spans.hasFlag(span, spanFlags.countsTwoItems)) {
        owners.finishedPairs.set(owner, owners.finishedPairs.get(owner) + 1);
      }
    }
  }

  /** A marker that is known by name was open when its owner ended. */
  recordActive(span: number, owner: number): void {
    const { owners, spans } = this.#parts.store;
    if (spans.kind.get(span) === workKinds.tool) {
      const items = spans.hasFlag(span, spanFlags.countsTwoItems) ? maxItemsPerTool : 1;
      owners.matched.set(owner, owners.matched.get(owner) + items);
    }
  }

  /**
   * Resets the counts of an owner that reported open items, and returns how many tools its open items still represent, at least, without the tools that
   * are known by name. Of the tools that ended before it some completed and the others may be open items of an aborted turn.
   * Nothing is known where fewer ended than completed, because their spans are not exported, or where more completed: the
   * harness run lost track.
   */
  takeUnnamed(owner: number, orphans: number): number {
    const { store, processes } = this.#parts;
    const { owners } = store;
    const reported = owners.reportedOpen.get(owner);
    const completed = owners.reportedCompleted.get(owner);
    const tools = owners.finishedTools.get(owner);
    const pairs = owners.finishedPairs.get(owner);
    const matched = owners.matched.get(owner);
    if (tools + matched === 0 && lacksInnerRun(store, owner)) {
      return 0; // Its run, and with it the tools, are in another trace that may arrive later.
    }
    for (const column of [
      owners.reportedOpen,
      owners.reportedCompleted,
      owners.finishedTools,
      owners.finishedPairs,
      owners.matched,
    ]) {
      column.set(owner, 0);
    }
    // A source that reports every start needs no count of what is open.
    const isCountNeeded =
      processes.sourceOf(owners.process.get(owner)) === sourceRanks.finishedSpans;
    if (!isCountNeeded || tools + pairs < completed || tools > completed) {
      return 0;
    }
    const isPairCountedOnce = completed % 2 === 1 && pairs === tools;
    const aborted = tools + pairs - completed - (isPairCountedOnce ? 1 : 0);
    const open = Math.max(owners.openMarkers.get(owner), orphans) * maxItemsPerTool;
    return Math.ceil(Math.max(0, reported - aborted - matched - open) / maxItemsPerTool);
  }
}
