import { expect, test } from "vitest";
import { Calendar } from "../../../bench/accuracy/calendar.ts";
import { Chance } from "../../../bench/accuracy/chance.ts";
import { jsonRow } from "../../../bench/accuracy/report.ts";
import { type Scenario, scenariosOf } from "../../../bench/accuracy/scenarios.ts";
import { tryOut } from "../../../bench/accuracy/trial.ts";

/** A scenario with few sessions and one hour after the last of them. */
function small(name: string): Scenario {
  const scenario = scenariosOf("quick").find((each) => each.name === name)!;
  const { world } = scenario;
  const habits = { ...world.habits, sessions: 40, lastsMs: 3_600_000, hungShare: 0.05 };
  return { ...scenario, world: { ...world, habits, tailMs: 3_600_000 } };
}

test("the same seed gives the same figures, another one others", async () => {
  const figures = async (seed: number) => {
    const { verdict } = await tryOut(small("relay-faults"), seed);
    return { ...verdict, byReason: [...verdict.byReason] };
  };
  const first = await figures(7);
  expect(await figures(7)).toEqual(first);
  expect((await figures(8)).markers).not.toBe(first.markers);
});

test("a processor that never evicts is found out", async () => {
  const scenario = small("live-clean");
  const config = { ...scenario.world.config, allowed_lateness: "1h" };
  const { verdict, misses } = await tryOut(
    { ...scenario, world: { ...scenario.world, config } },
    1,
  );
  expect(verdict.orphans).toBeGreaterThan(10);
  expect(verdict.recall).toBeLessThan(0.99);
  expect(misses.join()).toContain("recall");
});

test("a processor that does not wait for the lateness is found out", async () => {
  const scenario = small("relay-faults");
  const config = { ...scenario.world.config, allowed_lateness: "10ms" };
  const { verdict } = await tryOut({ ...scenario, world: { ...scenario.world, config } }, 1);
  expect(verdict.precision).toBeLessThan(1);
});

test("figures are printed under the names that were promised", async () => {
  const row = jsonRow(await tryOut(small("relay-clean"), 1));
  expect(Object.keys(row)).toEqual([
    "scenario",
    "markers",
    "orphans",
    "precision",
    "recall",
    "false_eviction_rate",
    "delay_p50_ms",
    "delay_p99_ms",
  ]);
  expect(row).toMatchObject({ precision: 1, recall: 1, false_eviction_rate: 0 });
});

test("every scenario that was promised is there, once", () => {
  const names = scenariosOf("full").map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
  expect(names).toEqual(scenariosOf("quick").map(({ name }) => name));
  expect(names).toEqual(
    expect.arrayContaining([
      "relay-clean",
      "live-clean",
      "relay-faults",
      "live-faults",
      "partial-logs-faults",
      "plain-otlp",
      "lossy",
      "mass-fault",
      "pauses",
      "relay-http",
    ]),
  );
});

test("what is entered comes out by time, and what is entered first comes first", async () => {
  const calendar = new Calendar();
  const chance = new Chance(3);
  const done: (readonly [number, number])[] = [];
  const entered = Array.from({ length: 500 }, (_, order) => [chance.below(50), order] as const);
  for (const entry of entered) {
    calendar.enter(entry[0], () => void done.push(entry));
  }
  while (Number.isFinite(calendar.nextMs)) {
    await calendar.take()?.act();
  }
  expect(done).toEqual(entered.toSorted(([a, b], [c, d]) => a - c || b - d));
});
