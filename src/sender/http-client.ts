import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { call, withoutTracing } from "./global-context.ts";
import { retryAfterMsOf } from "./retry-after.ts";
import type { SenderClock } from "./sender-clock.ts";

export interface PostRequest {
  readonly signal: "traces" | "logs";
  readonly body: Uint8Array;
}

/** `retryable`: the same bytes may be accepted later. `permanent`: they never will be. */
export type PostOutcome =
  /** `isReconnected`: the previous connection should have been kept but is gone, perhaps because the collector restarted. */
  | { readonly status: "accepted"; readonly isReconnected: boolean }
  | { readonly status: "retryable"; readonly retryAfterMs?: number; readonly message: string }
  | { readonly status: "permanent"; readonly message: string };

/** PEM texts, as `node:tls` takes them. */
export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

export interface HttpClientOptions {
  /** The base address or the address of a signal; `http:` or `https:`. */
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls?: TlsOptions;
  readonly timeoutMs: number;
  readonly clock: SenderClock;
  /** Default `application/x-protobuf`. */
  readonly contentType?: string;
}

export interface HttpClient {
  /** Never rejects. The connection does not keep the process alive. `cutOff` ends it early. */
  post(request: PostRequest, cutOff?: AbortSignal): Promise<PostOutcome>;
  close(): void;
}

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const retryableStatuses: readonly number[] = [429, 502, 503, 504];

/** Sends OTLP requests with Node's own client, over one connection that is kept open between them. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { endpoint, clock, timeoutMs, contentType = "application/x-protobuf" } = options;
  const isSecure = endpoint.protocol === "https:";
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({
    keepAlive: true,
    maxSockets: 1,
    ...options.tls,
  });
  let isKept = false;

  const attempt = (request: PostRequest, signal?: AbortSignal, isSecondAttempt = false) =>
    new Promise<PostOutcome>((resolve) => {
      const { length } = request.body;
      const sent = withoutTracing(() =>
        (isSecure ? requestHttps : requestHttp)(urlOf(endpoint, request.signal), {
          method: "POST",
          agent,
          headers: { ...options.headers, "content-type": contentType, "content-length": length },
          ...(signal && { signal }),
        }),
      );
      const cancelTimeout = clock.after(timeoutMs, () =>
        sent.destroy(new Error(`No answer within ${timeoutMs} ms.`)),
      );
      let answered: PostOutcome | undefined;
      const finish = (outcome: PostOutcome | Promise<PostOutcome>) => {
        cancelTimeout();
        // Nothing that follows the status line can change the outcome.
        resolve(answered ?? outcome);
      };
      sent.on("socket", (socket) => call(socket, "unref"));
      sent.on("error", (error) => {
        const code = "code" in error ? String(error.code) : error.name;
        // A server may close an idle connection just when it is used again. That is not a failure of the collector.
        const isStale = sent.reusedSocket && (code === "ECONNRESET" || code === "EPIPE");
        finish(
          isStale && !isSecondAttempt && answered === undefined
            ? attempt(request, signal, true)
            : { status: "retryable", message: error.message || code },
        );
      });
      sent.on("response", (response) => {
        const outcome = outcomeOf(response, sent);
        answered = outcome;
        response.on("error", () => finish(outcome));
        response.on("end", () => finish(outcome));
        response.resume();
      });
      // Without a listener Node closes the connection, and reports neither an answer nor an error.
      sent.on("upgrade", (response, socket) => {
        socket.destroy();
        finish(outcomeOf(response, sent));
      });
      sent.end(request.body);
    });

  function outcomeOf(
    { headers, statusCode = 0 }: IncomingMessage,
    { reusedSocket, shouldKeepAlive }: ClientRequest,
  ): PostOutcome {
    const message = `It answered with status ${statusCode}.`;
    if (statusCode >= 200 && statusCode < 300) {
      const isReconnected = isKept && !reusedSocket;
      isKept = shouldKeepAlive;
      return { status: "accepted", isReconnected };
    }
    if (!retryableStatuses.includes(statusCode)) {
      return { status: "permanent", message };
    }
    const retryAfterMs = retryAfterMsOf(headers["retry-after"], clock.unixMs());
    return { status: "retryable", message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }

  return {
    // An invalid header throws, for example. A later attempt would fail the same way.
    post: (request, cutOff) =>
      attempt(request, cutOff).catch((error) => ({ status: "permanent", message: String(error) })),
    close: () => agent.destroy(),
  };
}

/** Appends `/v1/<signal>` to the endpoint, or replaces the path of another signal. */
export function urlOf(endpoint: URL, signal: PostRequest["signal"]): URL {
  const url = new URL(endpoint);
  const base = url.pathname.replace(/\/v1\/(traces|logs)$/, "").replace(/\/+$/, "");
  url.pathname = `${base}/v1/${signal}`;
  return url;
}
