import type { IncomingMessage, ServerResponse } from "node:http";
import type { Consumer } from "../../component/consumer.ts";
import { exceptionFields } from "../../component/exception-fields.ts";
import type { Settings } from "../../component/settings.ts";
import { readBody } from "../../net/body.ts";
import type { FairShares } from "../../net/fair-shares.ts";
import { peerOf } from "../../net/peer.ts";
import { type HttpServer, listen } from "../../net/server.ts";
import type { Signal } from "../../otlp/payload.ts";
import { type Admitted, Guard } from "../../serving/guard.ts";
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

/** A request that was let in, who the client has proved to be, and whose work it reports. */
interface LetIn extends Admitted {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
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
    { request, response, client, account }: LetIn,
    route: Route,
  ): Promise<Outcome | undefined> => {
    // While the pipelines would refuse anything, the body is not read, so that it costs no memory.
    const failure = route.next.refusal?.();
    if (failure !== undefined) {
      refuse("pipeline_refused");
      return failure;
    }
    const { socket: connection } = request;
    const share = handler.shares.enter({ peer: client ?? peerOf(connection), connection });
    try {
      if (!share.fits()) {
        return busy;
      }
      const sender = senderOf(response, senders);
      const sent = await readBody(request, { maxBytes, share });
      if (sent.ok) {
        return await handler.handle({
          bytes: sent.bytes,
          route,
          transport: "http",
          maxBytes,
          share,
          sender,
          client: account,
        });
      }
      return notRead(sent.problem, maxBytes);
    } finally {
      share.leave();
    }
  };

  /** A refusal is still to be counted. */
  const answerTo = async (letIn: LetIn): Promise<Answer | Refusal | undefined> => {
    const route = routeOf(letIn.request, config, consumers);
    if ("status" in route) {
      return route;
    }
    const outcome = await outcomeOf(letIn, route);
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
    onFull: (isOf) => handler.shares.cutWaiting(isOf),
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
      const answer = (each: Answer) => send({ request, response }, each, handler.shares);
      const admission = await admit(request, response);
      if (admission === "answered") {
        return;
      }
      if ("reason" in admission) {
        const { reason, message } = admission;
        refuse(reason, message);
        const refused = refusedAnswer(encodingOf(request) ?? "json", refusal(reason, message));
        const headers = { ...refused.headers, ...refusalHeaders(admission) };
        answer({ ...refused, headers });
        return;
      }
      const result = await answerTo({ request, response, ...admission }).catch((error: unknown) =>
        reportFault(settings.logger, error),
      );
      if (result === undefined) {
        return;
      }
      if ("reason" in result) {
        refuse(result.reason, result.message);
        if (result === stalled) {
          cutOff(response, refusedAnswer(encodingOf(request) ?? "json", result));
          return;
        }
        // As in the Collector, for senders whose own encoding is unknown.
        answer(refusedAnswer(encodingOf(request) ?? "json", result));
      } else {
        answer(result);
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

/** Undefined: no answer is possible. */
function notRead(
  problem: "too_large" | "busy" | "stalled" | "aborted",
  maxBytes: number,
): Refusal | undefined {
  switch (problem) {
    case "too_large":
      return tooLarge(maxBytes);
    case "busy":
      return busy;
    case "stalled":
      return stalled;
    case "aborted":
      return undefined;
    default: {
      const never: never = problem;
      return never;
    }
  }
}

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
  { request, response }: Pick<LetIn, "request" | "response">,
  { status, headers, body }: Answer,
  shares: FairShares,
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
  const { socket: connection } = request;
  const share = shares.enter({ peer: peerOf(connection), connection });
  share.wait(() => {
    response.end();
    connection.destroySoon();
  });
  request.once("close", () => {
    share.leave();
    response.end();
  });
  request.resume();
}
