import { ArrivalTimes } from "./arrival-times.ts";
import { Calendar } from "./calendar.ts";
import { Chance } from "./chance.ts";
import { Collector, type Derived } from "./collector.ts";
import { type Habits, writeStory } from "./gateway.ts";
import { type Faults, Network } from "./network.ts";
import { createPartialLogDialect } from "./partial-log-dialect.ts";
import { createRelayDialect } from "./relay-dialect.ts";
import { Sender, type Surroundings } from "./sender.ts";
import type { Dialect, Mode } from "./sender-dialect.ts";
import { createLiveDialect, createPlainDialect } from "./span-dialects.ts";
import type { StateSample } from "./state-samples.ts";
import { type GatewayProcess, isOrphan, type Story, type Work } from "./story.ts";

/** A world: a gateway, its dialect, what goes wrong on the way, and the collector. */
export interface World {
  readonly mode: Mode;
  readonly habits: Habits;
  readonly faults: Faults;
  /** Traces that are left out at their beginning. */
  readonly sampledShare: number;
  /** How long exporters wait for company before they send. */
  readonly flushMs: number;
  /** How often, on average, the exporter of a process begins anew; Infinity for never. */
  readonly exporterRestartMs: number;
  /** How often the collector is killed or stopped, and started again seconds later. */
  readonly collectorRestarts: number;
  /** How often the collector is stopped and continued, as by SIGSTOP and SIGCONT, and for how long at most. */
  readonly stalls?: { readonly count: number; readonly longestMs: number };
  /** Config of `session_activity`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** How long the world goes on when the last turn has begun. */
  readonly tailMs: number;
}

/** The true story, when its signals arrived, and what the collector derived from them. */
export interface Outcome {
  readonly story: Story;
  readonly arrivals: ArrivalTimes;
  readonly derived: readonly Derived[];
  /** What the collector reported of open runs at intervals; empty where it can't. */
  readonly samples: readonly StateSample[];
}

/** No whole part of anything that repeats. */
const sampleEveryMs = 17_300;
const sampledTailMs = 1_800_000;
const shortestStallMs = 5_000;

/** Lets a world happen. The same world and seed give the same outcome. */
export async function happen(world: World, seed: number): Promise<Outcome> {
  const chance = new Chance(seed);
  const story = writeStory(world.habits, chance.fork());
  const calendar = new Calendar();
  const arrivals = new ArrivalTimes(story);
  const collector = new Collector(world.config, {
    isRestarted: world.collectorRestarts > 0,
    chance: chance.fork(),
  });
  let nowMs = 0;
  const around = {
    calendar,
    network: new Network(world.faults, chance.fork()),
    collector,
    arrivals,
    flushMs: world.flushMs,
    now: () => nowMs,
  };
  enterStory(world, story, around, chance.fork());
  enterRestarts(world, around, chance.fork());
  if (world.stalls !== undefined) {
    enterStalls(world.habits.lastsMs, world.stalls, around, chance.fork());
  }
  const samples: StateSample[] = [];
  // Plain spans arrive when all is over: they show nothing of open work.
  const sampledMs = world.mode === "plain" ? 0 : world.habits.lastsMs + sampledTailMs;
  for (let atMs = sampleEveryMs; atMs < sampledMs; atMs += sampleEveryMs) {
    calendar.enter(atMs, () => {
      const runs = collector.readStates();
      if (runs !== undefined) {
        samples.push({ atMs, runs });
      }
    });
  }
  const overMs = world.habits.lastsMs + world.tailMs;
  await collector.start(0);
  while (calendar.nextMs <= overMs) {
    const next = calendar.take();
    if (next !== undefined) {
      await collector.advanceTo(next.atMs);
      nowMs = next.atMs;
      await next.act();
    }
  }
  await collector.advanceTo(overMs);
  await collector.end(overMs, "stopped");
  return { story, arrivals, derived: collector.derived, samples };
}

