import { expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { LateEnds } from "../../../../src/activity/engine/ingest/late-ends.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { limits } from "../history.ts";

/** Late ends of so many spans of process 1, and a span of process 2. */
function lateEndsOf(count: number) {
  const { store } = new EngineParts(limits);
  const lateEnds = new LateEnds(store);
  const trace = store.traces.findOrAdd(1, 1, 1, 1, 1);
  const spans = Array.from({ length: count }, (_, id) => store.spans.add(trace, 1, id));
  for (const span of spans) {
    lateEnds.add(span);
  }
  const unlisted = store.spans.add(trace, 2, 0);
  const other = store.spans.add(store.traces.findOrAdd(2, 1, 1, 1, 1), 1, 1);
  return { store, lateEnds, spans, unlisted, other };
}

test("late ends are known by process", () => {
  const { lateEnds, spans, other } = lateEndsOf(2);
  expect(lateEnds.sameProcess(spans[0]!)).toEqual(spans);
  expect(lateEnds.sameProcess(other)).toEqual([]);
});

test("of more than 64 of a process the oldest are dropped", () => {
  const { lateEnds, spans } = lateEndsOf(66);
  expect(lateEnds.sameProcess(spans[0]!)).toEqual(spans.slice(2));
});

test("a span whose row is removed is forgotten, and only that one", () => {
  const { lateEnds, spans, unlisted, other } = lateEndsOf(3);
  lateEnds.forgetSpan(spans[1]!);
  lateEnds.forgetSpan(unlisted);
  lateEnds.forgetSpan(other);
  expect(lateEnds.sameProcess(other)).toEqual([]);
  expect(lateEnds.sameProcess(spans[0]!)).toEqual([spans[0], spans[2]]);
});

test("they outlast a restart", () => {
  const { store, lateEnds, spans } = lateEndsOf(3);
  const writer = new EngineSnapshotWriter();
  lateEnds.snapshot(writer);
  const again = new LateEnds(store);
  again.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
  expect(again.sameProcess(spans[0]!)).toEqual(spans);
});
