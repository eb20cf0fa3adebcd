import type { Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";

/** The destination of the requests of a signal. */
export interface Target {
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  /** Fit for messages: no path, no query, nothing secret. */
  readonly host: string;
}

/** `undefined` when the config names no endpoint for the signal. */
export function targetOf(config: Config, signal: Signal): Target | undefined {
  const text = config[`${signal}_endpoint`] ?? withPath(config.endpoint, signal);
  if (text === undefined) {
    return undefined;
  }
  const { origin, pathname, search, host } = new URL(text);
  return { origin, path: `${pathname}${search}`, host };
}

function withPath(base: string | undefined, signal: Signal): string | undefined {
  return base === undefined ? undefined : `${base.replace(/\/+$/, "")}/v1/${signal}`;
}
