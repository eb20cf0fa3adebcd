import { Agent } from "undici";
import type { Component } from "../../component/component.ts";
import type { ConsumeResult, Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import type { Payload, Signal } from "../../otlp/payload.ts";
import type { Config } from "./config.ts";
import { resultOf } from "./outcome.ts";
import { createReport } from "./report.ts";
import { abortReasons, compressed, send } from "./send.ts";
import { type Target, targetOf } from "./target.ts";

/**
 * Sends each payload once, immediately, and returns the result. It keeps no payload: the caller decides whether to
 * retry. Requests in flight are bounded by the callers that wait for results (the receiver's bodies). At most 100
 * connections to a host carry them, further requests wait for a connection, and each request ends at `timeout`.
 */
export function createOtlpHttpExporter(settings: Settings, config: Config): Component {
  const { clock } = settings;
  // The exporter's own timeout is the only one: it covers connecting, sending and the answer.
  const agent = new Agent({
    connections: 100,
    connect: { timeout: config.timeout },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 90_000,
  });
  const headers = headersOf(settings, config);
  const report = createReport(settings);
  const inFlight = new Map<Promise<ConsumeResult>, AbortController>();
  let isStopping = false;

  const deliver = async (
    payload: Payload,
    target: Target,
    abort: AbortController,
  ): Promise<ConsumeResult> => {
    const cancelTimer = clock.after(config.timeout, () => abort.abort(abortReasons.timeout));
    try {
      const body = await compressed(payload.bytes, config.compression);
      const { outcome, response } = await send(agent, {
        target,
        headers,
        body,
        signal: abort.signal,
      });
      const result = resultOf(outcome, {
        host: target.host,
        unixMs: clock.unixMs(),
        timeoutMs: config.timeout,
      });
      report.record(payload, target, result, response);
      return result;
    } finally {
      cancelTimer();
    }
  };

  const consumer = (signal: Signal): Consumer => {
    const target = targetOf(config, signal);
    if (target === undefined) {
      throw new Error(
        `${settings.id} is in a ${signal} pipeline but has no endpoint for ${signal}. Set endpoint or ${signal}_endpoint.`,
      );
    }
    return {
      async consume(payload) {
        if (isStopping) {
          return {
            status: "retryable",
            message: "This collector is shutting down and sends nothing more.",
          };
        }
        const abort = new AbortController();
        const delivery = deliver(payload, target, abort);
        inFlight.set(delivery, abort);
        try {
          return await delivery;
        } finally {
          inFlight.delete(delivery);
        }
      },
    };
  };

  return {
    exporter: { consumer },

    async start() {
      report.start();
    },

    async shutdown(deadline) {
      isStopping = true;
      const cutAll = () => {
        for (const abort of inFlight.values()) {
          abort.abort(abortReasons.shutdown);
        }
      };
      if (deadline.aborted) {
        cutAll();
      }
      deadline.addEventListener("abort", cutAll, { once: true });
      await Promise.allSettled(inFlight.keys());
      deadline.removeEventListener("abort", cutAll);
      if (!agent.destroyed) {
        await agent.destroy();
      }
    },
  };
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
