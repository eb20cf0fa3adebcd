import { expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { UnkeyedSpans } from "../../../../src/activity/engine/ingest/unkeyed-spans.ts";
import { limits } from "../history.ts";
import { ended, ingest, modelCall, rowOf, run, tool } from "./ingested.ts";

/** A run (1) with a model call (2), a tool (3) in that, a tool (4), a link (5) with a tool (6), and another run (7) with a tool (8). */
function spansOf() {
  const parts = new EngineParts(limits);
  const in1 = { start: 1, parent: 1 };
  ingest(
    parts,
    9,
    ended({ ...modelCall, span: 2, ...in1 }, 2),
    ended({ ...tool, span: 3, parent: 2 }, 2),
    ended({ ...tool, span: 4, ...in1 }, 2),
    ended({ ...tool, kind: "other", span: 5, ...in1 }, 2),
    ended({ ...tool, span: 6, parent: 5 }, 2),
    ended({ ...run, span: 7, parent: 1 }, 8),
    ended({ ...tool, span: 8, parent: 7 }, 2),
    ended({ ...tool, span: 9, ...in1, key: 5 }, 2),
    ended(run, 9),
  );
  const rows = (...spans: readonly number[]) => spans.map((span) => rowOf(parts, span));
  return { parts, rows, unkeyed: parts.requests.unkeyed };
}

test("model calls and tools without a call id are found directly in a run", () => {
  const { unkeyed, rows } = spansOf();
  const { tools, modelCalls } = unkeyed.directlyIn(rows(1));
  expect([tools.toSorted(), modelCalls]).toEqual([rows(4, 6).toSorted(), rows(2)]);
  expect(unkeyed.directlyIn(rows(7)).tools).toEqual(rows(8));
  expect(unkeyed.directlyIn(rows(1, 7)).tools.toSorted()).toEqual(rows(4, 6, 8).toSorted());
});

test("a span whose row is removed leaves the list", () => {
  const { unkeyed, rows } = spansOf();
  for (const span of rows(4, 9, 1, 4)) {
    unkeyed.forgetSpan(span);
  }
  expect(unkeyed.directlyIn(rows(1)).tools).toEqual(rows(6));
});

test("the lists are built from the span table again", () => {
  const { parts, rows } = spansOf();
  const again = new UnkeyedSpans(parts.store);
  again.restore();
  expect(again.directlyIn(rows(1)).tools.toSorted()).toEqual(rows(4, 6).toSorted());
});
