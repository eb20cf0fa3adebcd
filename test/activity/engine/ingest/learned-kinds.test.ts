import { expect, test } from "vitest";
import { LearnedKinds } from "../../../../src/activity/engine/ingest/learned-kinds.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { workKinds } from "../../../../src/activity/model/work.ts";

const ttlMs = 1_000;
const { other, tool, modelCall } = workKinds;

function shapeOf(number: number) {
  return { shape0: number, shape1: -number * 2 ** 20 };
}

function learnedKinds(bounds: { readonly most?: number; readonly mostOfProcess?: number } = {}) {
  return new LearnedKinds({ ttlMs, ...bounds });
}

test("a shape is what the finished span was, in its own process only", () => {
  const learned = learnedKinds();
  learned.teach(1, shapeOf(1), { kind: tool, name: 5, atMs: 0 });
  expect(learned.of(1, shapeOf(1), 0)).toMatchObject({ kind: tool, name: 5 });
  expect(learned.of(2, shapeOf(1), 0)).toBeUndefined();
  expect(learned.of(1, { shape0: 1, shape1: 1 << 20 }, 0)).toBeUndefined();
});

test("of two kinds nothing follows, and of two names none", () => {
  const learned = learnedKinds();
  for (const kind of [tool, modelCall, modelCall, other]) {
    learned.teach(1, shapeOf(1), { kind, name: 0, atMs: 0 });
  }
  expect(learned.of(1, shapeOf(1), 0)).toMatchObject({ kind: undefined });
  for (const name of [5, 6, 6]) {
    learned.teach(1, shapeOf(2), { kind: tool, name, atMs: 0 });
  }
  expect(learned.of(1, shapeOf(2), 0)).toMatchObject({ kind: tool, name: 0 });
});

test("it is forgotten when it was not taught again for long, and learned anew", () => {
  const learned = learnedKinds();
  learned.teach(1, shapeOf(1), { kind: tool, name: 0, atMs: 0 });
  learned.teach(1, shapeOf(1), { kind: tool, name: 0, atMs: 900 });
  expect(learned.of(1, shapeOf(1), 1_899)).toBeDefined();
  expect(learned.of(1, shapeOf(1), 1_900)).toBeUndefined();
  expect(learned.size).toBe(0);
  learned.teach(1, shapeOf(1), { kind: modelCall, name: 0, atMs: 1_900 });
  expect(learned.of(1, shapeOf(1), 1_900)).toMatchObject({ kind: modelCall });
});

test("a process has a bound, and what was taught last is kept", () => {
  const learned = learnedKinds({ mostOfProcess: 2 });
  for (const [shape, atMs] of [
    [1, 0],
    [2, 100],
    [1, 600],
    [3, 700],
  ] as const) {
    learned.teach(1, shapeOf(shape), { kind: tool, name: 0, atMs });
  }
  expect([1, 2, 3].map((shape) => learned.of(1, shapeOf(shape), 700) !== undefined)).toEqual([
    true,
    false,
    true,
  ]);
});

test("all processes together have a bound, and the one that was taught last keeps what it has", () => {
  const learned = learnedKinds({ most: 2 });
  for (const [process, shape] of [
    [1, 1],
    [2, 1],
    [1, 2],
  ] as const) {
    learned.teach(process, shapeOf(shape), { kind: tool, name: 0, atMs: 0 });
  }
  expect(learned.size).toBe(2);
  expect(learned.of(2, shapeOf(1), 0)).toBeUndefined();
  expect(learned.of(1, shapeOf(1), 0)).toBeDefined();
});

test("a process that is forgotten leaves nothing", () => {
  const learned = learnedKinds();
  learned.teach(1, shapeOf(1), { kind: tool, name: 5, atMs: 0 });
  expect([...learned.names()]).toEqual([5]);
  learned.forgetProcess(1);
  learned.forgetProcess(3);
  expect(learned.size).toBe(0);
  expect(learned.of(1, shapeOf(1), 0)).toBeUndefined();
  expect([...learned.names()]).toEqual([]);
});

test("it is saved and restored", () => {
  const learned = learnedKinds();
  learned.teach(1, shapeOf(1), { kind: tool, name: 5, atMs: 100 });
  learned.teach(2, shapeOf(2), { kind: tool, name: 0, atMs: 200 });
  learned.teach(2, shapeOf(2), { kind: other, name: 0, atMs: 300 });
  const writer = new EngineSnapshotWriter();
  learned.snapshot(writer);
  const restored = learnedKinds();
  restored.snapshot(new EngineSnapshotReader(writer.pieces));
  expect(restored.size).toBe(2);
  expect(restored.of(1, shapeOf(1), 400)).toEqual({ kind: tool, name: 5, atMs: 100 });
  expect(restored.of(2, shapeOf(2), 400)).toEqual({ kind: undefined, name: 0, atMs: 300 });
});
