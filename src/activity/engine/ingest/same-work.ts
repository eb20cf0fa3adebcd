import type { SignalBatch } from "../../model/signal-batch.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { SignalLookup } from "./signal-lookup.ts";

/** What tells whether two spans of a kind are the same work. */
interface Work {
  readonly kind: number;
  /** Hashes of the names of its instrumentation scope, and of the tool or agent; 0 for none. */
  readonly scope: number;
  readonly alias: number;
}

/**
 * Two instrumentations of one program, or two layers of one, make a span each of the same work, one directly below the other:
 * a model call in a model call; a tool in a tool of the same name, or a run in a run of the same agent, of another
 * instrumentation scope. A tool that calls another, or itself, and a sub-agent are work of their own.
 */
function areSame(a: Work, b: Work): boolean {
  if (a.kind !== b.kind) {
    return false;
  }
  const isNamedAlike = a.alias !== 0 && a.alias === b.alias;
  const areScopesTwo = a.scope !== 0 && b.scope !== 0 && a.scope !== b.scope;
  return a.kind === workKinds.modelCall || (isNamedAlike && areScopesTwo);
}

/** Whether a run is the same as the one directly above it. */
export function isSameAsParent(store: ActivityStore, run: number, parent: number): boolean {
  return areSame(workAt(store, run), workAt(store, parent));
}

/** Whether the marker that a signal is about is the same as the one around it. */
export function isSameAsAbove(
  store: ActivityStore,
  lookup: SignalLookup,
  known: number,
  batch: SignalBatch,
  row: number,
): boolean {
  const work = workOf(batch, row);
  const above = isMarker(work.kind) ? workFrom(store, lookup.parentOf(known, batch, row)) : -1;
  return above !== -1 && areSame(work, workAt(store, above));
}

/** The markers below it, open or not decided, that the marker of a signal is the same as: they arrived before it. */
export function sameBelow(
  store: ActivityStore,
  known: number,
  batch: SignalBatch,
  row: number,
): readonly number[] {
  const work = workOf(batch, row);
  return known === -1 || !isMarker(work.kind)
    ? []
    : waitingBelow(store, known).filter((each) => areSame(work, workAt(store, each)));
}

function workOf(batch: SignalBatch, row: number): Work {
  return {
    kind: batch.kind.get(row),
    scope: batch.scopeHash.get(row),
    alias: batch.nameHash.get(row),
  };
}

/** Markers below a span that has not arrived, with nothing but links between. */
function waitingBelow(store: ActivityStore, unknown: number): readonly number[] {
  const { spans, owners, members, below } = store;
  const loose = spans.owner.get(unknown);
  if (
    loose === -1 ||
    spans.state.get(unknown) !== spanStates.unknown ||
    !owners.isUnresolved(loose)
  ) {
    return [];
  }
  return [loose, ...below.all(loose).filter((each) => owners.isUnresolved(each))]
    .flatMap((owner) => members.all(owner))
    .filter((each) => each !== unknown && isMarker(spans.kind.get(each)))
    .filter((each) => workFrom(store, spans.parentOf(each)) === unknown);
}

/** The first span from `at` upwards that is not a link that has arrived, or -1. */
export function workFrom({ spans }: ActivityStore, at: number): number {
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

function workAt({ spans }: ActivityStore, span: number): Work {
  return {
    kind: spans.state.get(span) === spanStates.unknown ? workKinds.other : spans.kind.get(span),
    scope: spans.scopeHash.get(span),
    alias: spans.nameHash.get(span),
  };
}

function isMarker(kind: number): boolean {
  return kind === workKinds.tool || kind === workKinds.modelCall;
}
