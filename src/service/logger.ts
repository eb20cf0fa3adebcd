import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import type { Clock } from "../component/clock.ts";
import type { ComponentKind } from "../component/component-kind.ts";
import type { Logger } from "../component/settings.ts";

/** In ascending order of importance. */
type LogLevel = "debug" | "info" | "warn" | "error";

/** How repeated messages are sampled; names and defaults are the Collector's (10 s, 10, 100). */
export interface LogSampling {
  readonly tickMs: number;
  /** How many of one message pass in a tick. */
  readonly initial: number;
  /** Of the further ones, every `thereafter`-th passes; 0 lets none pass. */
  readonly thereafter: number;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `console`: columns for people. `json`: one object per line. */
  readonly encoding: "console" | "json";
  /** Left out: every line is written. */
  readonly sampling?: LogSampling;
  /** Fields of every line. */
  readonly initialFields?: Readonly<Record<string, string | number | boolean>>;
  readonly clock: Clock;
  /** Writes one line with its line break. */
  readonly write: (line: string) => void;
}

/** The program's own logger, which creates those of the components. */
export interface RootLogger extends Logger {
  forComponent(component: { readonly id: string; readonly kind: ComponentKind }): Logger;
}

/** Builds a logger on pino. All its loggers share one sampler, keyed by component, level and message. */
export function createLogger(options: LoggerOptions): RootLogger {
  const { clock, sampling } = options;
  const destination: DestinationStream = {
    write: options.encoding === "json" ? options.write : (line) => options.write(consoleLine(line)),
  };
  const root = pino(
    {
      level: options.level,
      base: options.initialFields ?? null,
      messageKey: "msg",
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"ts":"${new Date(clock.unixMs()).toISOString()}"`,
    },
    destination,
  );
  const sample = sampling === undefined ? undefined : createLogSampler(sampling);
  return {
    ...loggerOn(root, { source: "", clock, sample }),
    forComponent: ({ id, kind }) =>
      loggerOn(root.child({ "otelcol.component.id": id, "otelcol.component.kind": kind }), {
        source: `${kind}/${id}`,
        clock,
        sample,
      }),
  };
}

/** The source of a logger's lines, and its sampler; without one every line is written. */
interface LineSource {
  readonly source: string;
  readonly clock: Clock;
  readonly sample: ReturnType<typeof createLogSampler> | undefined;
}

function loggerOn(target: PinoLogger, { source, clock, sample }: LineSource): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      // Check the level first: disabled lines must not use up the sampler's budget.
      if (
        target.isLevelEnabled(level) &&
        (sample === undefined || sample(`${source} ${level} ${message}`, clock.nowMs()))
      ) {
        target[level](fields, message);
      }
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** More than there are messages, because messages are constant sentences. At this bound a new tick begins. */
const maxMessages = 4096;

/**
 * Decides which repeats of a message are logged, so that a fault that hits every payload does not fill a
 * disk. Call it once per message, with the key (level and text) and a monotonic time.
 */
function createLogSampler(sampling: LogSampling): (key: string, nowMs: number) => boolean {
  const seen = new Map<string, number>();
  let tickEndsMs = Number.NEGATIVE_INFINITY;
  return (key, nowMs) => {
    if (nowMs >= tickEndsMs || seen.size >= maxMessages) {
      seen.clear();
      tickEndsMs = nowMs + sampling.tickMs;
    }
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    if (times <= sampling.initial) {
      return true;
    }
    return sampling.thereafter > 0 && (times - sampling.initial) % sampling.thereafter === 0;
  };
}

/** The properties of every line; all others are fields. */
interface Line {
  readonly ts: string;
  readonly level: string;
  readonly msg: string;
}

/**
 * Formats a log line for people, in the Collector's form: time, level, message and the other fields as
 * JSON, separated by tabs. The input is pino's output: one JSON object with `ts`, `level` and `msg`.
 */
function consoleLine(json: string): string {
  const record: Line = JSON.parse(json);
  const { ts, level, msg, ...fields } = record;
  const columns = [ts, level, msg.replaceAll(/\s+/g, " ")];
  if (Object.keys(fields).length > 0) {
    // On one line with a space after each comma and colon. Line breaks inside strings are escaped already.
    const spaced = JSON.stringify(fields, undefined, 1)
      .replaceAll(/([{[])\n\s*/g, "$1")
      .replaceAll(/\n\s*([}\]])/g, "$1")
      .replaceAll(/\n\s*/g, " ");
    columns.push(spaced);
  }
  return `${columns.join("\t")}\n`;
}
