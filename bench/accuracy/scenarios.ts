import type { Habits } from "./gateway.ts";
import type { Faults } from "./network.ts";
import type { World } from "./world.ts";

/** How large a run is: all of it, or enough to notice in a minute that something broke. */
export type Size = "full" | "quick";

export interface Target {
  readonly precision?: number;
  readonly recall?: number;
  /** Detection delay beyond the lateness, at the 99th percentile. */
  readonly delayMs?: number;
  /** Wrong evictions at one moment. */
  readonly mostWrongAtOnce?: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly world: World;
  readonly allowedLatenessMs: number;
  readonly target: Target;
}

const hour = 3_600_000;
const minute = 60_000;
const latenessMs = 10_000;
const never = Number.POSITIVE_INFINITY;

const noFaults: Faults = {
  longestDelayMs: 300,
  failedShare: 0,
  repeatedShare: 0,
  lostShare: 0,
  cuts: [],
};
const someFaults: Faults = {
  longestDelayMs: 8_000,
  failedShare: 0.01,
  repeatedShare: 0.01,
  lostShare: 0,
  cuts: [],
};

/** Every scenario at a size. */
export function scenariosOf(size: Size): readonly Scenario[] {
  const part = size === "full" ? 1 : 0.06;
  const habits: Habits = {
    hosts: 12,
    sessions: Math.round(3_000 * part),
    lastsMs: 12 * hour * Math.max(part, 0.25),
    meanLifeMs: 6 * hour,
    killedShare: 0,
    skewMs: 0,
    lostHosts: 0,
    lostHostsAtMs: never,
    hungShare: 0.01,
    closedByRunShare: 0,
    straggleShare: 0.25,
    straggleMs: 50,
    pausedShare: 0,
    longestPauseMs: 0,
    longestToolMs: 3 * hour,
  };
  const clean: World = {
    mode: "relay",
    habits,
    faults: noFaults,
    sampledShare: 1,
    flushMs: 1_000,
    exporterRestartMs: never,
    collectorRestarts: 0,
    config: {},
    tailMs: 13 * hour,
  };
  const faulty: World = {
    ...clean,
    habits: { ...habits, meanLifeMs: 2 * hour, killedShare: 0.5, skewMs: 10 * minute },
    faults: someFaults,
    exporterRestartMs: 3 * hour,
    collectorRestarts: Math.max(2, Math.round(8 * part)),
  };
  const crowd = size === "full" ? 3_000 : Number(process.env["CROWD"] ?? 500);
  const promptly = { delayMs: 1_500 };
  const perfect: Target = { precision: 1, recall: 1, ...promptly };
  const good: Target = { precision: 0.999, recall: 0.99, ...promptly };
  const scenario = (name: string, about: string, world: World, target: Target): Scenario => ({
    name,
    about,
    world,
    allowedLatenessMs: latenessMs,
    target,
  });
  return [
    scenario("relay-clean", "The relay, and a network in order.", clean, perfect),
    scenario("live-clean", "Live spans, the same.", { ...clean, mode: "live" }, perfect),
    scenario(
      "relay-faults",
      "The relay, and everything that goes wrong and is mended.",
      faulty,
      good,
    ),
    scenario("live-faults", "Live spans, the same.", { ...faulty, mode: "live" }, good),
    scenario(
      "partial-logs-faults",
      "Partial-span logs, the same.",
      { ...faulty, mode: "partial_logs" },
      good,
    ),
    scenario(
      "plain-otlp",
      "Finished spans only.",
      {
        ...clean,
        mode: "plain",
        habits: { ...faulty.habits, closedByRunShare: 0.5 },
        flushMs: 5_000,
      },
      { precision: 0.99 },
    ),
    scenario(
      "lossy",
      "Live spans, of which half the traces are sampled away and 1 % of requests are lost for good.",
      {
        ...faulty,
        mode: "live",
        faults: { ...someFaults, lostShare: 0.01 },
        sampledShare: 0.5,
      },
      good,
    ),
    scenario(
      "mass-fault",
      "The relay; the network is cut for four minutes, and later a quarter of all hosts is gone at once.",
      {
        ...clean,
        habits: {
          ...habits,
          sessions: crowd,
          lastsMs: hour,
          lostHosts: 3,
          lostHostsAtMs: 40 * minute,
        },
        faults: { ...noFaults, cuts: [{ fromMs: 20 * minute, toMs: 24 * minute }] },
      },
      { mostWrongAtOnce: 0, recall: 0.99 },
    ),
    scenario(
      "pauses",
      "Live spans; tools wait for a person for up to twenty hours.",
      {
        ...clean,
        mode: "live",
        habits: {
          ...habits,
          meanLifeMs: never,
          sessions: Math.round(habits.sessions / 3),
          pausedShare: 0.1,
          longestPauseMs: 20 * hour,
        },
        tailMs: 34 * hour,
      },
      perfect,
    ),
  ];
}
