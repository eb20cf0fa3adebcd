import fc from "../../support/fast-check.ts";
import type { Signal } from "./history.ts";

/** Any signal at all, of few spans, traces, processes and sessions, so that they meet. */
export const anySignal: fc.Arbitrary<Signal> = fc
  .record(
    {
      type: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom("start" as const, "end" as const) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            "alive" as const,
            "gone" as const,
            "sessionEnd" as const,
            "pause" as const,
            "resume" as const,
            "request" as const,
            "answer" as const,
          ),
        },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            "claim" as const,
            "recovered" as const,
            "idle" as const,
            "queued" as const,
            "evictedBySender" as const,
            "unwatched" as const,
            "foreign" as const,
            "overlong" as const,
          ),
        },
      ),
      kind: fc.constantFrom(
        "run" as const,
        "harness" as const,
        "inner" as const,
        "tool" as const,
        "model_call" as const,
        "other" as const,
      ),
      span: fc.integer({ min: 0, max: 12 }),
      start: fc.integer({ min: 0, max: 300 }),
      parent: fc.integer({ min: 1, max: 12 }),
      trace: fc.integer({ min: 1, max: 3 }),
      process: fc.integer({ min: 1, max: 2 }),
      sessions: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
      end: fc.integer({ min: 0, max: 300 }),
      claimed: fc.integer({ min: 0, max: 3 }),
      completed: fc.integer({ min: 0, max: 3 }),
      closedByRun: fc.boolean(),
      failed: fc.boolean(),
      isDetached: fc.constantFrom(false, false, true),
      prompted: fc.boolean(),
      brokenOff: fc.boolean(),
      progress: fc.boolean(),
      unset: fc.constantFrom(false, false, false, true),
      serviceHost: fc.integer({ min: 0, max: 1 }),
      interval: fc.constantFrom(0, 5, 20),
      seq: fc.integer({ min: 0, max: 60 }),
      sent: fc.integer({ min: 0, max: 300 }),
      key: fc.integer({ min: 0, max: 3 }),
      name: fc.integer({ min: 0, max: 2 }),
    },
    { requiredKeys: ["type", "kind", "span", "start"] },
  )
  .map(
    (signal): Signal =>
      isAboutWork(signal.type) && signal.span === 0 ? { ...signal, span: 1 } : signal,
  );

/** Only what is about a session may name no span. */
function isAboutWork(type: Signal["type"]): boolean {
  return type === "start" || type === "end" || type === "request" || type === "answer";
}

/** Bounds that histories of some signals meet. */
export const tight = {
  maxOpenWork: 6,
  maxSessions: 3,
  maxTombstones: 5,
  maxAgeMs: 90_000,
  tombstoneTtlMs: 40_000,
  stalledAfterMs: 20_000,
  longRunningAfterMs: 30_000,
  maxPauseMs: 100_000,
};
