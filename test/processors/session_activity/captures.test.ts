import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ActivityEngine } from "../../../src/activity/engine/activity-engine.ts";
import { SignalBatch } from "../../../src/activity/model/signal-batch.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import { SpanSignalReader } from "../../../src/activity/recognition/span-signal-reader.ts";
import { limits } from "../../activity/engine/history.ts";
import {
  type CaptureName,
  captureFolders,
  orphanedMarkers,
  trueRuns,
} from "../../support/captures.ts";

const captures = join(import.meta.dirname, "../../testdata/openclaw");

/** Sends the traces of a capture to the engine, `spreadMs` apart. */
function replay(capture: string, spreadMs: (atMs: number) => number): ActivityEngine {
  const activity = new ActivityEngine({ ...limits, allowedLatenessMs: 1000 });
  const observer = new SpanSignalReader({
    processes: new SenderProcesses(),
    hash: new KeyedHash(new Uint8Array(16)),
    tools: new LabelValues(100),
    channels: new LabelValues(100),
  });
  const signals = new SignalBatch();
  const folder = join(captures, capture);
  const index = readFileSync(join(folder, "index.jsonl"), "utf8").trim().split("\n");
  let lastMs = 0;
  let firstMs: number | undefined;
  for (const line of index) {
    const { id, at, signal } = JSON.parse(line);
    if (signal === "traces") {
      firstMs ??= at;
      lastMs = spreadMs(at - firstMs!);
      observer.read(readFileSync(join(folder, `${id}-traces.bin`)), signals);
      activity.apply(signals, lastMs);
    }
  }
  activity.tick(lastMs + 60_000);
  return activity;
}

describe("real bytes of OpenClaw", () => {
  test("every capture is in the table", () => {
    expect([...captureFolders()].sort()).toEqual(Object.keys(orphanedMarkers).sort());
  });

  for (const [capture, want] of Object.entries(orphanedMarkers)) {
    for (const [pace, spreadMs] of [
      ["as recorded", (atMs: number) => atMs],
      ["all at once", () => 0],
    ] as const) {
      test(`${capture}, ${pace}: ${want} orphaned`, () => {
        const { counters } = replay(capture, spreadMs);
        expect(counters.evictedOf(workKinds.tool)).toBe(want);
        expect(counters.evictedOf(workKinds.modelCall)).toBe(0);
        expect(counters.reconciled).toEqual([0, 0, 0, 0]);
        expect(counters.started[workKinds.run]).toBe(trueRuns[capture as CaptureName]);
      });
    }
  }
});
