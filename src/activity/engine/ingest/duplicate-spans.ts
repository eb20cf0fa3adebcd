import { type ActivityLimits, mostSearchedTogether } from "../../model/limits.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../../model/signal-batch.ts";
import { toWorkKind, type WorkKind, workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { OpenWork } from "../store/open-work.ts";
import { Search } from "../store/search.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";
import { isSameWork } from "./same-work.ts";
import type { SignalLookup } from "./signal-lookup.ts";
import type { SpanRegistry } from "./span-registry.ts";

/** What it needs of the engine. */
interface DuplicateSpansParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly lookup: SignalLookup;
  readonly registry: SpanRegistry;
  readonly openWork: OpenWork;
}

/**
 * Recognizes spans that report the same work as another one (see `isSameWork`), so that it is counted once: one of the two is
 * tracked, the outer one where that is possible, and the other becomes a mere link. Keeps nothing but a flag of the span.
 */
export class DuplicateSpans {
  readonly #parts: DuplicateSpansParts;

  constructor(parts: DuplicateSpansParts) {
    this.#parts = parts;
  }

  /** The kind of work of a signal: `other`, a mere link, where another span reports the same work. */
  kindOf(known: number, batch: SignalBatch, row: number): WorkKind {
    const { store, lookup } = this.#parts;
    const { spans } = store;
    const kind = toWorkKind(batch.kind.get(row));
    if (known !== -1 && spans.state.get(known) !== spanStates.unknown) {
      return spans.hasFlag(known, spanFlags.sameWork) ? workKinds.other : kind;
    }
    if (kind !== workKinds.tool && kind !== workKinds.modelCall) {
      return kind;
    }
    const above = workFrom(store, lookup.parentOf(known, batch, row));
    const scope = batch.scopeHash.get(row);
    if (above !== -1 && isSameWork(store, above, kind, scope, batch.nameHash.get(row))) {
      return workKinds.other;
    }
    // The outer span takes the place of an inner one that arrived first, unless only one of the two has a start.
    const isOpen = batch.type.get(row) === signalTypes.start;
    const inner = known === -1 ? [] : this.below(known, batch, row);
    const isInner =
      inner === undefined ||
      inner.some((each) => (spans.state.get(each) === spanStates.open) !== isOpen);
    return isInner ? workKinds.other : kind;
  }

  /** Whether a span has arrived: as work, or, where `kind` is `other`, as anything. */
  hasArrived(known: number, kind: WorkKind): boolean {
    const { spans } = this.#parts.store;
    return (
      known !== -1 &&
      spans.state.get(known) !== spanStates.unknown &&
      (kind === workKinds.other || spans.kind.get(known) !== workKinds.other)
    );
  }

  /**
   * The markers below a span that has not arrived, open or not decided, that are the same work as its signal. Undefined where there are
   * too many to look for them: the span is a link then, because one of them may be the same work.
   */
  below(known: number, batch: SignalBatch, row: number): readonly number[] | undefined {
    const { store, limits } = this.#parts;
    const kind = batch.kind.get(row);
    if (!isMarker(kind)) {
      return [];
    }
    const scope = batch.scopeHash.get(row);
    const alias = batch.nameHash.get(row);
    const search = new Search(mostSearchedTogether(limits));
    const waiting = waitingBelow(store, known, search);
    return search.isCut
      ? undefined
      : waiting.filter((each) => isSameWork(store, each, kind, scope, alias));
  }

  /** Makes links of the inner spans whose work the outer one tracks from now on. */
  replace(inner: readonly number[], outer: number, nowMs: number): void {
    const { store, openWork } = this.#parts;
    const { spans } = store;
    for (const span of inner) {
      openWork.withdraw(span, nowMs);
      spans.setFlag(span, spanFlags.sameWork);
      if (spans.hasFlag(span, spanFlags.detached)) {
        store.detach(outer);
      }
    }
  }

  /** Registers a span as a link; -1 when there is no room. If the link may outlive its run, so may the tool above it. */
  registerLink(known: number, batch: SignalBatch, row: number, nowMs: number): number {
    const { store, registry } = this.#parts;
    const { spans } = store;
    const link = registry.register(known, batch, row, nowMs, workKinds.other);
    if (link !== -1 && batch.kind.get(row) !== workKinds.other) {
      spans.setFlag(link, spanFlags.sameWork);
      const work = workFrom(store, spans.parentOf(link));
      const isDetached = (batch.flags.get(row) & signalFlags.detached) !== 0;
      if (isDetached && work !== -1 && spans.kind.get(work) === workKinds.tool) {
        store.detach(work);
      }
    }
    return link;
  }
}

/** Markers below a span that has not arrived, with nothing but links between, as far as the search goes. */
function waitingBelow(store: ActivityStore, unknown: number, search: Search): readonly number[] {
  const { spans, owners, members, below } = store;
  const unresolved = spans.owner.get(unknown);
  if (
    unresolved === -1 ||
    spans.state.get(unknown) !== spanStates.unknown ||
    !owners.isUnresolved(unresolved)
  ) {
    return [];
  }
  const waiting: number[] = [];
  for (
    let owner = unresolved;
    owner !== -1 && search.reads();
    owner = owner === unresolved ? below.first.get(unresolved) : below.after.get(owner)
  ) {
    for (
      let each = owners.isUnresolved(owner) ? members.first.get(owner) : -1;
      each !== -1 && search.reads();
      each = members.after.get(each)
    ) {
      const isDirect =
        each !== unknown &&
        isMarker(spans.kind.get(each)) &&
        workFrom(store, spans.parentOf(each)) === unknown;
      if (isDirect) {
        waiting.push(each);
      }
    }
  }
  return waiting;
}

/** The first span from `at` upwards that is not a link that has arrived, or -1. */
function workFrom({ spans }: ActivityStore, at: number): number {
  let above = at;
  while (
    above !== -1 &&
    spans.kind.get(above) === workKinds.other &&
    spans.state.get(above) !== spanStates.unknown
  ) {
    above = spans.parentOf(above);
  }
  return above;
}

function isMarker(kind: number): boolean {
  return kind === workKinds.tool || kind === workKinds.modelCall;
}
