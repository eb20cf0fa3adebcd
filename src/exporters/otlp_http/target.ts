import type { Connections, Route } from "../../net/connections.ts";
import { type HttpProxy, parseProxy, proxyOfEnvironment } from "../../net/proxy.ts";
import type { Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";

/** The destination of the requests of a signal. */
export interface Target {
  /** Fit for messages: no path, no query, nothing secret. */
  readonly host: string;
  readonly isSecure: boolean;
  readonly proxy?: TargetProxy;
  readonly route: Route;
}

/** A proxy, and the option or the variable that names it. */
interface TargetProxy {
  readonly proxy: HttpProxy;
  readonly source: string;
}

/**
 * The target of a signal; `undefined` when the config names no endpoint for it. Throws an `Error` for an operator if the environment names a
 * proxy that cannot be read.
 */
export function targetOf(
  signal: Signal,
  {
    config,
    env,
    connections,
  }: {
    readonly config: Config;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly connections: Connections;
  },
): Target | undefined {
  const text = urlOf(config, signal);
  if (text === undefined) {
    return undefined;
  }
  const url = new URL(text);
  const proxy = proxyOf(url, config, env);
  return {
    host: url.host,
    isSecure: [url.origin, proxy?.proxy.origin].some((origin) => origin?.startsWith("https:")),
    ...(proxy === undefined ? {} : { proxy }),
    route: connections.routeTo(url, proxy?.proxy),
  };
}

/** As in the Collector, `NO_PROXY` does not apply to `proxy_url`. */
function proxyOf(
  url: URL,
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): TargetProxy | undefined {
  if (config.proxy_url !== undefined) {
    const proxy = parseProxy(config.proxy_url.reveal());
    return typeof proxy === "string" ? undefined : { proxy, source: "proxy_url" };
  }
  const found = proxyOfEnvironment(env, url);
  return found === undefined ? undefined : { proxy: found.proxy, source: found.variable };
}

/** Where the requests of a signal go; `undefined` when the config names no endpoint for it. */
export function urlOf(config: Config, signal: Signal): string | undefined {
  return config[`${signal}_endpoint`] ?? withPath(config.endpoint, signal);
}

function withPath(base: string | undefined, signal: Signal): string | undefined {
  return base === undefined ? undefined : `${base.replace(/\/+$/, "")}/v1/${signal}`;
}
