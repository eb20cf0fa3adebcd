import { workKinds } from "../../model/work.ts";
import { type ClosedState, spanStates } from "./span-lifecycle.ts";
import { type SpanTable, spanFlags } from "./span-table.ts";

/** Longer parent chains are cut: nobody nests agents that deep, and a walk must end. */
const maxDepth = 200;

/** Spans below spans, and how much open work there is below each. */
export class SpanTree {
  /** Open work that has less open work below, which may be what it waited for; the machine drains it. */
  readonly unblocked: number[] = [];
  readonly #spans: SpanTable;
  readonly #mayBeDone: (work: number) => boolean;

  /** `mayBeOver`: whether open work may wait for nothing but open work below it. */
  constructor(spans: SpanTable, mayBeOver: (work: number) => boolean) {
    this.#spans = spans;
    this.#mayBeDone = mayBeOver;
  }

  /** Whether `child` may be put below `parent`: no ring, no chain beyond any sense. */
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

  /** Puts `child` below `parent` and counts its open work there. Nothing happens where it may not, or has a parent. */
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
    this.#countAbove(child, this.#openWorkOf(child), spans.detachedBelow.get(child));
  }

  /** Marks `span` as open work and counts it above. */
  open(span: number): void {
    this.#spans.state.move(span, spanStates.open);
    this.#countAbove(span, 1, 0);
  }

  /** Ends open work in `state`; what is above and waited for it become `eased`. */
  close(span: number, state: ClosedState): void {
    this.#spans.state.move(span, state);
    this.#countAbove(span, -1, 0);
  }

  /** What is directly above `span` and waits for it, or -1: nothing waits for a tool that may outlive its run. */
  waitingParentOf(span: number): number {
    const spans = this.#spans;
    return spans.hasFlag(span, spanFlags.detached) ? -1 : spans.parentOf(span);
  }

  /** Marks a tool as one that may outlive its run: from now on nothing above waits for it, nor for what is below it. */
  detach(tool: number): void {
    const spans = this.#spans;
    if (spans.hasFlag(tool, spanFlags.detached)) {
      return;
    }
    const work = this.#openWorkOf(tool) - spans.detachedBelow.get(tool);
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

  /** Whether an open marker may outlive its run: it is such a tool, or inside one that is open. */
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

  /** The nearest run above `span`, or -1 when there is none or the way to it is not known. */
  runAbove(span: number): number {
    const spans = this.#spans;
    let at = spans.parentOf(span);
    while (at !== -1 && spans.kind.get(at) !== workKinds.run) {
      at = spans.parentOf(at);
    }
    return at;
  }

  /** The last span on the way up from `span`, itself if it has no parent. */
  rootOf(span: number): number {
    const spans = this.#spans;
    let root = span;
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      root = at;
    }
    return root;
  }

  /** Whether `above` is on the way up from `span`. */
  isAncestor(above: number, span: number): boolean {
    const spans = this.#spans;
    let at = spans.parentOf(span);
    while (at !== -1 && at !== above) {
      at = spans.parentOf(at);
    }
    return at !== -1;
  }

  /** Whether a tool or model call stands between `span` and `above`, which is on the way up from it. */
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

  /** Whether an ancestor of `span`, below the nearest run that is known, has not arrived. */
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

  #openWorkOf(span: number): number {
    const self = this.#spans.state.get(span) === spanStates.open ? 1 : 0;
    return this.#spans.openBelow.get(span) + self;
  }

  /** Counts open work in the subtree of `span` above it; `apart` of it is not waited for even by `span`. */
  #countAbove(span: number, work: number, apart: number): void {
    if (work === 0) {
      return;
    }
    const spans = this.#spans;
    let isApart = spans.hasFlag(span, spanFlags.detached);
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      spans.openBelow.set(at, spans.openBelow.get(at) + work);
      const apartHere = isApart ? work : apart;
      if (apartHere !== 0) {
        spans.detachedBelow.set(at, spans.detachedBelow.get(at) + apartHere);
      }
      if (work < 0 && !isApart) {
        this.#unblock(at);
      }
      isApart ||= spans.hasFlag(at, spanFlags.detached);
    }
  }

  #unblock(span: number): void {
    if (this.#spans.state.get(span) === spanStates.open && this.#mayBeDone(span)) {
      this.unblocked.push(span);
    }
  }
}
