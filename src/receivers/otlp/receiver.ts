import type { IncomingMessage, ServerResponse } from "node:http";
import type { Component } from "../../component/component.ts";
import type { Consumer } from "../../component/consumer.ts";
import type { Settings } from "../../component/settings.ts";
import { bodyLimitsFor } from "../../memory/memory-budget.ts";
import { type HttpServer, hostPortOf, listen } from "../../net/server.ts";
import type { Signal } from "../../otlp/payload.ts";
import { type Answer, refusedAnswer, resultAnswer } from "./answer.ts";
import type { Config, HttpConfig } from "./config.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { createRequestHandler } from "./request-handler.ts";
import { type Reason, reasons, refusedRequests } from "./request-instruments.ts";
import { encodingOf, type Route, routeOf } from "./route.ts";

/**
 * Receives OTLP over HTTP and answers as OTLP requires. The sender gets the result of the pipelines;
 * nothing is queued here.
 */
export function createOtlpReceiver(settings: Settings, config: Config): Component {
  const consumers = new Map<Signal, Consumer>();
  const { http } = config.protocols;
  let server: HttpServer | undefined;

  return {
    receiver: {
      connect(signal, next) {
        consumers.set(signal, next);
      },
      transports: ["http"],
    },
    async start() {
      if (http !== undefined) {
        server = await openHttp(settings, http, consumers);
        settings.logger.info("Receiving OTLP over HTTP.", { endpoint: hostPortOf(server) });
      }
    },
    async shutdown(deadline) {
      await server?.close(deadline);
    },
  };
}

function openHttp(
  settings: Settings,
  config: HttpConfig,
  consumers: ReadonlyMap<Signal, Consumer>,
): Promise<HttpServer> {
  const count = createCount(settings);
  const wantedBytes = config.max_request_body_size;
  const limits = bodyLimitsFor(settings.memory.limit.bytes, wantedBytes);
  if (limits.maxBodyBytes < wantedBytes) {
    settings.logger.warn(
      "max_request_body_size does not fit into the memory limit of the process. Larger bodies than fit get status 413. Lower max_request_body_size, or raise the memory limit.",
      { max_request_body_size: wantedBytes, fitting: limits.maxBodyBytes },
    );
  }
  const handleRequest = createRequestHandler(limits);

  /** While the pipelines would refuse anything, the body is not read, so that it costs no memory. */
  const answerOf = (request: IncomingMessage, response: ServerResponse, route: Route) => {
    const refused = route.next.refusal?.();
    if (refused === undefined) {
      return handleRequest(request, route, senderOf(response));
    }
    count("pipeline_refused");
    return resultAnswer(route.encoding, refused);
  };

  const fault = (error: unknown): Refusal => {
    settings.logger.error(
      "A request failed with status 500 because of a bug. Please report it.",
      frames(error),
    );
    return refusal("fault", "The request failed because of a bug in this program.");
  };

  return listen({
    ...config.endpoint,
    sockets: settings.sockets,
    headersTimeoutMs: config.read_header_timeout,
    requestTimeoutMs: config.read_timeout,
    keepAliveTimeoutMs: config.idle_timeout,
    onBroken: count,
    onError: (error) => {
      settings.logger.warn("The OTLP/HTTP server reported an error.", frames(error));
    },
    async handler(request, response) {
      let taken: Answer | Refusal | undefined;
      try {
        const route = routeOf(request, config, consumers);
        taken = "refused" in route ? route : await answerOf(request, response, route);
      } catch (error) {
        taken = fault(error);
      }
      if (taken === undefined) {
        return;
      }
      if ("refused" in taken) {
        count(taken.refused);
        // As in the Collector, for senders whose own encoding is unknown.
        send(request, response, refusedAnswer(encodingOf(request) ?? "json", taken));
      } else {
        send(request, response, taken);
      }
    },
  });
}

/** Aborts when the sender leaves before it has an answer. */
function senderOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableEnded) {
      gone.abort();
    }
  });
  return gone.signal;
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): void {
  response.writeHead(status, headers);
  if (request.complete || response.shouldKeepAlive) {
    response.end(body);
    return;
  }
  // Closing the connection while the sender still writes would reset it, and the sender would never read
  // the answer: it would send the same body again. The timeouts end a body that never ends.
  response.write(body);
  request.once("close", () => response.end());
  request.resume();
}

function createCount(settings: Settings): (reason: Reason) => void {
  const { name, unit, description } = refusedRequests;
  const counter = settings.meter.createCounter(name, { unit, description });
  const count = (reason: Reason, by = 1) =>
    counter.add(by, { receiver: settings.id, transport: "http", reason });
  // A rate needs a zero to begin from.
  for (const reason of reasons) {
    count(reason, 0);
  }
  return (reason) => count(reason);
}

/** The type and place of an exception. Not its message: a message of the runtime may quote data of a sender. */
function frames(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof Error)) {
    return { "exception.type": typeof error };
  }
  const lines = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return { "exception.type": error.name, "exception.stacktrace": lines.slice(0, 10).join("\n") };
}
