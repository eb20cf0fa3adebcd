import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { abortReasons } from "../../delivery/attempt.ts";
import {
  type GrpcCode,
  type GrpcMessage,
  grpcCodeOfHttpStatus,
  grpcCodeOfReset,
  messagePrefix,
  messagePrefixBytes,
  parseGrpcStatus,
  parseOnlyMessage,
} from "../../net/grpc-protocol.ts";
import { retryDelayMsOf } from "../../otlp/retry-info.ts";

export interface UnaryRequest {
  readonly headers: OutgoingHttpHeaders;
  readonly message: Uint8Array;
  readonly isCompressed: boolean;
}

/** What the backend answered. */
export interface GrpcAnswer {
  readonly code: GrpcCode;
  /** Set if the answer is not one of gRPC, but for example of a proxy. */
  readonly httpStatus?: number;
  /** Set if the answer has a `RetryInfo`. */
  readonly retryDelayMs?: number;
  /** Absent if there is not exactly one. */
  readonly message?: GrpcMessage & { readonly encoding: string | undefined };
}

/** How a call ended. */
export type CallEnd =
  | { readonly kind: "answered"; readonly answer: GrpcAnswer }
  /** The answer is longer than any of OTLP. */
  | { readonly kind: "endless" }
  /** The backend has certainly not looked at the request. */
  | { readonly kind: "refused" }
  /** The connection could not be opened or ended; the code is that of the system, of TLS or of HTTP/2. */
  | { readonly kind: "failed"; readonly code: string | undefined; readonly isAtProxy?: boolean }
  | { readonly kind: "timeout" }
  | { readonly kind: "shutdown" };

/** No answer of OTLP is longer; `otlp_http` has the same limit. */
export const maxResponseBytes = 65_536;

const noError = constants.NGHTTP2_NO_ERROR;

/** How an aborted call ends. */
export function abortedEnd(signal: AbortSignal): CallEnd {
  return { kind: signal.reason === abortReasons.shutdown ? "shutdown" : "timeout" };
}

/** Makes one call. It keeps at most {@link maxResponseBytes} of the answer, and rejects only because of a bug. */
export function callUnary(
  session: ClientHttp2Session,
  { headers, message, isCompressed }: UnaryRequest,
  signal: AbortSignal,
): Promise<CallEnd> {
  if (signal.aborted) {
    return Promise.resolve(abortedEnd(signal));
  }
  const stream = openStream(session, headers);
  if (stream === undefined) {
    return Promise.resolve({ kind: "refused" });
  }
  return new Promise((resolve) => {
    const received = new ReceivedAnswer();
    let failure: string | undefined;
    const end = (result: CallEnd) => {
      signal.removeEventListener("abort", onAbort);
      // What the backend has not read of the request by now, it does not want.
      if (!stream.closed && !(stream.writableFinished && stream.readableEnded)) {
        stream.close(constants.NGHTTP2_CANCEL);
      }
      resolve(result);
    };
    const onAbort = () => end(abortedEnd(signal));
    signal.addEventListener("abort", onAbort, { once: true });

    stream.on("response", (head) => received.takeHeaders(head));
    stream.on("trailers", (trailers) => received.takeHeaders(trailers));
    stream.on("data", (chunk: Uint8Array) => {
      if (!received.takeData(chunk)) {
        end({ kind: "endless" });
      }
    });
    stream.on("end", () => {
      const answer = received.answer(stream.rstCode);
      if (answer !== undefined) {
        end({ kind: "answered", answer });
      }
    });
    stream.on("error", (error) => {
      failure ??= codeOf(error);
    });
    stream.on("close", () => end(received.closed({ session, stream, failure })));
    stream.write(messagePrefix(message.length, isCompressed));
    stream.end(message);
  });
}

/** Undefined if the session takes no more calls. */
function openStream(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): ClientHttp2Stream | undefined {
  try {
    return session.request(headers);
  } catch (error) {
    if (sessionEnds.has(codeOf(error) ?? "")) {
      return undefined;
    }
    throw error;
  }
}

const sessionEnds = new Set([
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_OUT_OF_STREAMS",
]);

/** Collects an answer, in the order in which HTTP/2 brings it: head, message, trailers. */
class ReceivedAnswer {
  #head: IncomingHttpHeaders | undefined;
  #code: GrpcCode | undefined;
  #details: string | undefined;
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  takeHeaders(headers: IncomingHttpHeaders): void {
    this.#head ??= headers;
    this.#code ??= parseGrpcStatus(headers["grpc-status"]);
    const details = headers["grpc-status-details-bin"];
    this.#details ??= Array.isArray(details) ? details[0] : details;
  }

  /** Whether the answer is still short enough. */
  takeData(chunk: Uint8Array): boolean {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > messagePrefixBytes + maxResponseBytes) {
      return false;
    }
    this.#chunks.push(chunk);
    return true;
  }

  /** The answer, if this is one. One that broke off is none: whether the backend has the data is unknown. */
  answer(rstCode = noError): GrpcAnswer | undefined {
    const head = this.#head;
    if (head === undefined) {
      return undefined;
    }
    const httpStatus = Number(head[":status"]);
    const isGrpc = /^application\/grpc\b/i.test(head["content-type"] ?? "");
    if (this.#code === undefined && (httpStatus !== 200 || !isGrpc)) {
      return { code: grpcCodeOfHttpStatus(httpStatus), httpStatus };
    }
    const message = parseOnlyMessage(Buffer.concat(this.#chunks));
    // A whole message without a status is the answer of a server, or of a proxy, that does not send trailers.
    const code = this.#code ?? (message && rstCode === noError ? "UNKNOWN" : undefined);
    if (code === undefined) {
      return undefined;
    }
    const retryDelayMs =
      this.#details === undefined
        ? undefined
        : retryDelayMsOf(Buffer.from(this.#details, "base64"));
    const encoding = head["grpc-encoding"];
    return {
      code,
      ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
      ...(message === undefined
        ? {}
        : { message: { ...message, encoding: Array.isArray(encoding) ? encoding[0] : encoding } }),
    };
  }

  /** The end of a call whose stream was closed. */
  closed({
    session,
    stream: { rstCode = noError },
    failure,
  }: {
    readonly session: ClientHttp2Session;
    readonly stream: ClientHttp2Stream;
    readonly failure: string | undefined;
  }): CallEnd {
    const answer = this.answer(rstCode);
    if (answer !== undefined) {
      return { kind: "answered", answer };
    }
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM && this.#head === undefined) {
      return { kind: "refused" };
    }
    const isReset =
      rstCode !== noError && (failure === undefined || failure === "ERR_HTTP2_STREAM_ERROR");
    return isReset && !session.closed && !session.destroyed
      ? { kind: "answered", answer: { code: codeOfReset(rstCode) } }
      : { kind: "failed", code: failure };
  }
}

/** As in gRPC, but that a server which asks to slow down may take the request later. */
function codeOfReset(rstCode: number): GrpcCode {
  return rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM ? "UNAVAILABLE" : grpcCodeOfReset(rstCode);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
