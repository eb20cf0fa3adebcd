import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ActivityLimits } from "../../../../../src/processors/session_activity/machine/activity-limits.ts";
import { anySignal, tight } from "../any-signal.ts";
import { plays } from "../plays.ts";
import { type Arrival, anyStory, arrivalsOf } from "./any-story.ts";
import { compare } from "./comparison.ts";

/** Of this many histories at most one may depend on the order of what is due at one moment: of what is forgotten first. */
const perAmbiguous = 10;
const played = plays(1000);
const timeout = 7_200_000;

/** Durations that histories of minutes meet, with room for everything. */
const { maxOpenWork: _, maxSessions: __, maxTombstones: ___, ...roomy } = tight;

const chaos = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 300 }), anySignal), { minLength: 1, maxLength: 40 })
  .map(arrivalsOf);

/** Plays histories until one is decided differently. */
function expectSame(
  histories: fc.Arbitrary<readonly Arrival[]>,
  limits: Partial<ActivityLimits>,
): void {
  let ambiguous = 0;
  fc.assert(
    fc.property(histories, (arrivals) => {
      const verdict = compare(arrivals, limits);
      ambiguous += verdict.status === "ambiguous" ? 1 : 0;
      if (verdict.status === "different") {
        throw new Error(verdict.report);
      }
    }),
    played,
  );
  expect(ambiguous).toBeLessThanOrEqual(played.numRuns / perAmbiguous + 1);
}

/**
 * All families of signals and decisions are covered but three: restarts, channels, and masses that the breaker holds
 * back (fifty markers and more). In long runs about one story in nine thousand under tight bounds ends with one more
 * remembered group than in any order that was tried (MODEL_SEED=-691505473); why is not known yet.
 */
describe("the machine decides as a naive one does", { timeout }, () => {
  for (const [what, histories, limits] of [
    ["any signals at all", chaos, roomy],
    ["any signals at all and tight bounds", chaos, tight],
    ["stories of gateways", anyStory, roomy],
    ["stories of gateways and tight bounds", anyStory, tight],
  ] as const) {
    test(`over ${what}`, () => expectSame(histories, limits));
  }
});
