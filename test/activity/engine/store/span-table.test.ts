import { describe, expect, test } from "vitest";
import { spanStates } from "../../../../src/activity/engine/store/span-lifecycle.ts";
import { SpanTable, spanFlags } from "../../../../src/activity/engine/store/span-table.ts";
import { predictableHash } from "../../../../src/activity/engine/store/tabulation-hash.ts";
import { transfer } from "./small-engine.ts";

function snapshotOf(table: SpanTable) {
  return {
    snapshot: (stream: Parameters<SpanTable["snapshot"]>[0]) =>
      table.snapshot(stream, { version: 3 }),
  };
}

describe("the table of spans", () => {
  test("finds a span by trace and id, and not one of another trace", () => {
    const spans = new SpanTable(predictableHash());
    const span = spans.add(4, 5, 6);
    expect([spans.find(4, 5, 6), spans.find(0, 5, 6), spans.find(4, 6, 5)]).toEqual([span, -1, -1]);
    expect(spans.state.get(span)).toBe(spanStates.unknown);
  });

  test("does not find a span that was removed, though it was the one found last", () => {
    const spans = new SpanTable(predictableHash());
    const span = spans.add(0, 0, 0);
    expect(spans.find(0, 0, 0)).toBe(span);
    spans.remove(span);
    expect(spans.find(0, 0, 0)).toBe(-1);
    expect([spans.rows.size, spans.rows.count]).toEqual([0, 1]);
  });

  test("gives a new span none of the values of the span that had its row", () => {
    const spans = new SpanTable(predictableHash());
    const first = spans.add(1, 1, 1);
    const columns = [
      spans.kind,
      spans.flags,
      spans.startMs,
      spans.startedAtMs,
      spans.seenAtMs,
      spans.progressAtMs,
      spans.releasedAtMs,
      spans.openBelow,
      spans.detachedBelow,
      spans.height,
      spans.name,
      spans.scopeHash,
      spans.nameHash,
      spans.leaseMs,
      spans.seq,
      spans.reason,
      spans.held,
    ];
    const links = [spans.owner, spans.nextMember, spans.previousMember];
    for (const column of [...columns, ...links]) {
      column.set(first, 9);
    }
    spans.setParent(first, first);
    spans.remove(first);
    const second = spans.add(2, 2, 2);
    expect(second).toBe(first);
    expect(columns.map((column) => column.get(second))).toEqual(columns.map(() => 0));
    expect(links.map((column) => column.get(second))).toEqual([-1, -1, -1]);
    expect(spans.parentOf(second)).toBe(-1);
  });

  test("knows no parent once that is removed, even when another span has its row", () => {
    const spans = new SpanTable(predictableHash());
    const parent = spans.add(1, 0, 1);
    const child = spans.add(1, 0, 2);
    expect(spans.parentOf(child)).toBe(-1);
    spans.setParent(child, parent);
    expect(spans.parentOf(child)).toBe(parent);
    spans.remove(parent);
    expect(spans.parentOf(child)).toBe(-1);
    expect(spans.add(1, 0, 3)).toBe(parent);
    expect(spans.parentOf(child)).toBe(-1);
  });

  test("sets and clears one flag without the others", () => {
    const spans = new SpanTable(predictableHash());
    const span = spans.add(1, 0, 1);
    spans.setFlag(span, spanFlags.failed | spanFlags.reportedAfterDelete);
    spans.clearFlag(span, spanFlags.failed);
    expect(spans.hasFlag(span, spanFlags.failed)).toBe(false);
    expect(spans.hasFlag(span, spanFlags.reportedAfterDelete)).toBe(true);
    expect(spans.hasFlag(span, spanFlags.failed | spanFlags.reportedAfterDelete)).toBe(true);
  });

  test("has a bit of its own for each flag", () => {
    const bits = Object.values(spanFlags);
    expect(bits.every((bit) => Number.isInteger(Math.log2(bit)) && bit < 2 ** 31)).toBe(true);
    expect(new Set(bits).size).toBe(bits.length);
  });

  test("subtracts the work of detached tools from the work that a span waits for", () => {
    const spans = new SpanTable(predictableHash());
    const span = spans.add(1, 0, 1);
    spans.openBelow.set(span, 5);
    spans.detachedBelow.set(span, 2);
    expect(spans.awaitedBelow(span)).toBe(3);
  });

  test("finds the same spans, parents and vacant rows after it was saved and loaded", () => {
    const spans = new SpanTable(predictableHash());
    const all = Array.from({ length: 40 }, (_, id) => spans.add(1, 0, id));
    spans.setParent(all[2]!, all[1]!);
    spans.setParent(all[4]!, all[3]!);
    spans.detachedBelow.set(all[2]!, 7);
    spans.remove(all[3]!);
    const loaded = new SpanTable(predictableHash());
    transfer(snapshotOf(spans), snapshotOf(loaded));
    expect([loaded.rows.size, loaded.rows.count]).toEqual([39, 40]);
    expect(all.map((_, id) => loaded.find(1, 0, id))).toEqual(
      all.map((row, id) => (id === 3 ? -1 : row)),
    );
    expect([loaded.parentOf(all[2]!), loaded.parentOf(all[4]!)]).toEqual([all[1], -1]);
    expect(loaded.detachedBelow.get(all[2]!)).toBe(7);
    expect(loaded.add(1, 0, 100)).toBe(all[3]);
  });
});
