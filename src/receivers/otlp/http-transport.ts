import type { IncomingMessage, ServerResponse } from "node:http";
import type { Consumer } from "../../component/consumer.ts";
import { exceptionFields } from "../../component/exception-fields.ts";
import type { Settings } from "../../component/settings.ts";
import { readBody } from "../../net/body.ts";
import { type HttpServer, listen } from "../../net/server.ts";
import type { Signal } from "../../otlp/payload.ts";
import { Guard } from "../../serving/guard.ts";
import { refusalHeaders } from "../../serving/page-server.ts";
import { addressOf } from "../../serving/server-options.ts";
import type { HttpConfig } from "./config.ts";
import { reportFault } from "./fault.ts";
import { createAdmission } from "./http-admission.ts";
import { type Answer, answerOf, refusedAnswer } from "./http-answer.ts";
import { httpRemedyOf } from "./http-remedies.ts";
import { encodingOf, routeOf } from "./http-route.ts";
import { MisdirectedSenders } from "./misdirected-senders.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { busy, type RequestHandler, type Route, stalled, tooLarge } from "./request-handler.ts";
import { countRefused, type Reason } from "./request-instruments.ts";
import type { Outcome } from "./request-outcome.ts";

export interface HttpTransport {
  readonly config: HttpConfig;
  readonly consumers: ReadonlyMap<Signal, Consumer>;
  readonly handler: RequestHandler;
  /** The largest body, both as sent and inflated. */
  readonly maxBodyBytes: number;
}

/** Opens the port of OTLP over HTTP/1.1. */
export async function openHttp(
  settings: Settings,
  { config, consumers, handler, maxBodyBytes: maxBytes }: HttpTransport,
): Promise<HttpServer> {
  const count = countRefused(settings, "http");
  const misdirected = new MisdirectedSenders(settings);
  const guard = await Guard.open(settings, config);
  const admit = createAdmission(guard, config);
  const senders = new WeakMap<ServerResponse, AbortController>();

  const refuse = (reason: Reason<"http">, message?: string) => {
    count(reason);
    const remedy = httpRemedyOf(reason, config, { maxBytes, message });
    if (remedy !== undefined) {
      misdirected.report(reason, remedy);
    }
  };

  /** Undefined: the sender has disconnected, and no answer is possible. */
  const outcomeOf = async (
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
  ): Promise<Outcome | undefined> => {
    // While the pipelines would refuse anything, the body is not read, so that it costs no memory.
    const failure = route.next.refusal?.();
    if (failure !== undefined) {
      refuse("pipeline_refused");
      return failure;
    }
    const sender = senderOf(response, senders);
    const sent = await readBody(request, {
      maxBytes,
      budget: handler.budget,
      transfers: handler.transfers,
    });
    if (sent.ok) {
      return handler.handle({ bytes: sent.bytes, route, transport: "http", maxBytes, sender });
    }
    switch (sent.problem) {
      case "too_large":
        return tooLarge(maxBytes);
      case "busy":
        return busy;
      case "stalled":
        return stalled;
      case "aborted":
        return undefined;
      default: {
        const never: never = sent.problem;
        return never;
      }
    }
  };

  /** A refusal is still to be counted. */
  const answerTo = async (
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer | Refusal | undefined> => {
    const route = routeOf(request, config, consumers);
    if ("status" in route) {
      return route;
    }
    const outcome = await outcomeOf(request, response, route);
    return outcome === undefined || outcome.status === "refused"
      ? outcome
      : answerOf(route.encoding, route.signal, outcome);
  };

  const server = await listen({
    ...addressOf(config),
    sockets: settings.sockets,
    ...(guard.tls === undefined ? {} : { tls: guard.tls }),
    headersTimeoutMs: config.read_header_timeout,
    requestTimeoutMs: config.read_timeout,
    keepAliveTimeoutMs: config.idle_timeout,
    onBroken: refuse,
    onFull: () => handler.transfers.cutStalled(),
    onError: (error) => {
      settings.logger.warn("The OTLP/HTTP server reported an error.", exceptionFields(error));
    },
    giveUp(request, response) {
      if (!request.complete) {
        refuse("disconnected");
      }
      cutOff(response, refusedAnswer(encodingOf(request) ?? "json", givenUp));
      senders.get(response)?.abort();
    },
    async handler(request, response) {
      const admission = await admit(request, response);
      if (admission === "answered") {
        return;
      }
      if ("reason" in admission) {
        const { reason, message } = admission;
        refuse(reason, message);
        const refused = refusedAnswer(encodingOf(request) ?? "json", refusal(reason, message));
        const headers = { ...refused.headers, ...refusalHeaders(admission) };
        send(request, response, { ...refused, headers });
        return;
      }
      const answer = await answerTo(request, response).catch((error: unknown) =>
        reportFault(settings.logger, error),
      );
      if (answer === undefined) {
        return;
      }
      if ("reason" in answer) {
        refuse(answer.reason, answer.message);
        if (answer === stalled) {
          cutOff(response, refusedAnswer(encodingOf(request) ?? "json", answer));
          return;
        }
        // As in the Collector, for senders whose own encoding is unknown.
        send(request, response, refusedAnswer(encodingOf(request) ?? "json", answer));
      } else {
        send(request, response, answer);
      }
    },
  });
  guard.listensOn(server, "host" in config.endpoint ? config.endpoint.host : undefined);
  return server;
}

const givenUp = refusal(
  "busy",
  "The connection ends before the request is answered. Send it again.",
);

/** Aborts when the sender leaves before it has an answer. */
function senderOf(
  response: ServerResponse,
  senders: WeakMap<ServerResponse, AbortController>,
): AbortSignal {
  const gone = new AbortController();
  senders.set(response, gone);
  response.once("close", () => {
    if (!response.writableEnded) {
      gone.abort();
    }
  });
  return gone.signal;
}

/** Answers without waiting for the rest of the request, and ends the connection. */
function cutOff(response: ServerResponse, { status, headers, body }: Answer): void {
  if (!response.headersSent) {
    response.shouldKeepAlive = false;
    response.writeHead(status, headers);
    response.end(body);
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): void {
  if (response.headersSent) {
    return; // The request was given up.
  }
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
