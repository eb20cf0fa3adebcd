import { describe, expect, test } from "vitest";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import fc from "../../../support/fast-check.ts";
import { anySignal, tight } from "../any-signal.ts";
import { limits } from "../history.ts";
import { plays } from "../plays.ts";
import { anyGuesses } from "./any-guesses.ts";
import { anyRequest } from "./any-request.ts";
import { type Arrival, anyStory, arrivalsOf } from "./any-story.ts";
import { compare } from "./comparison.ts";
import { outcomeOfReference } from "./outcome.ts";
import { ReferenceEngine } from "./reference-engine.ts";

/** Of this many histories at most one may depend on the order of what is due at one moment: of what is forgotten first. */
const perAmbiguous = 10;
const played = plays(100);
const timeout = 7_200_000;

/** Durations that histories of minutes meet, with room for everything. */
const { maxOpenWork: _, maxSessions: __, maxTombstones: ___, ...roomy } = tight;

const chaos = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 300 }), anySignal), { minLength: 1, maxLength: 40 })
  .map(arrivalsOf);

/**
 * Plays histories and expects the two engines to differ in at most `most` of a hundred: where the rules allow two answers
 * the engines need not give the same one. The first that differs is in the message.
 */
function expectSame(
  histories: fc.Arbitrary<readonly Arrival[]>,
  changed: Partial<ActivityLimits>,
  most: number,
): void {
  let ambiguous = 0;
  const different: string[] = [];
  for (const arrivals of fc.sample(histories, played)) {
    const verdict = compare(arrivals, changed);
    ambiguous += verdict.status === "ambiguous" ? 1 : 0;
    if (verdict.status === "different") {
      different.push(verdict.report);
    }
  }
  const { numRuns } = played;
  expect(ambiguous).toBeLessThanOrEqual(numRuns / perAmbiguous + 1);
  const message = `${different.length} of ${numRuns} histories differ, the first:\n${different[0]}`;
  expect(different.length, message).toBeLessThanOrEqual((numRuns * most) / 100);
}

/** The naive engine after a history, perhaps with ticks between. */
function playReference(
  arrivals: readonly Arrival[],
  changed: Partial<ActivityLimits>,
  ticks: readonly number[] = [],
): ReferenceEngine {
  const engine = new ReferenceEngine({ ...limits, ...changed, includesMarkers: true });
  const steps = [...arrivals, ...ticks.map((at) => ({ at, signals: undefined }))];
  for (const { at, signals } of steps.toSorted((a, b) => a.at - b.at)) {
    if (signals === undefined) {
      engine.tick(at * 1000);
    } else {
      engine.apply(signals, at * 1000);
    }
  }
  engine.tick(2_000_000);
  return engine;
}

/** Work that is not accounted for: started and corrected = ended + evicted + open + untracked. */
function imbalanceOf({ world }: ReferenceEngine): readonly string[] {
  const { counts } = world.tally;
  return ["run", "tool", "model_call"].filter((kind) => {
    const evicted = [...counts].filter(
      ([name]) => name.startsWith("evicted ") && name.endsWith(` ${kind}`),
    );
    const accounted = [
      counts.get(`ended ${kind}`) ?? 0,
      counts.get(`untracked ${kind}`) ?? 0,
      ...evicted.map(([, count]) => count),
      ...[...world.spans.values()]
        .filter((span) => span.state === "open" && span.kind === kind && !span.isUncounted)
        .map(() => 1),
    ];
    return (
      [...counts].reduce(
        (sum, [name, count]) =>
          sum +
          (new RegExp(`^corrected \\w+ to ${kind}$`).test(name) ? count : 0) -
          (name.startsWith(`corrected ${kind} to `) ? count : 0),
        counts.get(`started ${kind}`) ?? 0,
      ) !== accounted.reduce((sum, count) => sum + count, 0)
    );
  });
}

describe("the naive engine", { timeout }, () => {
  test("keeps the balance and leaves nothing open, and extra ticks change nothing", () => {
    const ticks = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(anyStory, anyGuesses, anyRequest, chaos), ticks, (arrivals, extra) => {
        const plain = playReference(arrivals, roomy);
        const ticked = playReference(arrivals, roomy, extra);
        expect(outcomeOfReference(ticked)).toEqual(outcomeOfReference(plain));
        expect(imbalanceOf(plain)).toEqual([]);
        expect([...plain.world.spans.values()].filter(({ state }) => state === "open")).toEqual([]);
      }),
      plays(100),
    );
  });
});

/**
 * All families of signals and decisions are covered but three: restarts, channels, and masses that the breaker holds
 * back (fifty markers and more). What still differs: repeated ends of one session with and without `openclaw.seq`, claims about
 * sessions that are forgotten, markers without a known run whose session's runs were decided before they arrived, and, under
 * tight bounds, what is forgotten first; and whether a result of a call that was never requested counts as `answered` or `unmatched`.
 */
describe("the engine decides as a naive one does", { timeout }, () => {
  for (const [what, histories, changed, most] of [
    ["any signals at all", chaos, roomy, 2],
    ["any signals at all and tight bounds", chaos, tight, 3],
    ["agents whose models request tools", anyRequest, roomy, 4],
    ["stories whose senders say late what a span is", anyGuesses, roomy, 15],
    ["stories of gateways", anyStory, roomy, 15],
    ["stories of gateways and tight bounds", anyStory, tight, 40],
  ] as const) {
    test(`over ${what}, but for a few`, () => expectSame(histories, changed, most));
  }
});
