import { clockWorlds } from "./clock-worlds.ts";
import { faultWorlds } from "./fault-worlds.ts";
import type { Habits } from "./gateway.ts";
import type { Faults } from "./network.ts";
import { requestWorlds } from "./request-worlds.ts";
import { siblingWorlds } from "./sibling-worlds.ts";
import { turnWorlds } from "./turn-worlds.ts";
import type { World } from "./world.ts";

/** How large a run is: all of it, or enough to notice within a minute that something broke. */
export type Size = "full" | "quick";

/** What must hold. That nothing that ends in time is evicted, nor while a person is awaited, must hold everywhere. */
export interface Target {
  readonly precision?: number;
  readonly recall?: number;
  /** Of the sessions at sampled moments, the part whose state, blocked-by and verdicts are as they truly are. */
  readonly statesRight?: number;
  /** Beyond the lateness, of 99 in 100. */
  readonly delayMs?: number;
  /** Wrong evictions at one moment, at most. */
  readonly wrongAtOnce?: number;
  /** Evictions of orphans before they are due, at most. */
  readonly early?: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly world: World;
  readonly allowedLatenessMs: number;
  readonly target: Target;
  /** In real time, this much faster than its habits have it, with the real process; else in its own time. */
  readonly httpSpeed?: number;
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const never = Number.POSITIVE_INFINITY;
const defaultLatenessMs = 10 * second;

const noFaults: Faults = {
  slowShare: 0,
  longestDelayMs: 300,
  failedShare: 0,
  repeatedShare: 0,
  lostShare: 0,
  cuts: [],
};
const someFaults: Faults = {
  slowShare: 0.1,
  longestDelayMs: 8 * second,
  failedShare: 0.01,
  repeatedShare: 0.01,
  lostShare: 0,
  cuts: [],
};

const promptly = { delayMs: 1_500 };
const perfect: Target = { precision: 1, recall: 1, ...promptly };
const good: Target = { precision: 0.999, recall: 0.99, ...promptly };

export function scenariosOf(size: Size): readonly Scenario[] {
  const isFull = size === "full";
  const habits: Habits = {
    hosts: isFull ? 12 : 6,
    sessions: isFull ? 3_000 : 180,
    lastsMs: isFull ? 12 * hour : 3 * hour,
    meanLifeMs: 6 * hour,
    killedShare: 0,
    skewMs: 0,
    lostHosts: 0,
    lostHostsAtMs: never,
    queuedShare: 0.02,
    longestQueue: 8,
    nextSoonShare: 0.1,
    overlapShare: 0.02,
    lostEndShare: 0,
    idleInTurnShare: 0.01,
    endedShare: 0,
    nestedShare: 0.04,
    unnamedShare: 0.5,
    subAgentShare: 0.04,
    outliveShare: 0.35,
    wrappedShare: 0.03,
    hungShare: 0.01,
    backgroundShare: 0,
    closedByRunShare: 0,
    siblingShare: 0.01,
    streamShare: 0.01,
    longestStreamMs: 8 * minute,
    stillShare: 0.005,
    straggleShare: 0.25,
    straggleMs: 50,
    pausedShare: 0,
    longestPauseMs: 0,
    signalledShare: 1,
    longestToolMs: 3 * hour,
  };
  const clean: World = {
    mode: "relay",
    habits,
    faults: noFaults,
    sampledShare: 1,
    flushMs: second,
    exporterRestartMs: never,
    collectorRestarts: 0,
    config: {},
    // Work that is no longer reported is given up after twelve hours.
    tailMs: isFull ? 13 * hour : 5 * hour,
  };
  const faulty: World = {
    ...clean,
    tailMs: 13 * hour,
    habits: {
      ...habits,
      meanLifeMs: 2 * hour,
      killedShare: 0.5,
      skewMs: 10 * minute,
      lostEndShare: 0.002,
    },
    faults: someFaults,
    exporterRestartMs: 3 * hour,
    collectorRestarts: isFull ? 8 : 2,
  };
  const crowd: Habits = { ...habits, sessions: isFull ? 3_000 : 500, hosts: 12, lastsMs: hour };
  const cut = { fromMs: 20 * minute, toMs: 24 * minute };
  const scenario = (
    name: string,
    about: string,
    world: World,
    target: Target,
    allowedLatenessMs = defaultLatenessMs,
  ): Scenario => ({
    name,
    about,
    world: { ...world, config: { allowed_lateness: `${allowedLatenessMs}ms`, ...world.config } },
    allowedLatenessMs,
    target,
  });

  return [
    scenario("relay-clean", "The relay, over a network without faults.", clean, perfect),
    scenario("live-clean", "Live spans, the same.", { ...clean, mode: "live" }, perfect),
    scenario("relay-faults", "The relay, with all faults that a retry repairs.", faulty, good),
    scenario("live-faults", "Live spans, the same.", { ...faulty, mode: "live" }, good),
    scenario(
      "partial-logs-faults",
      "Partial-span logs, the same.",
      { ...faulty, mode: "partial_logs" },
      good,
    ),
    scenario(
      "plain-otlp",
      "Finished spans only, over a network without faults. Processes are killed or stop.",
      {
        ...clean,
        mode: "plain",
        habits: { ...faulty.habits, closedByRunShare: 0.5 },
        flushMs: 5 * second,
      },
      { precision: 0.99 },
    ),
    scenario(
      "lossy",
      "Live spans with all faults. In addition, half of the traces are sampled away, and 1 % of the requests are lost permanently.",
      {
        ...faulty,
        mode: "live",
        faults: { ...someFaults, lostShare: 0.01 },
        sampledShare: 0.5,
      },
      // Not 0.999: see the page.
      { ...good, precision: 0.99 },
    ),
    scenario(
      "late-batches",
      "The relay with all faults, and one request in a hundred takes up to 60 s. `allowed_lateness` is 75 s, because it must be longer than that.",
      { ...faulty, faults: { ...someFaults, slowShare: 0.01, longestDelayMs: minute } },
      good,
      75 * second,
    ),
    scenario(
      "mass-fault",
      "The relay in a busy hour. The whole network is cut for four minutes, and later a quarter of all hosts disappears at once.",
      {
        ...clean,
        habits: { ...crowd, lostHosts: crowd.hosts / 4, lostHostsAtMs: 40 * minute },
        faults: { ...noFaults, cuts: [cut] },
      },
      { precision: 0.999, recall: 0.99, wrongAtOnce: 0 },
    ),
    scenario(
      "host-cut",
      "The same hour. Only the network of one host is cut; signals from the others keep arriving.",
      { ...clean, habits: crowd, faults: { ...noFaults, cuts: [{ ...cut, hosts: ["host-0"] }] } },
      { recall: 0.99 },
    ),
    scenario(
      "pauses",
      "Live spans. One tool in ten waits for a person, for up to twenty hours.",
      {
        ...clean,
        mode: "live",
        habits: {
          ...habits,
          sessions: isFull ? 1_500 : 60,
          meanLifeMs: never,
          pausedShare: 0.1,
          longestPauseMs: 20 * hour,
        },
        tailMs: isFull ? 40 * hour : 30 * hour,
      },
      perfect,
    ),
    ...[
      ...turnWorlds(clean, isFull),
      ...siblingWorlds(clean, isFull),
      ...requestWorlds(clean, isFull),
      ...clockWorlds(clean, isFull),
      ...faultWorlds(clean, isFull),
    ].map(({ name, about, world, target }) => scenario(name, about, world, target)),
    ...overHttp(clean, isFull),
  ];
}

/** The real process, its HTTP and its files: killed in the middle, or stopped for a while. */
function overHttp(clean: World, isFull: boolean): readonly Scenario[] {
  const allowedLatenessMs = 2 * second;
  const speed = 30;
  const world: World = {
    ...clean,
    habits: {
      ...clean.habits,
      sessions: isFull ? 1_200 : 120,
      lastsMs: (isFull ? 60 : 6) * second * speed,
      meanLifeMs: isFull ? 20 * second * speed : never,
      killedShare: 0.5,
      hungShare: 0.03,
      longestToolMs: isFull ? 3 * minute : 20 * second,
    },
    flushMs: 200,
    config: { allowed_lateness: "2s", restart_grace: "2s" },
    // As long as a lease, which is thirty seconds at least; in small no process dies.
    tailMs: (isFull ? 60 : 6) * second,
  };
  const real = { httpSpeed: speed, allowedLatenessMs };
  return [
    {
      ...real,
      name: "relay-http",
      about:
        "The relay and the real collector process, over HTTP in real time, with `file_storage`. The process is killed once in the middle. `allowed_lateness: 2s`, `restart_grace: 2s`.",
      world: { ...world, collectorRestarts: 1 },
      // What is due while it is away and for the grace after that waits; that is more than one in a hundred.
      target: { precision: 0.999, recall: 0.99, ...(isFull ? { delayMs: 6_000 } : {}) },
    },
    {
      ...real,
      name: "own-pauses-http",
      about:
        "The same process, not killed, but stopped with SIGSTOP for five to eight seconds and continued.",
      world: {
        ...world,
        // Within the lateness, as fast as all of it is delivered.
        habits: { ...world.habits, straggleShare: 0.5, straggleMs: speed * second },
        stalls: { count: isFull ? 4 : 1, longestMs: 8 * second },
      },
      target: { precision: 0.999, recall: 0.99 },
    },
  ];
}