/** Enters all that the processes of a story do and send. */
export function enterStory(
  world: Omit<World, "habits">,
  story: Story,
  around: Surroundings,
  chance: Chance,
): void {
  const { calendar } = around;
  const dialect = dialectOf(world.mode, story);
  const senders = new Map<GatewayProcess, Sender>();
  for (const process of story.processes) {
    const sender = new Sender(process, dialect, around);
    senders.set(process, sender);
    calendar.enter(process.bornMs, () => sender.born());
    for (const { fromMs, toMs } of process.unwatched) {
      calendar.enter(fromMs, () => sender.switchedOff());
      calendar.enter(toMs, () => sender.switchedOn());
    }
  }
  const sampledTraces = new Map<string, boolean>();
  for (const work of story.works) {
    const sender = senders.get(work.process);
    const isSampled = sampledTraces.get(work.traceId) ?? !chance.happens(1 - world.sampledShare);
    sampledTraces.set(work.traceId, isSampled);
    if (sender === undefined || !isSampled) {
      continue;
    }
    calendar.enter(work.startMs, () => sender.started(work));
    for (const atMs of work.progressMs.filter((each) => each < work.process.diesMs)) {
      calendar.enter(atMs, () => sender.progressed(work));
    }
    const endMs = reportedEndOf(work, dialect);
    if (Number.isFinite(endMs) && !work.isEndLost) {
      calendar.enter(endMs, () => sender.ended(work, endMs));
    }
  }
  for (const pause of story.pauses.filter(({ isSignalled }) => isSignalled)) {
    const { process, traceId } = pause.tool;
    const sender = senders.get(process);
    for (const [what, atMs] of [
      ["pause", pause.fromMs],
      ["resume", pause.toMs],
    ] as const) {
      if (sender !== undefined && atMs < process.diesMs && sampledTraces.get(traceId) === true) {
        calendar.enter(atMs, () => sender.waits(what, pause));
      }
    }
  }
  for (const state of story.states) {
    calendar.enter(state.atMs, () => senders.get(state.process)?.reportsState(state));
  }
  for (const claim of story.claims) {
    calendar.enter(claim.atMs, () => senders.get(claim.process)?.claims(claim));
  }
  for (const over of story.sessionEnds) {
    calendar.enter(over.atMs, () => senders.get(over.process)?.sessionEnds(over));
  }
  for (const [process, sender] of senders) {
    let atMs = process.bornMs + chance.exponential(world.exporterRestartMs);
    while (atMs < Math.min(process.diesMs, story.lastsMs)) {
      calendar.enter(atMs, () => sender.restartExporter());
      atMs += chance.exponential(world.exporterRestartMs);
    }
    // Entered last: work that ends with its process is reported before that is gone.
    if (Number.isFinite(process.diesMs)) {
      calendar.enter(process.diesMs, () => sender.dies());
    }
  }
}

/** When the sender reports the end of work; it may report the end of an orphan as well. */
function reportedEndOf(work: Work, dialect: Dialect): number {
  return isOrphan(work) && dialect.reportsClosedOrphans ? work.closedMs : work.endMs;
}

function enterRestarts(
  world: World,
  { calendar, collector }: { readonly calendar: Calendar; readonly collector: Collector },
  chance: Chance,
): void {
  for (let restart = 0; restart < world.collectorRestarts; restart++) {
    const atMs =
      (world.habits.lastsMs * (restart + chance.between(0.2, 0.8))) / world.collectorRestarts;
    const backMs = atMs + chance.magnitude(1_000, 30_000);
    calendar.enter(atMs, () => collector.end(atMs, restart % 2 === 0 ? "killed" : "stopped"));
    calendar.enter(backMs, () => collector.start(backMs));
  }
}

/** Enters the moments at which the collector is stopped and continued. */
export function enterStalls(
  lastsMs: number,
  { count, longestMs }: NonNullable<World["stalls"]>,
  {
    calendar,
    collector,
  }: {
    readonly calendar: Calendar;
    readonly collector: {
      stall(): void;
      wake(atMs: number): void | Promise<void>;
    };
  },
  chance: Chance,
): void {
  for (let stall = 0; stall < count; stall++) {
    const atMs = (lastsMs * (stall + chance.between(0.1, 0.6))) / count;
    const wakesMs = atMs + chance.magnitude(shortestStallMs, longestMs);
    calendar.enter(atMs, () => collector.stall());
    calendar.enter(wakesMs, () => collector.wake(wakesMs));
  }
}

function dialectOf(mode: Mode, story: Story): Dialect {
  switch (mode) {
    case "relay":
      return createRelayDialect();
    case "live":
      return createLiveDialect();
    case "partial_logs":
      return createPartialLogDialect();
    case "plain":
      return createPlainDialect(story);
    default: {
      const none: never = mode;
      return none;
    }
  }
}
