import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { limits } from "../history.ts";
import { ended, ingest, rowOf, run, tool } from "./ingested.ts";

/** The items that a harness run reports, and the tools of it that are known. */
interface Items {
  readonly open: number;
  readonly completed: number;
  /** Tools that ended in time, of one item and of two. */
  readonly singles?: number;
  readonly pairs?: number;
  /** Tools of two items that were open when the run ended. */
  readonly active?: number;
  readonly orphans?: number;
  readonly isRelayed?: boolean;
  readonly hasNoRun?: boolean;
}

function unnamedOf(items: Items): readonly number[] {
  const parts = new EngineParts(limits);
  const { openItems, store } = parts;
  const kind = items.hasNoRun === true ? "harness" : "run";
  ingest(parts, 5, ended({ ...run, kind }, 5, { isRelayed: items.isRelayed === true }));
  const owner = store.spans.owner.get(rowOf(parts, 1));
  store.owners.reportedOpen.set(owner, items.open);
  store.owners.reportedCompleted.set(owner, items.completed);
  let span = 10;
  const add = (count: number | undefined, isTwoItems: boolean, isAfterOwner: boolean) => {
    for (let at = 0; at < (count ?? 0); at++) {
      ingest(parts, 5, ended({ ...tool, span }, 4, { isTwoItems }));
      openItems.recordEnd(rowOf(parts, span), owner, isAfterOwner);
      span++;
    }
  };
  add(items.singles, false, false);
  add(items.pairs, true, false);
  add(items.active, true, true);
  const first = openItems.takeUnnamed(owner, items.orphans ?? 0);
  return [first, openItems.takeUnnamed(owner, items.orphans ?? 0)];
}

describe("open items of a harness run", () => {
  for (const [what, items, want] of [
    ["of which nothing is known are half as many tools", { open: 4, completed: 0 }, 2],
    ["an odd one is a tool as well", { open: 3, completed: 0 }, 2],
    ["are taken off for tools that were open", { open: 4, completed: 0, active: 1 }, 1],
    ["are taken off for known orphans", { open: 4, completed: 0, orphans: 2 }, 0],
    ["may be of tools that ended, where less completed", { open: 4, completed: 2, pairs: 2 }, 1],
    ["all ended tools completed", { open: 4, completed: 2, singles: 2 }, 2],
    ["a tool of two items may have completed as one", { open: 1, completed: 1, pairs: 1 }, 1],
    [
      "fewer tools ended than completed: spans are missing",
      { open: 4, completed: 3, singles: 2 },
      0,
    ],
    ["more tools ended than completed: it lost track", { open: 4, completed: 1, singles: 2 }, 0],
    [
      "of a source that reports every start do not count",
      { open: 4, completed: 0, isRelayed: true },
      0,
    ],
  ] as const) {
    test(what, () => expect(unnamedOf(items)).toEqual([want, 0]));
  }

  test("are kept while its run may be in another trace", () => {
    expect(unnamedOf({ open: 4, completed: 0, hasNoRun: true })).toEqual([0, 0]);
    expect(unnamedOf({ open: 4, completed: 0, hasNoRun: true, active: 1 })).toEqual([1, 0]);
  });
});
