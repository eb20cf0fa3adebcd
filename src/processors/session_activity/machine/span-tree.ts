import { workKinds } from "../kinds.ts";
import type { GroupTable } from "./group-table.ts";
import { type SpanTable, spanFlags, spanStates } from "./span-table.ts";

/** Longer parent chains are cut: nobody nests agents that deep, and a walk must end. */
const maxDepth = 200;

/** Spans below spans, and how much open work there is below each. */
export class SpanTree {
  /**
   * Open work that has less open work below, and runs that have fewer open runs below, where that may be
   * what its group waits for; the machine drains it.
   */
  readonly eased: number[] = [];
  readonly #spans: SpanTable;
  readonly #groups: GroupTable;

  constructor(spans: SpanTable, groups: GroupTable) {
    this.#spans = spans;
    this.#groups = groups;
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
    this.#countAbove(child, this.#openWorkOf(child), this.#openRunsOf(child));
  }

  /** Marks `span` as open work and counts it above. */
  open(span: number): void {
    this.#spans.state.set(span, spanStates.open);
    this.#countAbove(span, 1, this.#isFreeRun(span) ? 1 : 0);
  }

  /** Ends open work in `state`; groups that waited for it become `eased`. */
  close(span: number, state: typeof spanStates.ended | typeof spanStates.evicted): void {
    this.#countAbove(span, -1, this.#isFreeRun(span) ? -1 : 0);
    this.#spans.state.set(span, state);
  }

  /** Notes that a run carries a session reference of its own: it no longer keeps the owner tree above. */
  setOwnReference(span: number): void {
    const spans = this.#spans;
    if (spans.hasFlag(span, spanFlags.ownReference)) {
      return;
    }
    if (spans.kind.get(span) === workKinds.run) {
      this.#countAbove(span, 0, -this.#openRunsOf(span));
    }
    spans.setFlag(span, spanFlags.ownReference);
  }

  /** The nearest run above `span`, or -1 when there is none or the way to it is not known. */
  ownerAbove(span: number): number {
    const spans = this.#spans;
    let at = spans.parentOf(span);
    while (at !== -1 && spans.kind.get(at) !== workKinds.run) {
      at = spans.parentOf(at);
    }
    return at;
  }

  /** Whether an ancestor of `span`, below the nearest run that is known, has not arrived. */
  hasUnknownAbove(span: number): boolean {
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

  #isFreeRun(span: number): boolean {
    return (
      this.#spans.kind.get(span) === workKinds.run &&
      !this.#spans.hasFlag(span, spanFlags.ownReference)
    );
  }

  #openWorkOf(span: number): number {
    const self = this.#spans.state.get(span) === spanStates.open ? 1 : 0;
    return this.#spans.openBelow.get(span) + self;
  }

  /** What `span` and its descendants add to `openRunsBelow` above it. */
  #openRunsOf(span: number): number {
    const spans = this.#spans;
    if (spans.kind.get(span) !== workKinds.run) {
      return spans.openRunsBelow.get(span);
    }
    if (spans.hasFlag(span, spanFlags.ownReference)) {
      return 0;
    }
    return spans.openRunsBelow.get(span) + (spans.state.get(span) === spanStates.open ? 1 : 0);
  }

  #countAbove(span: number, work: number, freeRuns: number): void {
    if (work === 0 && freeRuns === 0) {
      return;
    }
    const spans = this.#spans;
    const groups = this.#groups;
    let runs = freeRuns;
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      spans.openBelow.set(at, spans.openBelow.get(at) + work);
      spans.openRunsBelow.set(at, spans.openRunsBelow.get(at) + runs);
      const group = spans.group.get(at);
      const isRun = spans.kind.get(at) === workKinds.run;
      const isEased = (work < 0 && spans.state.get(at) === spanStates.open) || (runs < 0 && isRun);
      if (isEased && group !== -1 && groups.mayBeOver(group)) {
        this.eased.push(at);
      }
      if (isRun && spans.hasFlag(at, spanFlags.ownReference)) {
        runs = 0;
      }
    }
  }
}
