import { describe, expect, test } from "vitest";
import { createRecordQueue } from "../../openclaw-plugin/src/record-queue.ts";
import type { RelayRecord } from "../../openclaw-plugin/src/relay-record.ts";

const span = (phase: "start" | "end", seq: number): RelayRecord => ({
  signal: "span",
  phase,
  isProgress: false,
  kind: "tool",
  traceId: "",
  spanId: "",
  parentSpanId: "",
  startMs: 0,
  endMs: 0,
  session: "",
  seq,
  isError: false,
  name: undefined,
  outcome: undefined,
  errorCategory: undefined,
  channel: undefined,
  provider: undefined,
  model: undefined,
});

const session = (seq: number): RelayRecord => ({
  signal: "session",
  event: "session.end",
  session: "",
  seq,
  atMs: 0,
});

const claim = (seq: number): RelayRecord => ({
  signal: "claim",
  event: "session.stalled",
  session: "",
  traceId: "",
  spanId: "",
  seq,
  atMs: 0,
  state: undefined,
  reason: undefined,
  classification: undefined,
  activeWorkKind: undefined,
  toolName: undefined,
  queueDepth: undefined,
  ageMs: undefined,
  lastProgressAgeMs: undefined,
  action: undefined,
  status: undefined,
  evictedTools: undefined,
  evictedModelCalls: undefined,
});

const seqs = (records: readonly RelayRecord[]) => records.map(({ seq }) => seq);

describe("what waits to be sent", () => {
  test("goes out in order, spans and events never in one batch", () => {
    const queue = createRecordQueue(100);
    for (const record of [span("start", 1), span("end", 2), session(3), span("start", 4)]) {
      queue.push(record);
    }
    const batches: number[][] = [];
    while (queue.length > 0) {
      const batch = queue.head(10);
      batches.push(seqs(batch));
      queue.remove(batch);
    }

    expect(batches).toEqual([[1, 2], [3], [4]]);
  });

  test("events of every kind go out in one batch", () => {
    const queue = createRecordQueue(100);
    for (const record of [session(1), claim(2), session(3), span("end", 4)]) {
      queue.push(record);
    }

    expect(seqs(queue.head(10))).toEqual([1, 2, 3]);
  });

  test("goes out in batches of a bounded size", () => {
    const queue = createRecordQueue(100);
    for (let seq = 1; seq <= 5; seq += 1) {
      queue.push(span("end", seq));
    }

    expect(seqs(queue.head(2))).toEqual([1, 2]);
    expect(seqs(queue.head(5))).toEqual([1, 2, 3, 4, 5]);
  });

  test("a full queue drops starts first, and does not count them: they are sent again", () => {
    const queue = createRecordQueue(10);
    for (let seq = 1; seq <= 10; seq += 1) {
      queue.push(span(seq % 2 === 0 ? "start" : "end", seq));
    }
    queue.push(span("end", 11));

    expect(seqs(queue.head(100))).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(queue.lost).toBe(0);
  });

  test("a full queue without starts drops what the gateway says of its sessions first, and counts it", () => {
    const queue = createRecordQueue(20);
    for (let seq = 1; seq <= 20; seq += 1) {
      queue.push(seq % 10 === 0 ? claim(seq) : span("end", seq));
    }
    queue.push(span("end", 21));
    expect(seqs(queue.head(100))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21,
    ]);

    expect(queue.lost).toBe(2);
  });

  test("a queue full of ends drops the oldest, and counts them", () => {
    const queue = createRecordQueue(10);
    for (let seq = 1; seq <= 13; seq += 1) {
      queue.push(seq === 2 ? session(seq) : span("end", seq));
    }

    expect(queue.length).toBe(10);
    expect(queue.lost).toBe(3);
    expect(seqs(queue.head(100))).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  test("never holds more than its limit, and what went is what was lost or a start", () => {
    const queue = createRecordQueue(50);
    let starts = 0;
    for (let seq = 1; seq <= 1_000; seq += 1) {
      const phase = seq % 7 < 3 ? "start" : "end";
      starts += phase === "start" ? 1 : 0;
      queue.push(span(phase, seq));
      expect(queue.length).toBeLessThanOrEqual(50);
    }
    const keptStarts = queue.head(100).filter((r) => r.signal === "span" && r.phase === "start");

    expect(1_000 - queue.length).toBe(queue.lost + starts - keptStarts.length);
  });

  test("a batch is removed also when room was made meanwhile", () => {
    const queue = createRecordQueue(10);
    for (let seq = 1; seq <= 10; seq += 1) {
      queue.push(span("end", seq));
    }
    const batch = queue.head(3);
    queue.push(span("end", 11));
    queue.remove(batch);

    expect(seqs(queue.head(100))).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });
});
