import { components } from "../components.ts";
import { readRegularFileSync, UnreadableFile } from "../files/regular-file.ts";
import { mergeCollections } from "../metrics/merge-collections.ts";
import { renderPrometheus } from "../metrics/prometheus-text.ts";
import type { Payload, Signal } from "../otlp/payload.ts";
import { readRequest } from "../otlp/read-request.ts";
import { createLogger } from "../service/logger.ts";
import { createService } from "../service/service.ts";
import { type CapturedRequest, findCaptures } from "./capture.ts";
import { type Eviction, evictionsIn, evictionsTable } from "./evictions-table.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { readConfig } from "./read-config.ts";
import { replayParts } from "./replay-components.ts";
import { createReplaySummary } from "./replay-summary.ts";
import { programVersion } from "./version.ts";
import { createVirtualClock } from "./virtual-clock.ts";

export interface ReplayOptions {
  readonly config: readonly string[];
  /** How many times faster than it was recorded; `Infinity` waits for nothing. */
  readonly speed: number;
  /** The signal of single files whose name does not contain it. */
  readonly signal?: Signal;
  /** How long the clock runs on after the last request, so that later deadlines still pass. */
  readonly settleMs: number;
}

/**
 * Feeds recorded requests through the configured pipelines, in this process and without opening or
 * sending anything, and prints the evictions and the final metrics. The clock of the pipelines follows the time
 * of the recording. Resolves to the exit code.
 */
export async function replayCaptures(
  host: Host,
  paths: readonly string[],
  options: ReplayOptions,
): Promise<number> {
  const config = readConfig(host, options.config);
  const captures = findCaptures(paths, options.signal);
  if (!captures.ok) {
    host.stderr(`${captures.problems.join("\n")}\n`);
  }
  if (config === undefined || !captures.ok) {
    return exitCodes.failure;
  }

  const startUnixMs = captures.requests.find(({ atMs }) => atMs !== undefined)?.atMs ?? 0;
  const clock = createVirtualClock(startUnixMs);
  const evictions: Eviction[] = [];
  const parts = replayParts(config, components, (bytes) =>
    evictions.push(...evictionsIn(bytes, startUnixMs)),
  );
  const { telemetryEndpoint: _, ...plan } = parts.plan;
  const service = createService({
    plan,
    factories: parts.factories,
    version: programVersion(),
    env: host.env,
    clock,
    random: host.random,
    randomBytes: host.randomBytes,
    memory: host.memory,
    logger: createLogger({ level: "warn", encoding: "console", clock, write: host.stderr }),
  });

  const letGo = host.keepAlive();
  try {
    await service.start();
    const summary = createReplaySummary();
    for (const request of captures.requests) {
      const atMs = Math.max(clock.nowMs(), (request.atMs ?? startUnixMs) - startUnixMs);
      await pause(host, (atMs - clock.nowMs()) / options.speed);
      await clock.advanceTo(atMs, settled);
      const payload = payloadOf(request);
      const entry = parts.entries.get(request.signal);
      if (typeof payload === "string") {
        summary.refused(request.signal, payload);
      } else if (entry === undefined) {
        summary.refused(request.signal, "No pipeline of the config receives this signal.");
      } else {
        const result = await entry.consume(payload);
        await settled();
        if (result.status === "accepted") {
          summary.accepted(request.signal);
        } else {
          summary.refused(request.signal, result.message);
        }
      }
    }
    host.stdout(summary.text(clock.nowMs()));
    await clock.advanceTo(clock.nowMs() + options.settleMs, settled);
    const metrics = await Promise.all(parts.sources.map((source) => source.collect()));
    await service.shutdown();
    host.stdout(`\n${evictionsTable(evictions)}`);
    // In the form of the prometheus exporter.
    host.stdout(`\n${renderPrometheus(mergeCollections(metrics), { stripPrefix: "openclaw." })}`);
    return exitCodes.success;
  } finally {
    letGo();
  }
}

/** The payload, or the reason why there is none. */
function payloadOf({ path, signal, encoding }: CapturedRequest): Payload | string {
  const read = bodyAt(path);
  if (typeof read === "string") {
    return read;
  }
  const checked = readRequest(signal, encoding, read);
  if (!checked.ok) {
    return checked.message;
  }
  return { signal, bytes: checked.bytes, items: checked.items, transport: "http" };
}

/** More than any receiver takes in one request. */
const maxBodyBytes = 256 * 2 ** 20;

function bodyAt(path: string): Uint8Array | string {
  try {
    return readRegularFileSync(path, maxBodyBytes);
  } catch (error) {
    return error instanceof UnreadableFile ? error.message : "it cannot be read.";
  }
}

/** Resolves when all asynchronous work that does not wait for external events is done. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function pause(host: Host, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms > 0) {
      host.clock.after(ms, resolve);
    } else {
      resolve();
    }
  });
}
