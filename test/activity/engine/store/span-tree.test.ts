import { describe, expect, test } from "vitest";
import { spanStates } from "../../../../src/activity/engine/store/span-lifecycle.ts";
import { SpanTable } from "../../../../src/activity/engine/store/span-table.ts";
import { SpanTree } from "../../../../src/activity/engine/store/span-tree.ts";
import { predictableHash } from "../../../../src/activity/engine/store/tabulation-hash.ts";
import { workKinds } from "../../../../src/activity/model/work.ts";

/** A tree of spans that have arrived: `parents[id]` is the parent of span `id`, or -1. */
class Family {
  readonly spans = new SpanTable(predictableHash());
  readonly tree: SpanTree;

  constructor(parents: readonly number[], mayBeDone: (span: number) => boolean = () => true) {
    this.tree = new SpanTree(this.spans, mayBeDone);
    for (const id of parents.keys()) {
      this.spans.add(1, 0, id);
      this.spans.state.move(id, spanStates.ended);
      this.spans.kind.set(id, workKinds.tool);
    }
    for (const [id, parent] of parents.entries()) {
      if (parent !== -1) {
        this.tree.link(id, parent);
      }
    }
  }

  /** Open work below each span, and how much of that it waits for. */
  get below(): readonly (readonly [open: number, awaited: number])[] {
    return Array.from({ length: this.spans.rows.count }, (_, id) => [
      this.spans.openBelow.get(id),
      this.spans.awaitedBelow(id),
    ]);
  }
}

/** Span 0 at the top, 1 below it, and so on. */
const chain = (length: number) => Array.from({ length }, (_, id) => id - 1);

describe("links between spans", () => {
  test("are not made where they would close a ring", () => {
    const { tree, spans } = new Family(chain(3));
    expect([tree.canLink(0, 2), tree.canLink(0, 0)]).toEqual([false, false]);
    tree.link(0, 2);
    expect(spans.parentOf(0)).toBe(-1);
  });

  test("are not made where a span has a parent", () => {
    const { tree, spans } = new Family([-1, 0, -1]);
    tree.link(1, 2);
    expect(spans.parentOf(1)).toBe(0);
  });

  for (const [length, at] of [
    [199, "the bottom"],
    [200, "the bottom"],
    [199, "the top"],
    [200, "the top"],
  ] as const) {
    test(`${length < 200 ? "make" : "do not make"} a chain of ${length + 1} spans at ${at}`, () => {
      const { tree } = new Family([...chain(length), -1]);
      expect(at === "the top" ? tree.canLink(0, length) : tree.canLink(length, length - 1)).toBe(
        length < 200,
      );
    });
  }

  test("made late count the open work of the child above it", () => {
    const family = new Family([-1, 0, -1, 2]);
    family.tree.setState(2, spanStates.open);
    family.tree.setState(3, spanStates.open);
    family.tree.link(2, 1);
    expect(family.below).toEqual([
      [2, 2],
      [2, 2],
      [1, 1],
      [0, 0],
    ]);
  });
});

describe("open work below", () => {
  test("is counted at every ancestor until it closes", () => {
    const family = new Family(chain(3));
    family.tree.setState(2, spanStates.open);
    expect(family.below.map(([open]) => open)).toEqual([1, 1, 0]);
    family.tree.setState(2, spanStates.evicted);
    expect(family.below.map(([open]) => open)).toEqual([0, 0, 0]);
    expect(family.spans.state.get(2)).toBe(spanStates.evicted);
  });

  test("is not waited for from above a detached tool", () => {
    for (const order of ["before", "after"]) {
      const family = new Family(chain(4));
      if (order === "before") {
        family.tree.detach(2);
      }
      family.tree.setState(2, spanStates.open);
      family.tree.setState(3, spanStates.open);
      if (order === "after") {
        family.tree.detach(2);
      }
      expect([order, family.below]).toEqual([
        order,
        [
          [2, 0],
          [2, 0],
          [1, 1],
          [0, 0],
        ],
      ]);
      family.tree.setState(3, spanStates.ended);
      family.tree.setState(2, spanStates.ended);
      expect(family.below.flat().every((count) => count === 0)).toBe(true);
    }
  });

  test("keeps its detached part when it is linked late below another span", () => {
    const family = new Family([-1, -1, 1, 2]);
    family.tree.detach(3);
    family.tree.setState(3, spanStates.open);
    family.tree.setState(2, spanStates.open);
    family.tree.link(1, 0);
    expect(family.below[0]).toEqual([2, 1]);
  });
});

