import { type ClientRequest, Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Clock } from "../component/clock.ts";
import { call, withoutTracing } from "./global-context.ts";

/** `retryable`: the same bytes may be taken later. `permanent`: they never will, or we must not ask. */
export type PostOutcome =
  | { readonly status: "accepted" }
  | { readonly status: "retryable"; readonly retryAfterMs?: number; readonly message: string }
  | { readonly status: "permanent"; readonly message: string };

/** PEM texts, as `node:tls` takes them. */
export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

export interface CollectorClientOptions {
  /** The URL that takes the requests. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Default `application/x-protobuf`. */
  readonly contentType?: string;
}

export interface CollectorClient {
  /** Never rejects. The connection does not keep the process alive. */
  post(body: Uint8Array): Promise<PostOutcome>;
  close(): void;
}

/** Status codes after which OTLP lets a client try again. */
const retryableCodes: readonly number[] = [429, 502, 503, 504];

const maxRetryAfterMs = 30_000;

/** Sends OTLP requests over one connection that is kept open between them. */
export function createCollectorClient(options: CollectorClientOptions): CollectorClient {
  const { url, clock } = options;
  const isSecure = url.protocol === "https:";
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true, maxSockets: 1, ...options.tls })
    : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const contentType = options.contentType ?? "application/x-protobuf";
  const headers = { ...options.headers, "content-type": contentType };

  function attempt(body: Uint8Array, isSecondAttempt: boolean): Promise<PostOutcome> {
    return new Promise((resolve) => {
      const open = {
        method: "POST",
        agent,
        headers: { ...headers, "content-length": body.length },
      };
      const sent: ClientRequest = withoutTracing(() =>
        isSecure ? requestHttps(url, open) : requestHttp(url, open),
      );
      const cancelTimeout = clock.after(options.timeoutMs, () =>
        sent.destroy(new Error(`No answer within ${options.timeoutMs} ms.`)),
      );
      const finish = (outcome: PostOutcome) => {
        cancelTimeout();
        resolve(outcome);
      };
      sent.on("socket", (socket) => call(socket, "unref"));
      sent.on("error", (error) => {
        // The collector may close an idle connection at the moment we use it; that says nothing about it.
        if (
          sent.reusedSocket &&
          !isSecondAttempt &&
          "code" in error &&
          error.code === "ECONNRESET"
        ) {
          cancelTimeout();
          resolve(attempt(body, true));
          return;
        }
        finish({ status: "retryable", message: error.message });
      });
      sent.on("response", (response) => {
        const outcome = outcomeOf(response.statusCode ?? 0, response.headers["retry-after"]);
        response.on("error", () => finish(outcome));
        response.on("end", () => finish(outcome));
        response.resume();
      });
      sent.end(body);
    });
  }

  return {
    async post(body) {
      try {
        return await attempt(body, false);
      } catch (error) {
        // A header that may not be sent, for one: no later attempt would do better.
        return { status: "permanent", message: String(error) };
      }
    },
    close: () => agent.destroy(),
  };
}

function outcomeOf(statusCode: number, retryAfter: string | undefined): PostOutcome {
  if (statusCode >= 200 && statusCode < 300) {
    return { status: "accepted" };
  }
  const message = `It answered with status ${statusCode}.`;
  if (!retryableCodes.includes(statusCode)) {
    return { status: "permanent", message };
  }
  const retryAfterMs = Number(retryAfter) * 1000;
  return retryAfterMs >= 0
    ? { status: "retryable", retryAfterMs: Math.min(retryAfterMs, maxRetryAfterMs), message }
    : { status: "retryable", message };
}
