import { lookup } from "node:dns/promises";
import type { OutgoingHttpHeaders } from "node:http2";
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
import { formatGrpcTimeout } from "../../net/grpc-protocol.ts";
import { proxyOfEnvironment } from "../../net/proxy.ts";
import { type ClientTlsOptions, createClientTls, unverifiedWarning } from "../../net/tls.ts";
import type { Signal } from "../../otlp/payload.ts";
import { resultOf } from "./answer-result.ts";
import type { Config } from "./config.ts";
import { GrpcChannel } from "./grpc-channel.ts";
import { openConnection } from "./grpc-connection.ts";
import { hostAndPort } from "./grpc-endpoint.ts";
import type { CallEnd, UnaryRequest } from "./unary-call.ts";

const paths = {
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
} as const satisfies Record<Signal, string>;

/**
 * Sends payloads to a backend over OTLP/gRPC, in the bytes in which they arrived. Queue, retries and timeout are those of
 * `src/delivery`.
 */
export function createOtlpGrpcExporter(settings: Settings, config: Config): Component {
  const { clock, random } = settings;
  const { endpoint, authority, compression, max_request_size: maxBytes } = config;
  const host = hostAndPort(endpoint);
  const headers = headersOf(settings, config);
  const tls = tlsOf(settings, config);
  const proxy = proxyOf(settings, host);
  const stop = new AbortController();
  const channel = new GrpcChannel({
    host: endpoint.host,
    // A proxy looks the name up itself.
    lookup: async (name) =>
      proxy === undefined ? lookup(name, { all: true }) : [{ address: name, family: 0 }],
    balancer: config.balancer_name,
    waitForReady: config.wait_for_ready,
    clock,
    random,
    open: (address) =>
      openConnection({
        host: address,
        port: endpoint.port,
        serverName: authority === undefined ? endpoint.host : hostOfAuthority(authority),
        ...(config.tls.insecure ? {} : { tls }),
        ...(proxy === undefined ? {} : { proxy: { server: proxy.proxy, tls } }),
        clock,
        timeoutMs: config.timeout,
        keepalive: config.keepalive,
        stop: stop.signal,
      }),
  });

  let credentials: ClientAuthenticator | undefined;
  const bodies = new EncodedBodies(async ({ bytes }) =>
    bytes.length > maxBytes ? undefined : compress(bytes, compression),
  );

  const attempt: Attempt = async (payload, signal) => {
    const message = await bodies.of(payload);
    if (message === undefined) {
      return tooLargeResult(maxBytes);
    }
    const request = {
      headers: { ...headers, ...credentials?.headers(), ":path": paths[payload.signal] },
      message,
      isCompressed: compression !== "none",
    };
    let end = await call(request, signal);
    if (end.kind === "refused") {
      // The backend is closing the connection and has not looked at the request: another connection may take it.
      end = await call(request, signal);
    }
    const result = await resultOf(end, {
      host,
      proxyHost: proxy?.proxy.host,
      signal: payload.signal,
      timeoutMs: config.timeout,
    });
    if (result.status === "retryable") {
      bodies.keep(payload, message);
    }
    return result;
  };

  async function call(request: UnaryRequest, signal: AbortSignal): Promise<CallEnd> {
    const picked = await channel.pick(signal);
    return picked.ok ? picked.connection.call(request, signal) : picked.end;
  }

  const delivery = createDelivery(settings, config, { attempt, host: () => host });

  return {
    exporter: { countsItems: true, consumer: (signal) => delivery.consumer(signal) },

    state: delivery.state,

    async start() {
      credentials = clientAuthOf(settings, config.auth);
      // A file that cannot be used is a mistake in the config. Later, it is a connection that fails.
      if (!config.tls.insecure || proxy?.proxy.origin.startsWith("https:") === true) {
        await tls();
      }
      if (config.tls.insecure_skip_verify) {
        settings.logger.warn(unverifiedWarning);
      }
      if (proxy !== undefined) {
        settings.logger.info("Sending through a proxy.", {
          host,
          proxy: proxy.proxy.host,
          source: proxy.variable,
        });
      }
      await delivery.start();
    },

    async shutdown(deadline) {
      try {
        await delivery.shutdown(deadline);
      } finally {
        stop.abort();
        await channel.close();
      }
    },
  };
}

/**
 * As in gRPC of Go, which the Collector uses: `HTTPS_PROXY`, unless `NO_PROXY` exempts the host, also without TLS, because a proxy
 * can only give a connection to a server of HTTP/2.
 */
function proxyOf({ env }: Settings, host: string) {
  return proxyOfEnvironment(env, new URL(`https://${host}`));
}

function tlsOf({ clock, logger }: Settings, { tls }: Config): () => Promise<ClientTlsOptions> {
  const throttle = createThrottle(clock, 60_000);
  return createClientTls(tls, {
    nowMs: () => clock.nowMs(),
    onReloaded: () => logger.info("The files of tls have changed. New connections use them."),
    onReloadFailed: (problem) =>
      throttle((heldBack) =>
        logger.warn(
          "The files of tls have changed and cannot be used. New connections use those read before.",
          { problem, held_back: heldBack },
        ),
      ),
  });
}

function headersOf(settings: Settings, config: Config): OutgoingHttpHeaders {
  const { authority, user_agent, compression, timeout, tls, endpoint } = config;
  const metadata = Object.entries(config.headers).map(([name, value]) => {
    const key = name.toLowerCase();
    const text = value.reveal();
    return [key, key.endsWith("-bin") ? Buffer.from(text).toString("base64") : text] as const;
  });
  return {
    ...Object.fromEntries(metadata),
    ":method": "POST",
    ":scheme": tls.insecure ? "http" : "https",
    ":authority": authority ?? tls.server_name_override ?? hostAndPort(endpoint),
    "content-type": "application/grpc+proto",
    te: "trailers",
    "user-agent": user_agent ?? `openclaw-activity-collector/${settings.version}`,
    "grpc-timeout": formatGrpcTimeout(timeout),
    "grpc-accept-encoding": "identity,gzip,zstd",
    ...(compression === "none" ? {} : { "grpc-encoding": compression }),
  };
}

function hostOfAuthority(authority: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(authority)?.[1] ?? authority.replace(/:\d+$/, "");
}
