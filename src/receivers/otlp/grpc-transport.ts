import type { IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { Consumer } from "../../component/consumer.ts";
import { exceptionFields } from "../../component/exception-fields.ts";
import type { Settings } from "../../component/settings.ts";
import type { RequestShare } from "../../net/fair-shares.ts";
import { type Http2Server, listenHttp2 } from "../../net/http2-server.ts";
import { peerOf } from "../../net/peer.ts";
import type { Signal } from "../../otlp/payload.ts";
import { Guard } from "../../serving/guard.ts";
import { addressOf } from "../../serving/server-options.ts";
import { reportFault } from "./fault.ts";
import { grpcAnswerOf, refusedGrpcAnswer } from "./grpc-answer.ts";
import { type GrpcConfig, serverOptionsOf } from "./grpc-config.ts";
import { grpcRemedyOf } from "./grpc-remedies.ts";
import { type GrpcRefusal, type GrpcRoute, grpcRouteOf } from "./grpc-route.ts";
import { MisdirectedSenders } from "./misdirected-senders.ts";
import { refusal } from "./refusal.ts";
import { busy, type RequestHandler, stalled, tooLarge } from "./request-handler.ts";
import { countRefused, type Reason } from "./request-instruments.ts";
import type { Outcome } from "./request-outcome.ts";
import { type ReadProblem, ServerCall, transferTimeoutMs } from "./server-call.ts";

export interface GrpcTransport {
  readonly config: GrpcConfig;
  readonly consumers: ReadonlyMap<Signal, Consumer>;
  readonly handler: RequestHandler;
  /** The largest message, both as sent and inflated. */
  readonly maxBodyBytes: number;
}

interface CallHead {
  readonly headers: IncomingHttpHeaders;
  readonly connection: Socket;
}

/** Opens the port of OTLP over gRPC. */
export async function openGrpc(
  settings: Settings,
  { config, consumers, handler, maxBodyBytes: maxBytes }: GrpcTransport,
): Promise<Http2Server> {
  const count = countRefused(settings, "grpc");
  const misdirected = new MisdirectedSenders(settings);
  const guard = await Guard.open(settings, config);

  const refuse = (reason: Reason<"grpc">, message?: string) => {
    count(reason);
    const remedy = grpcRemedyOf(reason, { maxBytes, message });
    if (remedy !== undefined) {
      misdirected.report(reason, remedy);
    }
  };

  /** Undefined: the client has left. */
  const outcomeOf = async (
    call: ServerCall,
    { route, account }: { readonly route: GrpcRoute; readonly account: string | undefined },
    share: RequestShare,
  ): Promise<Outcome | GrpcRefusal | undefined> => {
    // While the pipelines would refuse anything, the message is not read, so that it costs no memory.
    const failure = route.next.refusal?.();
    if (failure !== undefined) {
      refuse("pipeline_refused");
      return failure;
    }
    if (!share.fits()) {
      return busy;
    }
    const message = await call.read({ maxBytes, share });
    if (typeof message === "string") {
      if (message === "left") {
        refuse("disconnected");
        return undefined;
      }
      return refusalOf(message, maxBytes);
    }
    if (message.isCompressed && route.content === "identity") {
      return refusal("malformed_grpc", "The message is compressed, but no grpc-encoding says how.");
    }
    return handler.handle({
      bytes: message.bytes,
      route: message.isCompressed ? route : { ...route, content: "identity" },
      transport: "grpc",
      maxBytes,
      share,
      sender: call.sender,
      client: account,
    });
  };

  const serve = async (
    call: ServerCall,
    route: GrpcRoute | GrpcRefusal,
    { headers, connection, share }: CallHead & { readonly share: RequestShare },
  ) => {
    try {
      const target = { host: headers[":authority"] ?? headers.host };
      const checked = guard.admit(headers, target, connection);
      const admission = checked instanceof Promise ? await checked : checked;
      if ("reason" in admission) {
        answerRefused(call, refusal(admission.reason, admission.message));
      } else if ("status" in route) {
        answerRefused(call, route);
      } else {
        const { client, account } = admission;
        share.belongTo(client ?? peerOf(connection));
        const outcome = await outcomeOf(call, { route, account }, share);
        if (outcome?.status === "refused") {
          answerRefused(call, outcome);
        } else if (outcome !== undefined) {
          call.answer(grpcAnswerOf(route.signal, outcome));
        }
      }
    } catch (error) {
      answerRefused(call, reportFault(settings.logger, error));
    } finally {
      call.taken(share);
    }
  };

  const answerRefused = (call: ServerCall, refused: GrpcRefusal) => {
    refuse(refused.reason, refused.message);
    call.answer(refusedGrpcAnswer(refused));
  };

  const server = await listenHttp2({
    address: addressOf(config),
    ...(guard.tls === undefined ? {} : { tls: guard.tls }),
    sockets: settings.sockets,
    clock: settings.clock,
    random: settings.random,
    ...serverOptionsOf(config),
    http1Answer: http1Answer(
      "This port speaks OTLP/gRPC, over HTTP/2. Send OTLP/HTTP to the port of protocols.http, usually 4318, or use the protocol grpc.",
    ),
    onBroken: refuse,
    onFull: (isOf) => handler.shares.cutWaiting(isOf),
    onError: (error) => {
      settings.logger.warn("The OTLP/gRPC server reported an error.", exceptionFields(error));
    },
    onStream(stream, headers, connection) {
      const share = handler.shares.enter({ peer: peerOf(connection), connection });
      const route = grpcRouteOf(headers, consumers);
      const call = new ServerCall(
        stream,
        settings.clock,
        "timeoutMs" in route ? route.timeoutMs : undefined,
      );
      // It never rejects: bugs are caught inside.
      void serve(call, route, { headers, connection, share });
      return () => call.giveUp();
    },
  });
  guard.listensOn(server, "host" in config.endpoint ? config.endpoint.host : undefined);
  return server;
}

function refusalOf(problem: Exclude<ReadProblem, "left">, maxBytes: number): GrpcRefusal {
  switch (problem) {
    case "too_large":
      return tooLarge(maxBytes);
    case "busy":
      return busy;
    case "stalled":
      return stalled;
    case "malformed":
      return refusal("malformed_grpc", "The request does not begin as a message of gRPC.");
    case "truncated":
      return refusal("malformed_grpc", "The message broke off before its end.");
    case "none":
      return refusal("message_count", "The call has no message, but must have exactly one.");
    case "several":
      return refusal("message_count", "The call has more than one message.");
    case "late":
      return refusal(
        "timeout",
        `The message did not arrive within ${transferTimeoutMs / 1000} s or the deadline of the call.`,
      );
    default: {
      const never: never = problem;
      return never;
    }
  }
}

function http1Answer(text: string): string {
  return `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length + 1}\r\n\r\n${text}\n`;
}
