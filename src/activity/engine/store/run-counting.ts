import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "./activity-store.ts";
import { spanStates } from "./span-lifecycle.ts";
import { spanFlags } from "./span-table.ts";

/** Two spans of one harness run start at most so far apart. A harness run below a tool starts later than that. */
const sameStartMs = 20;

/*
 * The counters count an owner as one run: the first of its spans that is known, and not the others. When the counted span
 * closes while another one is open, that one is counted from then on: the span that closes last says how the run ended.
 *
 * Where two spans are known to be one run only after both were counted, they stay two: counters never decrease.
 */

/**
 * The span that is counted for the run of which `run` is a span, or -1.
 *
 * It is in the owner of the run, or it is a harness run directly above or below that is the same run: OpenClaw 2026.4.30
 * exports a run twice, a span that it ends when it stops, and a complete one below that.
 */
export function countedInsteadOf(store: ActivityStore, run: number): number {
  const { spans, owners, below } = store;
  const beside = otherRunOf(store, run, { isCounted: true });
  if (beside !== -1) {
    return beside;
  }
  const parent = spans.parentOf(run);
  const owner = spans.owner.get(run);
  const all = owner === -1 ? [] : below.all(owner).map((each) => owners.top.get(each));
  const beneath = all.filter((top) => top !== -1 && spans.parentOf(top) === run);
  for (const other of parent === -1 ? beneath : [parent, ...beneath]) {
    if (isSameHarnessRun(store, run, other) && !spans.hasFlag(other, spanFlags.undecided)) {
      return other;
    }
  }
  return -1;
}

/** Another run span in the owner of `run`: one that is counted, or one that is open and is not; -1 when there is none. */
export function otherRunOf(
  { spans, members }: ActivityStore,
  run: number,
  which: { readonly isCounted: boolean },
): number {
  const owner = spans.owner.get(run);
  for (
    let at = owner === -1 ? -1 : members.first.get(owner);
    at !== -1;
    at = members.after.get(at)
  ) {
    if (at === run || spans.kind.get(at) !== workKinds.run) {
      continue;
    }
    const state = spans.state.get(at);
    const isCounted =
      state !== spanStates.unknown && !spans.hasFlag(at, spanFlags.uncounted | spanFlags.undecided);
    if (isCounted === which.isCounted && (isCounted || state === spanStates.open)) {
      return at;
    }
  }
  return -1;
}

function isSameHarnessRun({ spans }: ActivityStore, run: number, other: number): boolean {
  const areHarnesses = [run, other].every(
    (each) => spans.kind.get(each) === workKinds.run && spans.hasFlag(each, spanFlags.harness),
  );
  const startMs = spans.startMs.get(run);
  return areHarnesses && startMs > 0 && Math.abs(startMs - spans.startMs.get(other)) <= sameStartMs;
}
