import { execFileSync } from "node:child_process";
import type { CheckingSink } from "./checking-sink.ts";
import type { Load } from "./load.ts";

/** What a scenario can do to the collector and to its backend. Times are parts of the load. */
export interface Stage {
  readonly sink: CheckingSink;
  readonly load: Load;
  /** Waits until this part of the load has passed, from 0 to 1. */
  until(part: number): Promise<void>;
  /** Ends the collector as an operator does, and starts it again. Resolves when it is ready. */
  restart(): Promise<void>;
  /** Kills the collector with SIGKILL and starts it again. */
  kill(): Promise<void>;
  readonly pid: () => number;
}

export interface Scenario {
  readonly title: string;
  /** The end of the title: what is promised. */
  readonly promise: string;
  /** Lines of config. */
  readonly config?: readonly string[];
  /** A crash, a connection that breaks or an attempt that ends early may send a span again. */
  readonly mayRepeat: boolean;
  /** The process ends between, so that the counters of the sender and of the last process differ. */
  readonly restarts?: true;
  /** Requests are refused before they are read, so that no counter knows how many items they had. */
  readonly refusesUnread?: true;
  readonly act: (stage: Stage) => Promise<void>;
}

const persistent = ["exporters::otlp_http::sending_queue::storage: file_storage"];

/** The faults, each in the middle half of the load. */
export const scenarios: readonly Scenario[] = [
  {
    title: "the backend is down",
    promise: "nothing is missing or doubled",
    mayRepeat: false,
    async act({ sink, until }) {
      await until(0.25);
      await sink.become({ kind: "down" });
      await until(0.75);
      await sink.become({ kind: "up" });
    },
  },
  {
    title: "the backend is down, and the collector restarts meanwhile, with a persistent queue",
    promise: "nothing is missing",
    config: persistent,
    mayRepeat: true,
    restarts: true,
    async act({ sink, until, restart }) {
      await until(0.25);
      await sink.become({ kind: "down" });
      await until(0.5);
      await restart();
      await until(0.75);
      await sink.become({ kind: "up" });
    },
  },
  ...([503, 429] as const).map(
    (status): Scenario => ({
      title: `the backend answers ${status} with Retry-After`,
      promise: "nothing is missing or doubled",
      mayRepeat: false,
      async act({ sink, until }) {
        await until(0.25);
        await sink.become({ kind: "unavailable", status, retryAfterS: 1 });
        await until(0.75);
        await sink.become({ kind: "up" });
      },
    }),
  ),
  {
    title: "the backend takes 300 ms for each answer",
    promise: "nothing is missing or doubled",
    mayRepeat: false,
    async act({ sink, until }) {
      await until(0.25);
      await sink.become({ kind: "slow", delayMs: 300 });
      await until(0.75);
      await sink.become({ kind: "up" });
    },
  },
  {
    title: "the backend accepts connections and resets them",
    promise: "nothing is missing",
    mayRepeat: true,
    async act({ sink, until }) {
      await until(0.25);
      await sink.become({ kind: "resets" });
      await until(0.75);
      await sink.become({ kind: "up" });
    },
  },
  {
    title: "the backend keeps the data and answers with a page that is no OTLP",
    promise: "nothing is missing or doubled",
    mayRepeat: false,
    async act({ sink, until }) {
      await until(0.25);
      await sink.become({ kind: "garbage" });
      await until(0.75);
      await sink.become({ kind: "up" });
    },
  },
  {
    title: "the collector is killed three times, with a persistent queue",
    promise: "nothing is missing",
    config: persistent,
    mayRepeat: true,
    restarts: true,
    async act({ until, kill }) {
      for (const part of [0.25, 0.5, 0.75]) {
        await until(part);
        await kill();
      }
    },
  },
  {
    title: "the collector is killed while the backend is down, with a persistent queue",
    promise: "nothing is missing",
    config: persistent,
    mayRepeat: true,
    restarts: true,
    async act({ sink, until, kill }) {
      await until(0.25);
      await sink.become({ kind: "down" });
      await until(0.5);
      await kill();
      await until(0.75);
      await sink.become({ kind: "up" });
    },
  },
  {
    title: "the collector gets SIGTERM under load and starts again",
    promise: "nothing is missing",
    mayRepeat: true,
    restarts: true,
    async act({ until, restart }) {
      for (const part of [0.25, 0.5, 0.75]) {
        await until(part);
        await restart();
      }
    },
  },
  {
    title: "the disk is full, with a persistent queue",
    promise: "nothing is missing or doubled",
    config: persistent,
    mayRepeat: false,
    async act({ until, pid }) {
      await until(0.25);
      limitFiles(pid(), "4096");
      await until(0.75);
      limitFiles(pid(), "unlimited");
    },
  },
  {
    title: "the sending queue is full because the backend is down",
    promise: "senders are asked to retry, and nothing is missing or doubled",
    config: ["exporters::otlp_http::sending_queue::queue_size: 20"],
    mayRepeat: false,
    async act({ sink, until }) {
      await until(0.25);
      await sink.become({ kind: "down" });
      await until(0.75);
      await sink.become({ kind: "up" });
    },
  },
  {
    title: "the memory limit is reached because the backend is down",
    promise: "senders are asked to retry, and nothing is missing or doubled",
    config: [
      "processors::memory_limiter: { check_interval: 100ms, limit_mib: 160, spike_limit_mib: 40 }",
      "service::pipelines::traces::processors: [memory_limiter, session_activity]",
    ],
    mayRepeat: false,
    refusesUnread: true,
    async act({ sink, load, until }) {
      await until(0.25);
      await sink.become({ kind: "down" });
      // More than the limit, so that the last of it is accepted only when the backend is up again.
      const ballast = load.sendBallast(200, 1024 * 1024);
      await until(0.75);
      await sink.become({ kind: "up" });
      await ballast;
    },
  },
];

/** As a full disk does, this fails every write that makes a file longer than `bytes`. */
function limitFiles(pid: number, bytes: string): void {
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
}