describe("work that closes", () => {
  test("unblocks the open work above that may be done", () => {
    const family = new Family(chain(4), (span) => span !== 1);
    for (const span of [0, 1, 3]) {
      family.tree.setState(span, spanStates.open);
    }
    family.tree.setState(3, spanStates.ended);
    expect(family.tree.unblocked).toEqual([0]);
  });

  test("unblocks nothing above a detached tool, which unblocks it when it is detached", () => {
    const family = new Family(chain(3));
    for (const span of [0, 1, 2]) {
      family.tree.setState(span, spanStates.open);
    }
    family.tree.detach(1);
    expect(family.tree.unblocked).toEqual([0]);
    family.tree.setState(2, spanStates.ended);
    expect(family.tree.unblocked).toEqual([0, 1]);
  });
});

describe("a walk up", () => {
  // 0 a run, 1 a tool, 2 no work, 3 a run, 4 a model call, 5 not arrived, 6 a tool.
  function mixed(): Family {
    const family = new Family([-1, 0, 1, 2, 3, -1, -1]);
    const { other, run, tool, modelCall } = workKinds;
    for (const [id, kind] of [run, tool, other, run, modelCall, other, tool].entries()) {
      family.spans.kind.set(id, kind);
    }
    const unknown = family.spans.add(1, 0, 99);
    family.tree.link(unknown, 4);
    family.tree.link(6, unknown);
    return family;
  }

  test("finds the nearest run, the root and ancestors", () => {
    const { tree } = mixed();
    expect([0, 2, 3, 6].map((span) => tree.runAbove(span))).toEqual([-1, 0, 0, 3]);
    expect([0, 5, 6].map((span) => tree.rootOf(span))).toEqual([0, 5, 0]);
    expect([tree.isAncestor(0, 6), tree.isAncestor(6, 6), tree.isAncestor(6, 0)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("finds a marker between a span and an ancestor, but not at either end", () => {
    const { tree } = mixed();
    expect([
      tree.hasMarkerBetween(3, 0),
      tree.hasMarkerBetween(3, 1),
      tree.hasMarkerBetween(1, 0),
    ]).toEqual([true, false, false]);
  });

  test("finds a span that has not arrived only below the nearest run", () => {
    const { tree, spans } = mixed();
    expect([tree.hasUnknownAncestor(6), tree.hasUnknownAncestor(4)]).toEqual([true, false]);
    const below = spans.add(1, 0, 100);
    spans.kind.set(6, workKinds.run);
    tree.link(below, 6);
    expect(tree.hasUnknownAncestor(below)).toBe(false);
  });

  for (const [what, detached, isOpen, want] of [
    ["itself detached and open", 2, true, true],
    ["inside an open detached tool", 1, true, true],
    ["inside a closed detached tool", 1, false, false],
    ["below a run that is inside a detached tool", 0, true, false],
  ] as const) {
    test(`lets a marker outlive its run: ${what} (${want})`, () => {
      const { tree, spans } = new Family(chain(3));
      spans.kind.set(0, workKinds.run);
      tree.detach(detached);
      if (isOpen) {
        tree.setState(detached, spanStates.open);
      }
      expect(tree.mayOutliveRun(2)).toBe(want);
    });
  }

  test("finds no waiting parent of a detached tool", () => {
    const { tree } = new Family(chain(2));
    expect(tree.waitingParentOf(1)).toBe(0);
    tree.detach(1);
    expect(tree.waitingParentOf(1)).toBe(-1);
  });
});
