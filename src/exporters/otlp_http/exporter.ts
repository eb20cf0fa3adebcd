import { Agent } from "undici";
import type { Component } from "../../component/component.ts";
import type { Settings } from "../../component/settings.ts";
import type { Attempt } from "../../delivery/attempt.ts";
import { createDelivery } from "../../delivery/exporter-helper.ts";
import { decodeExportResponse } from "../../otlp/encode.ts";
import type { Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { resultOf } from "./outcome.ts";
import { compressed, send } from "./send.ts";
import { type Target, targetOf } from "./target.ts";

/**
 * Sends payloads to a backend over OTLP/HTTP, in the bytes in which they arrived. Queue, retries and timeout are those of
 * `src/delivery`. At most 100 connections to a host carry the requests; further requests wait for a connection.
 */
export function createOtlpHttpExporter(settings: Settings, config: Config): Component {
  const { clock } = settings;
  // The timeout of the attempt is the only one: it covers connecting, sending and the answer.
  const agent = new Agent({
    connections: 100,
    connect: { timeout: config.timeout },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 90_000,
  });
  const headers = headersOf(settings, config);
  const targets = new Map<Signal, Target>();

  const attempt: Attempt = async (payload, signal) => {
    const target = required(targets.get(payload.signal));
    const body = await compressed(payload.bytes, config.compression);
    const { outcome, response } = await send(agent, { target, headers, body, signal });
    const result = resultOf(outcome, {
      host: target.host,
      unixMs: clock.unixMs(),
      timeoutMs: config.timeout,
    });
    const partial =
      response === undefined ? undefined : decodeExportResponse(payload.signal, response);
    return result.status === "sent" && partial !== undefined
      ? { ...result, rejected: { items: partial.rejected } }
      : result;
  };
  const delivery = createDelivery(settings, config, {
    attempt,
    host: (signal) => targets.get(signal)?.host ?? "",
  });

  return {
    exporter: {
      countsItems: true,
      consumer(signal) {
        const target = targetOf(config, signal);
        if (target === undefined) {
          throw new Error(
            `${settings.id} is in a ${signal} pipeline but has no endpoint for ${signal}. Set endpoint or ${signal}_endpoint.`,
          );
        }
        targets.set(signal, target);
        return delivery.consumer(signal);
      },
    },

    start: () => delivery.start(),

    async shutdown(deadline) {
      try {
        await delivery.shutdown(deadline);
      } finally {
        if (!agent.destroyed) {
          await agent.destroy();
        }
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

function headersOf(settings: Settings, config: Config): Readonly<Record<string, string>> {
  const headers = new Map([
    ["user-agent", `openclaw-activity-collector/${settings.version}`],
    ...Object.entries(config.headers).map(
      ([name, value]) => [name.toLowerCase(), value.reveal()] as const,
    ),
    ["content-type", "application/x-protobuf"],
  ]);
  if (config.compression !== "none") {
    headers.set("content-encoding", config.compression);
  }
  return Object.fromEntries(headers);
}
