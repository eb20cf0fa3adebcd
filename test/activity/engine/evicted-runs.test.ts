import { expect, test } from "vitest";
import { evictionReasons, reasons } from "../../../src/activity/model/reasons.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import fc from "../../support/fast-check.ts";
import { anySignal, tight } from "./any-signal.ts";
import { History } from "./history.ts";

test("runs are evicted for exactly the reasons that the table has evict runs", () => {
  const evicted = new Map(evictionReasons.map((reason) => [reason, 0]));
  const steps = fc.array(fc.record({ at: fc.integer({ min: 0, max: 300 }), signal: anySignal }), {
    minLength: 20,
    maxLength: 60,
  });
  for (const history of fc.sample(steps, { numRuns: 300, seed: 11 })) {
    const played = new History(tight);
    let at = 0;
    for (const step of history) {
      at += step.at / 10;
      played.arrive(at, step.signal);
    }
    played.tick(at + 100_000);
    for (const reason of evictionReasons) {
      const runs = played.activity.counters.evicted.get(reason)?.[workKinds.run] ?? 0;
      evicted.set(reason, (evicted.get(reason) ?? 0) + runs);
    }
  }
  expect(evictionReasons.map((reason) => [reason, (evicted.get(reason) ?? 0) > 0])).toEqual(
    evictionReasons.map((reason) => [reason, reasons[reason].evictsRuns]),
  );
});
