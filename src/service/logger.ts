import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import type { Clock } from "../component/clock.ts";
import type { ComponentKind } from "../component/component-kind.ts";
import type { Logger } from "../component/settings.ts";
import { consoleLine } from "./console-line.ts";
import { createLogSampler, type LogSampling } from "./log-sampler.ts";

/** In ascending order of importance. */
type LogLevel = "debug" | "info" | "warn" | "error";

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `console`: columns for people. `json`: one object per line. */
  readonly encoding: "console" | "json";
  /** Left out: every line is written. */
  readonly sampling?: LogSampling;
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
      base: null,
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
