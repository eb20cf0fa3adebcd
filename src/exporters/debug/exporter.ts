import type { Component } from "../../component/component.ts";
import { accepted } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { detailedText, normalText, type RecordText, type ResourceGroup } from "./envelope-text.ts";
import { countsOf } from "./item-counts.ts";
import { logRecordsOf, logRecordText } from "./logs-text.ts";
import { metricsOf, metricText } from "./metrics-text.ts";
import { createSampler } from "./sampler.ts";
import { spansOf, spanText } from "./traces-text.ts";

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
  const isShown = createSampler<Signal>({
    initial: config.sampling_initial,
    thereafter: config.sampling_thereafter,
  });
  let isStopping = false;

  return {
    exporter: {
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

type RecordVerbosity = Exclude<Config["verbosity"], "basic">;

/** `undefined` if the bytes are not valid for their signal. */
function recordsOf({ signal, bytes }: Payload, verbosity: RecordVerbosity): string | undefined {
  try {
    switch (signal) {
      case "traces":
        return toText(spansOf(bytes), spanText, verbosity);
      case "metrics":
        return toText(metricsOf(bytes), metricText, verbosity);
      case "logs":
        return toText(logRecordsOf(bytes), logRecordText, verbosity);
      default: {
        const never: never = signal;
        return never;
      }
    }
  } catch {
    return undefined;
  }
}

function toText<R>(
  groups: readonly ResourceGroup<R>[],
  text: RecordText<R>,
  verbosity: RecordVerbosity,
): string {
  return verbosity === "detailed" ? detailedText(groups, text) : normalText(groups, text);
}

/** Waits until the text is written, so a slow terminal slows the sender instead of filling the memory. */
function writeToStdout(text: string): Promise<void> {
  return new Promise((resolve) => {
    // A reader that has closed the pipe is not a reason to refuse data.
    process.stdout.write(text, () => resolve());
  });
}
