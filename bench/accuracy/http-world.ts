import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDerived } from "../../test/support/derived-telemetry.ts";
import { type OtlpSink, openSink } from "../../test/support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../../test/support/process.ts";
import { send } from "../../test/support/send.ts";
import { ArrivalTimes } from "./arrival-times.ts";
import { Calendar } from "./calendar.ts";
import { Chance } from "./chance.ts";
import { writeStory } from "./gateway.ts";
import { Network } from "./network.ts";
import type { Receiver } from "./sender.ts";
import type { Request } from "./sender-dialect.ts";
import type { GatewayProcess, Story, Work } from "./story.ts";
import { enterStalls, enterStory, type Outcome, type World } from "./world.ts";

/**
 * Lets a world happen in real time, `speed` times faster than its habits have it, with the real process, its files and
 * HTTP. The same seed makes up the same story; what the computer does meanwhile differs.
 */
export async function happenOverHttp(world: World, speed: number, seed: number): Promise<Outcome> {
  const chance = new Chance(seed);
  const story = hastened(writeStory(world.habits, chance.fork()), speed);
  const calendar = new Calendar();
  const arrivals = new ArrivalTimes(story);
  const sink = await openSink();
  const collector = new RealCollector(sink, world.config);
  try {
    await collector.start();
    const fromMs = performance.now();
    const fromUnixMs = Date.now();
    const now = () => performance.now() - fromMs;
    const network = new Network(world.faults, chance.fork());
    const around = { calendar, network, collector, arrivals, flushMs: world.flushMs, now };
    enterStory(world, story, around, chance.fork());
    for (let restart = 1; restart <= world.collectorRestarts; restart++) {
      calendar.enter((story.lastsMs * restart) / (world.collectorRestarts + 1), () =>
        collector.restart(),
      );
    }
    if (world.stalls !== undefined) {
      enterStalls(story.lastsMs, world.stalls, around, chance.fork());
    }
    await play(calendar, now, lastEventMs(story) + world.tailMs);
    await collector.stop();
    const derived = sink.requests
      .filter((request) => request.signal !== "metrics" && isDerived(request))
      .map(({ signal, bytes, atMs }) => ({ signal, bytes, atMs: atMs - fromUnixMs }));
    return { story, arrivals, derived, samples: [] };
  } finally {
    await collector.stop();
    await sink.close();
  }
}

/** Does what is entered when it is time, without waiting for what takes its time. */
async function play(calendar: Calendar, now: () => number, overMs: number): Promise<void> {
  let failure: unknown;
  const underWay = new Set<Promise<void>>();
  while (failure === undefined && now() < overMs) {
    for (; calendar.nextMs <= now(); ) {
      const doing = Promise.resolve(calendar.take()?.act()).catch((error: unknown) => {
        failure = error;
      });
      underWay.add(doing);
      void doing.then(() => underWay.delete(doing));
    }
    // Not longer, for what is under way may enter something meanwhile.
    const waitMs = Math.min(Math.max(0, calendar.nextMs - now()), 5);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  await Promise.all(underWay);
  if (failure !== undefined) {
    throw failure;
  }
}

class RealCollector implements Receiver {
  readonly #sink: OtlpSink;
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #directory = mkdtempSync(join(tmpdir(), "accuracy-"));
  #process: RunningCollector | undefined;

  constructor(sink: OtlpSink, config: Readonly<Record<string, unknown>>) {
    this.#sink = sink;
    this.#config = config;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  async start(): Promise<void> {
    this.#process = await startCollector({
      configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
      overrides: Object.entries({ close_spans: true, ...this.#config }).map(
        ([key, value]) => `processors::session_activity::${key}: ${value}`,
      ),
      directory: this.#directory,
      env: { BACKEND_URL: this.#sink.url },
    });
  }

  /** Kills it in the middle of whatever it does, and starts it again. */
  async restart(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    process?.kill("SIGKILL");
    await process?.ended();
    await this.start();
  }

  /** The kernel keeps what arrives until it goes on. */
  waitsToBeRead(): boolean {
    return false;
  }

  stall(): void {
    this.#process?.kill("SIGSTOP");
  }

  wake(): void {
    this.#process?.kill("SIGCONT");
  }

  async consume({ signal, bytes }: Request): Promise<boolean> {
    const url = this.#process?.endpoints.otlp;
    // Who is killed does not answer.
    const answer =
      url === undefined ? undefined : await send(url, signal, bytes).catch(() => undefined);
    return answer?.status === 200;
  }

  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** When the last thing happens that is reported. */
function lastEventMs(story: Story): number {
  const times = story.works.flatMap(({ endMs, orphanedMs }) => [endMs, orphanedMs]);
  return times.reduce((last, ms) => (Number.isFinite(ms) ? Math.max(last, ms) : last), 0);
}

/** The same story in less time. */
function hastened(story: Story, speed: number): Story {
  const processes = new Map<GatewayProcess, GatewayProcess>(
    story.processes.map((process) => [
      process,
      { ...process, bornMs: process.bornMs / speed, diesMs: process.diesMs / speed },
    ]),
  );
  const works = new Map<Work, Work>();
  // Parents and requesting model calls come before their children and tools.
  for (const work of story.works) {
    works.set(work, {
      ...work,
      process: processes.get(work.process) ?? work.process,
      parent: work.parent === undefined ? undefined : works.get(work.parent),
      requestedBy: work.requestedBy === undefined ? undefined : works.get(work.requestedBy),
      startMs: work.startMs / speed,
      endMs: work.endMs / speed,
      orphanedMs: work.orphanedMs / speed,
      closedMs: work.closedMs / speed,
      progressMs: work.progressMs.map((atMs) => atMs / speed),
    });
  }
  return {
    processes: [...processes.values()],
    sessions: story.sessions,
    works: [...works.values()],
    pauses: [],
    states: story.states.map((state) => ({
      ...state,
      process: processes.get(state.process) ?? state.process,
      atMs: state.atMs / speed,
    })),
    claims: [],
    sessionEnds: [],
    lastsMs: story.lastsMs / speed,
  };
}
