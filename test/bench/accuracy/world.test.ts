import { expect, test } from "vitest";
import { Calendar } from "../../../bench/accuracy/calendar.ts";
import { Chance } from "../../../bench/accuracy/chance.ts";
import { writeStory } from "../../../bench/accuracy/gateway.ts";
import { Owners } from "../../../bench/accuracy/owners.ts";
import { jsonRow } from "../../../bench/accuracy/report.ts";
import { type Scenario, scenariosOf } from "../../../bench/accuracy/scenarios.ts";
import { assess, tryOut } from "../../../bench/accuracy/trial.ts";
import { happen } from "../../../bench/accuracy/world.ts";

/** A scenario with few sessions and one hour after the last of them. */
function small(name: string): Scenario {
  const scenario = scenariosOf("quick").find((each) => each.name === name)!;
  const { world } = scenario;
  const habits = { ...world.habits, sessions: 40, lastsMs: 3_600_000, hungShare: 0.05 };
  return { ...scenario, world: { ...world, habits, tailMs: 3_600_000 } };
}

test("the same seed gives the same figures, another one others", async () => {
  const figures = async (seed: number) => {
    const { evictions } = await tryOut(small("relay-faults"), seed);
    return { ...evictions, byReason: [...evictions.byReason] };
  };
  const first = await figures(7);
  expect(await figures(7)).toEqual(first);
  expect((await figures(8)).markers).not.toBe(first.markers);
});

test("a processor that never evicts is found out", async () => {
  const scenario = small("live-clean");
  const config = { ...scenario.world.config, allowed_lateness: "1h" };
  const { evictions, misses } = await tryOut(
    { ...scenario, world: { ...scenario.world, config, tailMs: 0 } },
    1,
  );
  expect(evictions.orphans).toBeGreaterThan(10);
  expect(evictions.recall).toBeLessThan(0.99);
  expect(misses.join()).toContain("recall");
});

test("a processor that does not wait for the lateness is found out", async () => {
  const scenario = small("relay-faults");
  const config = { ...scenario.world.config, allowed_lateness: "10ms" };
  const { evictions } = await tryOut({ ...scenario, world: { ...scenario.world, config } }, 1);
  expect(evictions.precision).toBeLessThan(1);
});

test("a processor whose session states are not measured has missed that target", async () => {
  const scenario = small("streaming");
  const outcome = await happen(scenario.world, 1);
  const { states, misses } = assess(scenario, { ...outcome, samples: [] });
  expect([states, misses.includes("states right was not measured")]).toEqual([undefined, true]);
});

test("each new kind of turn is there: queues, overlaps, lost ends, streams, waits with and without a signal", () => {
  const { habits } = small("next-turn").world;
  const queues = writeStory(habits, new Chance(1));
  expect(queues.states.some(({ queueDepth }) => queueDepth > 50)).toBe(true);
  expect(queues.works.some(({ isEndLost }) => isEndLost)).toBe(true);
  expect(queues.works.some(({ isUnnamed, kind }) => isUnnamed && kind === "harness")).toBe(true);
  const owners = new Owners(queues, "relay");
  const overlaps = owners.all.filter((owner) =>
    owners
      .ofSession(owners.sessionOf(owner))
      .some((other) => other.startMs > owner.startMs && other.startMs < owner.endMs),
  );
  expect(overlaps.length).toBeGreaterThan(3);
  const streams = writeStory(small("streaming").world.habits, new Chance(1));
  expect(streams.works.some(({ progressMs }) => progressMs.length > 20)).toBe(true);
  const waits = writeStory(small("approvals").world.habits, new Chance(1)).pauses;
  expect(new Set(waits.map(({ isSignalled }) => isSignalled)).size).toBe(2);
});

test("a gateway reports idle at the end of a queue, sometimes in a turn, and complains of stale, silent, long or queued work", () => {
  const { habits } = small("next-turn").world;
  const { states, claims } = writeStory({ ...habits, sessions: 150 }, new Chance(2));
  const idle = states.filter(({ state }) => state === "idle");
  expect(new Set(idle.map(({ reason }) => reason))).toEqual(
    new Set(["run_completed", "message_completed"]),
  );
  expect(idle.some(({ queueDepth }) => queueDepth > 0)).toBe(true);
  expect(new Set(claims.map(({ type }) => type))).toEqual(
    new Set(["stalled", "stuck", "long_running", "recovery"]),
  );
  const stale = claims.filter(({ work, atMs }) => work !== undefined && work.orphanedMs < atMs);
  expect(stale.length).toBeGreaterThan(3);
  expect(claims.some(({ first }) => first !== undefined)).toBe(true);
});

test("figures are printed under the names that were promised", async () => {
  const row = jsonRow(await tryOut(small("relay-clean"), 1));
  expect(Object.keys(row)).toEqual(
    expect.arrayContaining([
      "scenario",
      "markers",
      "orphans",
      "precision",
      "recall",
      "false_eviction_rate",
      "delay_p50_ms",
      "delay_p99_ms",
      "late_p50_ms",
      "late_p99_ms",
      "late_max_ms",
      "claims",
      "claims_right",
      "alerts",
      "unknowable_alerts",
      "wrong_stalls",
    ]),
  );
  expect(Object.values(row).filter((value) => Number.isNaN(value))).toEqual([]);
  expect([row.orphans > 0, row.precision > 0.5, row.recall > 0.5]).toEqual([true, true, true]);
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
      "next-turn",
      "streaming",
      "approvals",
      "siblings",
      "clock-steps",
      "requests",
      "background",
      "own-pauses",
      "late-exports",
      "relay-http",
      "own-pauses-http",
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
