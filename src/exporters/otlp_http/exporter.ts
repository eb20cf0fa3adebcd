import type { ClientAuthenticator } from "../../component/authenticator.ts";
import type { Component } from "../../component/component.ts";
import type { Settings } from "../../component/settings.ts";
import { createThrottle } from "../../component/throttle.ts";
import type { Attempt } from "../../delivery/attempt.ts";
import { clientAuthOf } from "../../delivery/client-auth.ts";
import { EncodedBodies } from "../../delivery/encoded-bodies.ts";
import { createDelivery } from "../../delivery/exporter-helper.ts";
import { tooLargeResult } from "../../delivery/request-size.ts";
import { compress } from "../../net/compress.ts";
import { Connections } from "../../net/connections.ts";
import { createClientTls, unverifiedWarning } from "../../net/tls.ts";
import { jsonOfRequest } from "../../otlp/json-text.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { resultOf } from "./outcome.ts";
import { send } from "./send.ts";
import { type Target, targetOf } from "./target.ts";

/** The time between two log lines about the same kind of problem. */
const logIntervalMs = 10_000;

/**
 * Sends payloads to a backend over OTLP/HTTP, in the bytes in which they arrived or as JSON. Queue, retries and timeout are those of
 * `src/delivery`. At most `max_conns_per_host` connections to a host carry the requests; further requests wait for a connection.
 */
export function createOtlpHttpExporter(settings: Settings, config: Config): Component {
  const { clock, env, logger } = settings;
  const tls = clientTlsOf(settings, config);
  const connections = new Connections({
    tls,
    connectTimeoutMs: config.timeout,
    maxPerServer: config.max_conns_per_host,
    idleTimeoutMs: config.idle_conn_timeout,
    isReused: !config.disable_keep_alives,
    after: (delayMs, run) => clock.after(delayMs, run),
  });
  const headers = headersOf(settings, config);
  const targets = new Map<Signal, Target>();
  const encode = encoderOf(settings, config);
  const { compression, compression_params, max_request_size: maxBytes } = config;

  let credentials: ClientAuthenticator | undefined;
  const bodies = new EncodedBodies(async (payload) => {
    const body = encode(payload);
    return body.length > maxBytes
      ? undefined
      : compress(body, compression, compression_params.level);
  });

  const attempt: Attempt = async (payload, signal) => {
    const { host, route } = required(targets.get(payload.signal));
    const body = await bodies.of(payload);
    if (body === undefined) {
      return tooLargeResult(maxBytes);
    }
    const outcome = await send({
      route,
      headers: { ...headers, ...credentials?.headers() },
      body,
      signal,
    });
    const result = resultOf(outcome, {
      signal: payload.signal,
      host,
      proxyHost: route.proxyHost,
      unixMs: clock.unixMs(),
      timeoutMs: config.timeout,
    });
    if (result.status === "retryable") {
      bodies.keep(payload, body);
    }
    return result;
  };
  const delivery = createDelivery(settings, config, {
    attempt,
    host: (signal) => targets.get(signal)?.host ?? "",
  });

  return {
    exporter: {
      countsItems: true,
      consumer(signal) {
        const target = targetOf(signal, { config, env, connections });
        if (target === undefined) {
          throw new Error(
            `${settings.id} is in a ${signal} pipeline but has no endpoint for ${signal}. Set endpoint or ${signal}_endpoint.`,
          );
        }
        targets.set(signal, target);
        return delivery.consumer(signal);
      },
    },

    state: delivery.state,

    async start() {
      credentials = clientAuthOf(settings, config.auth);
      if ([...targets.values()].some(({ isSecure }) => isSecure)) {
        await tls(); // Rejects if a file cannot be used.
        if (config.tls.insecure_skip_verify) {
          logger.warn(unverifiedWarning);
        }
      }
      for (const [signal, { host, proxy }] of targets) {
        if (proxy !== undefined) {
          logger.info("Sending through a proxy.", {
            signal,
            host,
            proxy: proxy.proxy.host,
            source: proxy.source,
          });
        }
      }
      await delivery.start();
    },

    async shutdown(deadline) {
      try {
        await delivery.shutdown(deadline);
      } finally {
        await connections.destroy();
      }
    },
  };
}

function required(target: Target | undefined): Target {
  if (target === undefined) {
    throw new Error("A payload of a signal without a consumer.");
  }
  return target;
}

/** The options of the next connection with TLS; changes of the files are logged. */
function clientTlsOf({ clock, logger }: Settings, { tls }: Config) {
  const throttle = createThrottle(clock, logIntervalMs);
  return createClientTls(tls, {
    nowMs: () => clock.nowMs(),
    onReloaded: () => logger.info("Changed certificate files are used for new connections."),
    onReloadFailed: (problem) =>
      throttle((heldBack) =>
        logger.error(
          "Changed certificate files cannot be used; the ones read before stay in use. Correct the files.",
          { problem, held_back: heldBack },
        ),
      ),
  });
}

/** Makes the body of a request. What JSON cannot express is missing in it, and logged. */
function encoderOf({ clock, logger }: Settings, { encoding }: Config) {
  const throttle = createThrottle(clock, logIntervalMs);
  return ({ signal, bytes }: Payload): Uint8Array => {
    if (encoding === "proto") {
      return bytes;
    }
    const { text, incomplete } = jsonOfRequest(signal, bytes);
    if (incomplete > 0) {
      throttle((heldBack) =>
        logger.warn(
          "Parts of the data cannot be decoded or are nested too deeply, and are not sent as JSON. encoding: proto sends them.",
          { signal, parts: incomplete, held_back: heldBack },
        ),
      );
    }
    return Buffer.from(text);
  };
}

function headersOf(settings: Settings, config: Config): Readonly<Record<string, string>> {
  const headers = new Map([
    ["user-agent", `openclaw-activity-collector/${settings.version}`],
    ...Object.entries(config.headers).map(
      ([name, value]) => [name.toLowerCase(), value.reveal()] as const,
    ),
    ["content-type", config.encoding === "json" ? "application/json" : "application/x-protobuf"],
  ]);
  if (config.compression !== "none") {
    headers.set("content-encoding", config.compression);
  }
  return Object.fromEntries(headers);
}
