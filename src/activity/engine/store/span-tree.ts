import { workKinds } from "../../model/work.ts";
import type { Search } from "./search.ts";
import { type ClosedState, spanStates } from "./span-lifecycle.ts";
import { type SpanTable, spanFlags } from "./span-table.ts";

/** The longest chain of parents. A longer one is cut, so that walks end; agents do not nest that deep. */
const maxDepth = 200;

/**
 * Spans below spans, and how much open work is below each.
 *
 * Keeps the parents and counts in columns of the span table, which bounds them, and the list `unblocked`, which the engine
 * empties in each call. A link that would make a ring, or a chain of more than 200 spans, is not made.
 */
export class SpanTree {
  /** Open work below which work has closed, and which may have waited for that. The engine empties it. */
  readonly unblocked: number[] = [];
  readonly #spans: SpanTable;
  readonly #mayBeDone: (work: number) => boolean;

  /** `mayBeDone`: whether open work may wait for nothing but the open work below it. */
  constructor(spans: SpanTable, mayBeDone: (work: number) => boolean) {
    this.#spans = spans;
    this.#mayBeDone = mayBeDone;
  }

  /** Whether `child` may be put below `parent`: that makes no ring, and no chain that is too long. */
  canLink(child: number, parent: number): boolean {
    const spans = this.#spans;
    let depth = spans.height.get(child) + 1;
    for (let at = parent; at !== -1; at = spans.parentOf(at)) {
      if (at === child || ++depth > maxDepth) {
        return false;
      }
    }
    return true;
  }

  /** Puts `child` below `parent` and counts its open work there. Nothing happens where `canLink` is false or it has a parent. */
  link(child: number, parent: number): void {
    const spans = this.#spans;
    if (spans.parentOf(child) !== -1 || !this.canLink(child, parent)) {
      return;
    }
    spans.setParent(child, parent);
    let height = spans.height.get(child);
    for (let at = parent; at !== -1 && spans.height.get(at) <= height; at = spans.parentOf(at)) {
      spans.height.set(at, ++height);
    }
    const self = spans.state.get(child) === spanStates.open ? 1 : 0;
    this.#countAbove(child, spans.openBelow.get(child) + self, spans.detachedBelow.get(child));
  }

  /** Opens work, or closes open work in another state, and counts that above. Work that waited for it may become `unblocked`. */
  setState(span: number, state: typeof spanStates.open | ClosedState): void {
    this.#spans.state.move(span, state);
    this.#countAbove(span, state === spanStates.open ? 1 : -1, 0);
  }

  /** The parent of `span` where it waits for it, else -1: nothing waits for a tool that may outlive its run. */
  waitingParentOf(span: number): number {
    const spans = this.#spans;
    return spans.hasFlag(span, spanFlags.detached) ? -1 : spans.parentOf(span);
  }

  /** Marks a tool as one that may outlive its run: from now on nothing above waits for it or for work below it. */
  detach(tool: number): void {
    const spans = this.#spans;
    if (spans.hasFlag(tool, spanFlags.detached)) {
      return;
    }
    const self = spans.state.get(tool) === spanStates.open ? 1 : 0;
    const work = spans.openBelow.get(tool) - spans.detachedBelow.get(tool) + self;
    for (
      let at = work === 0 ? -1 : this.waitingParentOf(tool);
      at !== -1;
      at = this.waitingParentOf(at)
    ) {
      spans.detachedBelow.set(at, spans.detachedBelow.get(at) + work);
      this.#unblock(at);
    }
    spans.setFlag(tool, spanFlags.detached);
  }

  /** Whether an open marker may outlive its run: it is a tool that may, or is inside an open one. */
  mayOutliveRun(span: number): boolean {
    const spans = this.#spans;
    const mayOutlive = (at: number) =>
      spans.hasFlag(at, spanFlags.detached) && spans.state.get(at) === spanStates.open;
    if (mayOutlive(span)) {
      return true;
    }
    for (
      let at = spans.parentOf(span);
      at !== -1 && spans.kind.get(at) !== workKinds.run;
      at = spans.parentOf(at)
    ) {
      if (mayOutlive(at)) {
        return true;
      }
    }
    return false;
  }

  /** The nearest run above `span`, or -1 when there is none or a span in between has not arrived. */
  runAbove(span: number): number {
    const spans = this.#spans;
    let at = spans.parentOf(span);
    while (at !== -1 && spans.kind.get(at) !== workKinds.run) {
      at = spans.parentOf(at);
    }
    return at;
  }

  /** The topmost span above `span`, or `span` when it has no parent. */
  rootOf(span: number): number {
    const spans = this.#spans;
    let root = span;
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      root = at;
    }
    return root;
  }

  /** Whether `above` is an ancestor of `span`; false where the search is cut on the way. */
  isAncestor(above: number, span: number, search?: Search): boolean {
    const spans = this.#spans;
    let at = spans.parentOf(span);
    while (at !== -1 && at !== above && search?.reads() !== false) {
      at = spans.parentOf(at);
    }
    return at !== -1 && at === above;
  }

  /**
   * When an open marker was last released, by arrival; 0 when it was not: by what it waited for itself, or by a tool around it that may
   * outlive its run and has closed. Such a tool is remembered for as long as something in it is open. `own` is the former.
   */
  releasedAtMs(marker: number, own: number = this.#spans.releasedAtMs.get(marker)): number {
    const spans = this.#spans;
    let atMs = own;
    for (
      let at = spans.parentOf(marker);
      at !== -1 && spans.kind.get(at) !== workKinds.run;
      at = spans.parentOf(at)
    ) {
      if (spans.hasFlag(at, spanFlags.detached) && spans.state.get(at) !== spanStates.open) {
        atMs = Math.max(atMs, spans.releasedAtMs.get(at));
      }
    }
    return atMs;
  }

  /** Whether a tool or model call is between `span` and its ancestor `above`. */
  hasMarkerBetween(span: number, above: number): boolean {
    const spans = this.#spans;
    for (let at = spans.parentOf(span); at !== -1 && at !== above; at = spans.parentOf(at)) {
      const kind = spans.kind.get(at);
      if (kind === workKinds.tool || kind === workKinds.modelCall) {
        return true;
      }
    }
    return false;
  }

  /** Whether an ancestor of `span`, below its nearest known run, has not arrived. */
  hasUnknownAncestor(span: number): boolean {
    const spans = this.#spans;
    let at = spans.parentOf(span);
    while (at !== -1 && spans.kind.get(at) !== workKinds.run) {
      if (spans.state.get(at) === spanStates.unknown) {
        return true;
      }
      at = spans.parentOf(at);
    }
    return false;
  }

  /** Adds the open work of the subtree of `span` to the counts above it. Even `span` does not wait for `detached` of it. */
  #countAbove(span: number, work: number, detached: number): void {
    if (work === 0) {
      return;
    }
    const spans = this.#spans;
    let isDetached = spans.hasFlag(span, spanFlags.detached);
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      spans.openBelow.set(at, spans.openBelow.get(at) + work);
      const detachedHere = isDetached ? work : detached;
      if (detachedHere !== 0) {
        spans.detachedBelow.set(at, spans.detachedBelow.get(at) + detachedHere);
      }
      if (work < 0 && !isDetached) {
        this.#unblock(at);
      }
      isDetached ||= spans.hasFlag(at, spanFlags.detached);
    }
  }

  #unblock(span: number): void {
    if (this.#spans.state.get(span) === spanStates.open && this.#mayBeDone(span)) {
      this.unblocked.push(span);
    }
  }
}
