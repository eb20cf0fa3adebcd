import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { limits, type Signal, senderEpochMs } from "../history.ts";
import { ended, ingest, rowOf, run, tool } from "./ingested.ts";

describe("the time at which work closed, by its sender's clock", () => {
  const partial = { ...tool, dialect: "partialLog", interval: 5, sent: 1, end: 4 } as const;
  for (const [name, signals, wantMs] of [
    ["is the end of finished work", [ended(tool, 3)], senderEpochMs + 3000],
    ["is the end of work that started before", [tool, ended(tool, 3)], senderEpochMs + 3000],
    ["is unknown of open work, which may carry the time of its report", [partial], 0],
    [
      "is unknown of evicted work that was open after all",
      [partial, "wait", { ...partial, sent: 61 }],
      0,
    ],
  ] as const satisfies readonly (readonly [string, readonly (Signal | "wait")[], number])[]) {
    test(name, () => {
      const parts = new EngineParts(limits);
      let at = 1;
      ingest(parts, at, run);
      for (const signal of signals) {
        if (signal === "wait") {
          at = 60;
          parts.openWork.evict(rowOf(parts, 2), "lease_expired", at * 1000);
          expect(parts.store.spans.closedMs.get(rowOf(parts, 2))).toBeGreaterThan(0);
        } else {
          ingest(parts, ++at, signal);
        }
      }
      expect(parts.store.spans.closedMs.get(rowOf(parts, 2))).toBe(wantMs);
    });
  }
});
