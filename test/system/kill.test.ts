import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { scrape } from "../support/metrics-page.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import type { RunningCollector } from "../support/process.ts";
import { until } from "../support/prometheus.ts";
import { send } from "../support/send.ts";
import { Chance } from "./kill/chance.ts";
import { Gateway } from "./kill/gateway.ts";
import { killTimes, Lives } from "./kill/lives.ts";
import { anyScript, openTurn, silentTool } from "./kill/scripts.ts";
import { emptyTally, plus, sumOf, type Tally, tallyOf } from "./kill/tally.ts";
import { type Told, toldOf } from "./kill/told.ts";
import { type Request, requestsOf } from "./kill/work.ts";

/** How many collectors are killed; `npm run test:kills` kills more. */
const kills = Number(process.env["KILLS"] ?? 12);
const mostOfOneSeed = 50;
/** `KILLS=50 KILL_SEED=3` does again what failed with that seed and so many kills. */
const onlySeed = process.env["KILL_SEED"];
const seeds =
  onlySeed === undefined
    ? Array.from({ length: Math.ceil(kills / mostOfOneSeed) }, (_, at) => at + 1)
    : [Number(onlySeed)];
const killsOfSeed = Math.ceil(kills / seeds.length);
const gateways = 5;
const mostLateEnds = 20;

test.for(seeds)(
  `of ${killsOfSeed} collectors killed at any moment, under load, none loses a marker or counts one twice (seed %i)`,
  { timeout: 120_000 + killsOfSeed * 10_000 },
  async (seed) => {
    const directory = mkdtempSync(join(tmpdir(), "kill-"));
    const backend = await openSink();
    try {
      await liveAndDie(seed, directory, backend);
    } finally {
      await backend.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    }
  },
);

async function liveAndDie(seed: number, directory: string, backend: OtlpSink): Promise<void> {
  const beganAtMs = performance.now();
  const chance = new Chance(seed);
  const sent = { requests: 0, resent: 0, signals: 0 };
  let isOver = false;
  const lives = new Lives({
    chance: chance.fork(),
    backendUrl: backend.url,
    directory,
    nextEviction,
    onReady: checkStart,
  });

  /** As an exporter does: until it is answered, for whether it arrived is not known before. */
  async function deliver({ signal, bytes, steps }: Request): Promise<void> {
    sent.requests += 1;
    sent.signals += steps.length;
    while (!isOver) {
      const { endpoints } = await lives.current();
      const status = await send(endpoints.otlp, signal, bytes).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === 200) {
        return;
      }
      sent.resent += 1;
      await pause(20);
    }
    return new Promise(() => {}); // It has failed, and nobody listens any more.
  }

  const senders = Array.from({ length: gateways }, (_, at) => {
    const own = chance.fork();
    const name = `gateway-${at}`;
    const first = [openTurn(own, name), silentTool(own, name)];
    return new Gateway(own, deliver, () => first.pop() ?? anyScript(own, name));
  });

  async function nextEviction(signal: AbortSignal): Promise<void> {
    const known = backend.requests.length;
    while (!signal.aborted && backend.requests.length === known) {
      await pause(2);
    }
  }

  /** What was answered is counted, and so is what was told of. */
  async function checkStart({ endpoints }: RunningCollector): Promise<void> {
    const told = toldOf(backend.requests);
    const answered = senders.reduce((sum, sender) => sum + sender.answeredStarts, 0);
    const page = await scrape(endpoints.prometheus);
    const { started, evicted } = tallyOf(page);
    // What ended before its start arrived is counted when its run has ended, too.
    const finished = page.sum("openclaw_session_activity_signals_total", { result: "finished" });
    expect(sumOf(started) + finished, "started").toBeGreaterThanOrEqual(answered);
    expect(sumOf(evicted), "evicted").toBeGreaterThanOrEqual(sumOf(told.evicted));
  }

  /** Resolves when page and backend say what the senders know; else fails with the difference. */
  async function settle({ endpoints }: RunningCollector, truth: Tally): Promise<Told> {
    const wanted = { counted: truth, evicted: truth.evicted, reconciled: sumOf(truth.reconciled) };
    let found: typeof wanted | undefined;
    const isReached = async () => {
      // As long as nothing at all is heard, silence means nothing.
      const beats = senders.flatMap(({ staying }) => staying);
      await Promise.all(
        requestsOf(beats.map((work) => ({ type: "heartbeat", work }))).map(deliver),
      );
      const counted = tallyOf(await scrape(endpoints.prometheus));
      const { evicted, reconciled } = toldOf(backend.requests);
      found = { counted, evicted, reconciled };
      return isDeepStrictEqual(found, wanted);
    };
    await until("the numbers are those of the senders", 60_000, isReached).catch(() => {});
    expect(found).toEqual(wanted);
    return toldOf(backend.requests);
  }

  try {
    await Promise.race([liveThrough(), watchEvicted()]);
  } finally {
    isOver = true;
    await lives.end();
  }

  /** Looks at the page as Prometheus does, to whom a counter that falls has begun anew. */
  async function watchEvicted(): Promise<void> {
    for (let most = 0; !isOver; ) {
      const { endpoints } = await lives.current();
      const page = await scrape(endpoints.prometheus).catch(() => undefined);
      const evicted = page === undefined ? most : sumOf(tallyOf(page).evicted);
      if (evicted < most) {
        throw new Error(`The page said ${most} evicted, then ${evicted}.`);
      }
      most = evicted;
      await pause(50);
    }
  }

  async function liveThrough(): Promise<void> {
    const telling = Promise.all(senders.map((sender) => sender.run()));
    for (let left = killsOfSeed; left > 0; left--) {
      const time = killTimes[left % killTimes.length]!;
      await lives.liveUntilKilled(time);
    }
    const collector = await lives.live();
    for (const sender of senders) {
      sender.stop();
    }
    await telling;
    const truth = senders.map((sender) => sender.truth).reduce(plus, emptyTally());
    await settle(collector, truth);

    // Killed with nothing due it has the same numbers, and still knows what it evicted.
    await lives.kill(collector);
    const last = await lives.live();
    expect(tallyOf(await scrape(last.endpoints.prometheus))).toEqual(truth);
    const late = senders
      .flatMap((sender) => sender.evicted)
      .filter(({ fate }) => fate === "orphaned_no_owner")
      .slice(-mostLateEnds)
      .map((work) => ({ ...work, endMs: Date.now() }));
    for (const { kind } of late) {
      truth.reconciled[kind] += 1;
    }
    await Promise.all(requestsOf(late.map((work) => ({ type: "end", work }))).map(deliver));
    const { repeats } = await settle(last, truth);
    expect((await last.stop()).exitCode).toBe(0);
    expect(toldOf(backend.requests).evicted).toEqual(truth.evicted);

    const figures = {
      seed,
      kills: lives.kills,
      ...sent,
      started: sumOf(truth.started),
      evicted: truth.evicted,
      "events told twice": repeats,
      seconds: Math.round((performance.now() - beganAtMs) / 1000),
    };
    console.log(JSON.stringify(figures));
  }
}
