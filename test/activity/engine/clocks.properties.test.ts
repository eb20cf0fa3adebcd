import { expect, test } from "vitest";
import fc from "../../support/fast-check.ts";
import { History, type Signal } from "./history.ts";
import { plays } from "./plays.ts";
import { anyStory } from "./reference/any-story.ts";

/** Longer than the lateness, so that arrival alone decides the order. */
const apartS = 10.5;

const wrongByS = fc.constantFrom(0, 0, 0, 3_600, -3_600, 31_536_000, -1_794_999_000, 1.6e10);

test("where signals arrive further apart than the lateness no clock changes what becomes of what is reported live", {
  timeout: 600_000,
}, () => {
  fc.assert(
    fc.property(
      anyStory,
      fc.array(fc.tuple(wrongByS, wrongByS, wrongByS), { minLength: 1, maxLength: 20 }),
      (story, errors) => {
        const started = new Set<string>();
        const signals = story
          .flatMap((arrival) => arrival.signals)
          .filter((signal) => {
            const key = `${signal.process ?? 1} ${signal.trace ?? 1} ${signal.span}`;
            if (signal.type === "start") {
              started.add(key);
            }
            // Finished work is compared by the sender's times alone, and so is what a relay had reported when it stopped.
            return signal.type !== "unwatched" && (signal.type !== "end" || started.has(key));
          });
        const right = new History();
        const wrong = new History();
        for (const [at, signal] of signals.entries()) {
          const [start, end, sent] = errors[at % errors.length] ?? [0, 0, 0];
          right.arrive(at * apartS, stamped(signal, at * apartS, [0, 0, 0]));
          wrong.arrive(at * apartS, stamped(signal, at * apartS, [start, end, sent]));
        }
        for (const history of [right, wrong]) {
          history.tickInParts(signals.length * apartS + 100_000);
          expect(history.imbalance()).toEqual([]);
        }
        expect(wrong.evictions).toEqual(right.evictions);
        expect(wrong.totals()).toEqual(right.totals());
      },
    ),
    plays(600),
  );
});

/** A signal that happens when it arrives, by a clock that is wrong by so much at its start, its end, and when it was sent. */
function stamped(
  signal: Signal,
  atS: number,
  [startErrorS, endErrorS, sentErrorS]: readonly [number, number, number],
): Signal {
  const isEnd = signal.type === "end" || signal.type === "sessionEnd";
  const start = isEnd ? signal.start : atS;
  // Only its time says that a snapshot is another one and not the last one, delivered again.
  const sentBehindS = signal.dialect === "datadogPartial" ? 0 : Math.max(0, sentErrorS);
  return {
    ...signal,
    unset: false,
    start: start + startErrorS,
    ...(signal.end === undefined ? {} : { end: atS + endErrorS }),
    // Not at the very moment of an eviction: a lease may be three times as long as signals are apart.
    ...(signal.sent === undefined ? {} : { sent: atS + 0.1 + sentBehindS }),
  };
}
