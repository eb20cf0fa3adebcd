import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { ExportCounts, Logger, Settings } from "../../src/component/settings.ts";
import type { ReportedStatus } from "../../src/component/status.ts";
import { ManualReader } from "../../src/metrics/manual-reader.ts";
import { renderPrometheus } from "../../src/metrics/prometheus-text.ts";
import { unsharedSockets } from "../../src/net/listening-sockets.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeMemory } from "../support/fake-memory.ts";
import { wellService } from "../support/service-status.ts";

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** Settings of a component whose clock, log, statuses and own metrics a test can see. */
export function testSettings(id: string) {
  const clock = new FakeClock();
  const log: LogLine[] = [];
  const statuses: ReportedStatus[] = [];
  const at = (level: keyof Logger) => (message: string, fields?: LogLine["fields"]) => {
    log.push({ level, message, fields });
  };
  const reader = new ManualReader();
  const counts = new Map<Signal, ExportCounts>();
  const exportCounts = (signal: Signal): ExportCounts => {
    const ofSignal = counts.get(signal) ?? zeroCounts();
    counts.set(signal, ofSignal);
    return ofSignal;
  };
  const memory = fakeMemory();
  const stopping = new AbortController();
  const settings: Settings = {
    id,
    version: "1.2.3",
    env: {},
    clock,
    random: () => 0.5,
    randomBytes: (length) => new Uint8Array(length),
    memory,
    logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    meter: new MeterProvider({ readers: [reader] }).getMeter("test"),
    reportStatus: (status) => statuses.push(status),
    stopping: stopping.signal,
    sockets: unsharedSockets(),
    authenticator: (name) => {
      throw new Error(`The test has no authenticator "${name}".`);
    },
    serviceStatus: () => wellService,
    exportCounts,
  };
  return {
    settings,
    clock,
    memory,
    log,
    statuses,
    /** Begins the stop of the service. */
    beginStop: () => stopping.abort(),
    ownMetrics: async () => renderPrometheus(await reader.collect(), { suffixes: false }),
  };
}

export function zeroCounts(): ExportCounts {
  const zero = () => ({ value: 0 });
  return {
    consumed: zero(),
    restored: zero(),
    sent: zero(),
    sendFailed: zero(),
    enqueueFailed: zero(),
  };
}

/** A deadline that has not passed and will not. */
export function noDeadline(): AbortSignal {
  return new AbortController().signal;
}
