import { get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { type MetricsPage, scrape } from "../support/metrics-page.ts";
import type { Contradiction } from "./contradiction.ts";
import { type Counters, countersOf, judgeBalance, judgeMonotony } from "./counter-oracle.ts";
import { sessionCanary } from "./dialect.ts";
import { judgeReadiness } from "./health-oracle.ts";
import type { Life, Stack } from "./stack.ts";

const everyMs = 1_000;
/** Longer than the collector may take to recover before its readiness page says so, and one look more. */
const dishonestAfterMs = 4_000;

/** Looks at the pages of the collector as Prometheus and a load balancer do, all the time. */
export class Observer {
  /** The largest figures seen. */
  readonly peak = { rssMiB: 0, files: 0 };
  scrapes = 0;
  healthChecks = 0;
  readonly #stack: Stack;
  readonly #report: (contradiction: Contradiction) => void;
  #before: { readonly life: Life; readonly counters: Counters; readonly own: Counters } | undefined;
  #degradedSinceMs: number | undefined;
  #degradedIn: Life | undefined;
  #isOver = false;
  #isLooking: Promise<void> = Promise.resolve();

  constructor(stack: Stack, report: (contradiction: Contradiction) => void) {
    this.#stack = stack;
    this.#report = report;
  }

  start(): void {
    this.#isLooking = this.#look();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#isLooking;
  }

  /** Forgets what the counters were: something happened after which they may begin anew. */
  forget(): void {
    this.#before = undefined;
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      await this.lookOnce().catch(() => {});
      await pause(everyMs);
    }
  }

  /** Reads all pages once. Rejects when one does not answer. */
  async lookOnce(): Promise<void> {
    const { life, ports } = this.#stack;
    if (life === undefined || ports === undefined) {
      return;
    }
    const usage = this.#stack.usage();
    this.peak.rssMiB = Math.max(this.peak.rssMiB, usage?.peakRssMiB ?? 0);
    this.peak.files = Math.max(this.peak.files, usage?.files ?? 0);
    const activity = await scrape(pageAt(ports.prometheus));
    const own = await scrape(pageAt(ports.telemetry));
    const ready = await statusOf(ports.health, "/ready");
    const after = await scrape(pageAt(ports.telemetry));
    this.healthChecks++;
    this.scrapes += 3;
    this.#judge(life, activity, own);
    this.#judgeHealth(life, ready, [own, after]);
  }

  #judge(life: Life, activity: MetricsPage, own: MetricsPage): void {
    const now = { life, counters: countersOf(activity), own: countersOf(own) };
    const before = this.#before;
    this.#before = now;
    const found = [...judgeBalance(activity)];
    if (before !== undefined) {
      const isSameLife = before.life === life;
      found.push(...judgeMonotony(before.counters, now.counters, { isSameLife }));
      found.push(...(isSameLife ? judgeMonotony(before.own, now.own, { isSameLife }) : []));
    }
    for (const [name, { text }] of [
      ["prometheus", activity],
      ["telemetry", own],
    ] as const) {
      if (text.includes(sessionCanary)) {
        found.push({ about: "leak", what: `a session id is on the page of ${name}` });
      }
    }
    for (const contradiction of found) {
      this.#report(contradiction);
    }
  }

  #judgeHealth(
    life: Life,
    ready: { readonly status: number; readonly text: string },
    pages: readonly MetricsPage[],
  ): void {
    const nowMs = performance.now();
    const isDegraded = pages.every((page) => page.sum("otelcol_file_storage_degraded") > 0);
    if (!isDegraded || this.#degradedIn !== life) {
      this.#degradedSinceMs = undefined;
    }
    this.#degradedIn = life;
    this.#degradedSinceMs ??= isDegraded ? nowMs : undefined;
    const degradedMs =
      this.#degradedSinceMs === undefined ? 0 : this.#stack.aliveMs(this.#degradedSinceMs, nowMs);
    for (const contradiction of judgeReadiness({
      status: ready.status,
      text: ready.text,
      canary: sessionCanary,
      isBroken: degradedMs > dishonestAfterMs,
    })) {
      this.#report(contradiction);
    }
  }
}

export function pageAt(port: number): string {
  return `http://127.0.0.1:${port}/metrics`;
}

export function statusOf(
  port: number,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.once("error", reject);
  });
}
