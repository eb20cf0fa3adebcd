import { describe, expect, test } from "vitest";
import { Deadlines } from "../../../bench/accuracy/deadlines.ts";
import { scoreEvictions } from "../../../bench/accuracy/eviction-score.ts";
import { scenariosOf } from "../../../bench/accuracy/scenarios.ts";
import { assess } from "../../../bench/accuracy/trial.ts";
import { idealOutcome } from "./ideal-collector.ts";

for (const name of ["next-turn", "streaming", "approvals"]) {
  describe(`a collector that derives from ${name} all that has arrived`, () => {
    const scenario = scenariosOf("quick").find((each) => each.name === name)!;
    const habits = { ...scenario.world.habits, sessions: 25, lastsMs: 3_600_000 };
    const small = { ...scenario, world: { ...scenario.world, habits, tailMs: 0 } };

    test("has all states right, and evicts all orphans that are due and nothing else", async () => {
      const { story, arrivals, samples, evicted, owners } = await idealOutcome(small, 1);
      const { states } = assess(small, { story, arrivals, samples, derived: [] });
      expect(states?.wrong).toEqual([]);
      expect(states?.settled).toBeGreaterThan(200);
      const rules = {
        mode: small.world.mode,
        allowedLatenessMs: small.allowedLatenessMs,
        stalledAfterMs: 120_000,
        longRunningAfterMs: 300_000,
        showsAnswers: false,
        longestDelayMs: 0,
      };
      const named = [...evicted].map(([{ spanId }, atMs]) => ({
        spanId,
        atMs,
        reason: "orphaned_no_owner",
        confidence: "probable",
      }));
      const events = { evictions: [], named, stalls: [], answers: [], reconciled: 0, held: 0 };
      const deadlines = new Deadlines(story, { arrivals, owners, rules });
      const score = scoreEvictions(story, { arrivals, events }, deadlines);
      expect(score.cases.filter(({ what }) => what !== "missed")).toEqual([]);
      const lastMs = samples.at(-1)!.atMs;
      const missed = score.cases.filter(
        ({ work }) => work !== undefined && deadlines.dueMs(work) < lastMs,
      );
      expect(missed).toEqual([]);
      expect(score.right).toBeGreaterThan(2);
    });
  });
}
