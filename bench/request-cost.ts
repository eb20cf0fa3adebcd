import { createHash } from "node:crypto";
import type { CancelTimer, Clock } from "../src/component/clock.ts";
import type { Consumer } from "../src/component/consumer.ts";
import type { Settings } from "../src/component/settings.ts";
import { PassedMetrics } from "../src/exporters/prometheus/passed-metrics.ts";
import { readRequest } from "../src/otlp/read-request.ts";
import { schema } from "../src/processors/session_activity/config.ts";
import { createSessionActivity } from "../src/processors/session_activity/processor.ts";
import { testSettings } from "../test/exporters/settings.ts";
import { FakeClock } from "../test/support/fake-clock.ts";
import type { ArrivingRequest } from "./shapes/request-shape.ts";

/** What something costs: CPU of the main thread, and the longest part of it during which nobody else is served. */
export interface RequestCost {
  readonly cpuMs: number;
  readonly longestMs: number;
  /** Whether the receiver refused it. */
  readonly isRefused: boolean;
}

/** Measures the main thread of this process turn by turn. */
class TurnMeter {
  #isRunning = false;
  #longestMs = 0;
  #turnFrom = process.threadCpuUsage();

  begin(): void {
    this.#isRunning = true;
    this.#longestMs = 0;
    this.#turnFrom = process.threadCpuUsage();
    this.#watch();
  }

  /** Ends a turn before its time: what comes next could have waited. */
  endTurn(): void {
    this.#longestMs = Math.max(this.#longestMs, cpuMsSince(this.#turnFrom));
    this.#turnFrom = process.threadCpuUsage();
  }

  end(): number {
    this.endTurn();
    this.#isRunning = false;
    return this.#longestMs;
  }

  #watch(): void {
    setImmediate(() => {
      if (this.#isRunning) {
        this.endTurn();
        this.#watch();
      }
    });
  }
}

function cpuMsSince(from: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / 1000;
}

/** A clock that moves when told to; each of its timers is a turn of its own. */
class TurnClock implements Clock {
  readonly #clock = new FakeClock();
  readonly #meter: TurnMeter;

  constructor(meter: TurnMeter) {
    this.#meter = meter;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  unixMs(): number {
    return this.#clock.unixMs();
  }

  after(delayMs: number, run: () => void): CancelTimer {
    return this.#clock.after(delayMs, () => this.#turn(run));
  }

  every(intervalMs: number, run: () => void): CancelTimer {
    return this.#clock.every(intervalMs, () => this.#turn(run));
  }

  advance(ms: number): void {
    this.#clock.advance(ms);
  }

  #turn(run: () => void): void {
    this.#meter.endTurn();
    run();
    this.#meter.endTurn();
  }
}

/** The parts of a collector that a request crosses, without the network: the readers, `session_activity`, the metrics of senders on the page. */
export interface MeasuredCollector {
  /** What the request costs, with the decisions that it causes within `afterMs`. */
  measure(request: ArrivingRequest, afterMs: number): Promise<RequestCost>;
  /** Takes a request that is not measured. */
  take(request: ArrivingRequest): Promise<void>;
  /** Lets time pass. */
  wait(ms: number): void;
  stop(): Promise<void>;
}

/** `section`: of the config of `session_activity`. */
export async function startMeasured(section: object): Promise<MeasuredCollector> {
  const meter = new TurnMeter();
  const clock = new TurnClock(meter);
  let seed = 0;
  const settings: Settings = {
    ...testSettings("session_activity").settings,
    clock,
    randomBytes: (length) => pseudoRandom(length, seed++),
  };
  const component = createSessionActivity(settings, schema.parse(section));
  const sink: Consumer = { consume: async () => ({ status: "accepted" }) };
  const traces = component.processor?.wrap("traces", sink) ?? sink;
  const logs = component.processor?.wrap("logs", sink) ?? sink;
  component.receiver?.connect("logs", sink);
  await component.start();
  const page = new PassedMetrics({
    ...{ clock, key: pseudoRandom(32, 1_000), namespace: "", suffixes: true, maxSeries: 10_000 },
    ...{ expirationMs: 300_000, constLabels: {}, scopeLabels: true, resourceLabels: "none" },
    reserved: new Set(),
    report: {
      dropped: () => {},
      truncated: () => {},
      droppedPoint: () => {},
      overflowedPoint: () => {},
    },
  });

  /** False if the receiver refuses it. */
  async function take({ signal, encoding = "protobuf", bytes }: ArrivingRequest): Promise<boolean> {
    const checked = readRequest(signal, encoding, bytes);
    if (!checked.ok) {
      return false;
    }
    if (signal === "metrics") {
      await page.take(checked.bytes);
      return true;
    }
    const payload = { signal, bytes: checked.bytes, items: checked.items };
    const { status } = await (signal === "traces" ? traces : logs).consume(payload);
    return status === "accepted";
  }

  return {
    async measure(request, afterMs) {
      meter.begin();
      const from = process.threadCpuUsage();
      const isAccepted = await take(request);
      clock.advance(afterMs);
      const cpuMs = cpuMsSince(from);
      return { cpuMs, longestMs: meter.end(), isRefused: !isAccepted };
    },
    async take(request) {
      if (!(await take(request))) {
        throw new Error("A request that prepares a measurement was refused.");
      }
    },
    wait: (ms) => clock.advance(ms),
    stop: () => component.shutdown(AbortSignal.timeout(60_000)),
  };
}

/** The same bytes for the same seed, so that runs can be compared. */
function pseudoRandom(length: number, seed: number): Uint8Array {
  const parts: Buffer[] = [];
  for (let at = 0; at * 32 < length; at++) {
    parts.push(createHash("sha256").update(`${seed} ${at}`).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}
