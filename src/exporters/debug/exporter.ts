import type { Component } from "../../component/component.ts";
import { accepted } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { createThrottle } from "../../component/throttle.ts";
import { maxDecodedBytesFor } from "../../memory/memory-budget.ts";
import { decodedBytesOf } from "../../otlp/check-request.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { detailedText, normalText } from "./envelope-text.ts";
import { countsOf } from "./item-counts.ts";
import { logRecordsOf, logRecordText } from "./logs-text.ts";
import { metricsOf, metricText } from "./metrics-text.ts";
import { spansOf, spanText } from "./traces-text.ts";

/** A payload whose objects take more is not printed: that would keep others waiting. 30 000 spans of SDKs take less, batches have some hundred. */
const mostPrintedBytes = 256 * 1024 * 1024;
/** The time between two log lines about such payloads. */
const logIntervalMs = 10_000;

/** Writes records, as text that ends with a line break; resolves when they are written. */
export type WriteRecords = (text: string) => Promise<void>;

/**
 * Shows the data that arrives. Counts go to the log, which never contains ids; records, which are the sender's own data, go to
 * `write` (standard output). While it runs it accepts everything, so that it never changes the result of a payload.
 */
export function createDebugExporter(
  settings: Settings,
  config: Config,
  write: WriteRecords = writeToStdout,
): Component {
  const { clock, logger } = settings;
  const isShown = createSampler({
    initial: config.sampling_initial,
    thereafter: config.sampling_thereafter,
  });
  const maxDecodedBytes = Math.min(maxDecodedBytesFor(settings.memory), mostPrintedBytes);
  const limitTooLarge = createThrottle(clock, logIntervalMs);
  let isStopping = false;

  return {
    exporter: {
      keepsNothing: true,
      consumer: () => ({
        async consume(payload) {
          if (isStopping) {
            return { status: "retryable", message: "This collector stops and shows nothing more." };
          }
          if (!isShown(payload.signal, clock.nowMs())) {
            return accepted;
          }
          const { message, fields } = countsOf(payload);
          logger.info(message, fields);
          if (config.verbosity === "basic") {
            return accepted;
          }
          if (decodedBytesOf(payload.signal, payload.bytes) > maxDecodedBytes) {
            limitTooLarge((heldBack) =>
              logger.warn(
                "A payload has too much in it to be printed, so only its counts are shown. Let senders send smaller batches.",
                { signal: payload.signal, held_back: heldBack },
              ),
            );
            return accepted;
          }
          const text = recordsOf(payload, config.verbosity);
          if (text === undefined) {
            logger.warn("A payload cannot be decoded, so only its counts are printed.", {
              signal: payload.signal,
            });
          } else {
            await write(text);
          }
          return accepted;
        },
      }),
    },
    async start() {},
    async shutdown() {
      isStopping = true;
    },
  };
}

const samplingTickMs = 1_000;

/**
 * Decides which payloads are shown, as the Collector's logger does: of each signal the first `initial` of a
 * second, then every `thereafter`-th of it (0: no more). A second begins with the first one in it. It keeps one count for
 * each signal.
 */
function createSampler({
  initial,
  thereafter,
}: {
  readonly initial: number;
  readonly thereafter: number;
}): (signal: Signal, nowMs: number) => boolean {
  const seen = new Map<Signal, { count: number; untilMs: number }>();
  return (signal, nowMs) => {
    const before = seen.get(signal);
    const tick =
      before === undefined || nowMs >= before.untilMs
        ? { count: 0, untilMs: nowMs + samplingTickMs }
        : before;
    tick.count += 1;
    seen.set(signal, tick);
    const beyond = tick.count - initial;
    return beyond <= 0 || (thereafter > 0 && beyond % thereafter === 0);
  };
}

type RecordVerbosity = Exclude<Config["verbosity"], "basic">;

/** `undefined` if the bytes are not valid for their signal. */
function recordsOf({ signal, bytes }: Payload, verbosity: RecordVerbosity): string | undefined {
  const textOf = verbosity === "detailed" ? detailedText : normalText;
  try {
    switch (signal) {
      case "traces":
        return textOf(spansOf(bytes), spanText);
      case "metrics":
        return textOf(metricsOf(bytes), metricText);
      case "logs":
        return textOf(logRecordsOf(bytes), logRecordText);
      default: {
        const never: never = signal;
        return never;
      }
    }
  } catch {
    return undefined;
  }
}

/** Waits until the text is written, so a slow terminal slows the sender instead of filling the memory. */
function writeToStdout(text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // A reader that has closed the pipe is not a reason to refuse data.
  process.stdout.write(text, () => resolve());
  return promise;
}
