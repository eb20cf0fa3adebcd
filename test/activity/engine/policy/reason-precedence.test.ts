import { describe, expect, test } from "vitest";
import { timerRanks } from "../../../../src/activity/engine/schedule/due-queue.ts";
import {
  type EvictionReason,
  evictionReasons,
  reasons,
} from "../../../../src/activity/model/reasons.ts";
import type { Signal } from "../history.ts";
import { EngineFixture, ended, run, tool } from "./engine-fixture.ts";

/** Which deadlines lead to which reasons. */
const reasonsOf: Readonly<
  Record<Exclude<keyof typeof timerRanks, "state">, readonly EvictionReason[]>
> = {
  owner: ["orphaned_no_owner"],
  session: ["session_ended"],
  process: ["process_gone", "lease_expired"],
  span: ["lease_expired", "max_age"],
};

describe("the precedence of the reasons agrees with the order of the deadlines", () => {
  test("a deadline of a lower rank never leads to a reason that yields to one of a higher rank", () => {
    const inOrder = Object.entries(reasonsOf)
      .toSorted(([a], [b]) => rankOf(a) - rankOf(b))
      .flatMap(([, each]) => each.map((name) => reasons[name].precedence));
    expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
    expect(new Set(Object.values(reasonsOf).flat())).toEqual(new Set(evictionReasons));
  });

  const s1 = { sessions: [1] };
  /** What makes the tool 2 of the run 1 due at 40 s for a reason. */
  const causes: Readonly<Record<EvictionReason, readonly (readonly [number, Signal])[]>> = {
    orphaned_no_owner: [[30, ended(run(1, s1), 30)]],
    session_ended: [
      [30, { type: "sessionEnd", kind: "other", span: 0, start: 30, end: 30, ...s1 }],
    ],
    process_gone: [[30, { type: "gone", kind: "other", span: 0, start: 30 }]],
    lease_expired: [[10, tool(2, 1, { interval: 1, dialect: "partialLog", sent: 10 })]],
    max_age: [],
  };

  for (const [at, first] of evictionReasons.entries()) {
    for (const second of evictionReasons.slice(at)) {
      test(
        first === second
          ? `${first} alone`
          : `of ${first} and ${second} at one moment ${first} counts`,
        () => {
          const fixture = new EngineFixture({
            maxAgeMs: second === "max_age" ? 40_000 : 1_000_000,
          });
          fixture.arrive(0, run(1, s1), tool(2, 1));
          fixture.arrive(1, run(8, { process: 2, trace: 2 }));
          const steps = [...new Set([first, second])].flatMap((name) => causes[name]);
          for (const [second, signal] of steps.toSorted((a, b) => a[0] - b[0])) {
            fixture.arrive(second, signal);
          }
          fixture.arrive(39, run(8, { process: 2, trace: 2 }));
          fixture.tick(40);
          const tools = fixture.events.flatMap((event) =>
            event.type === "evicted" && event.tools > 0 ? [[event.reason, event.atMs]] : [],
          );
          expect(tools).toEqual([[first, 40_000]]);
        },
      );
    }
  }
});

function rankOf(name: string): number {
  return Object.entries(timerRanks).find(([each]) => each === name)?.[1] ?? -1;
}
