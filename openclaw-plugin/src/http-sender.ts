import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { version } from "./relay-version.ts";

/** What became of one request. */
export type SendOutcome =
  | {
      readonly status: "accepted";
      /** Whether a new connection was made for it: the collector may be another one than before. */
      readonly isNewConnection: boolean;
    }
  | { readonly status: "retryable"; readonly reason: string; readonly retryAfterMs?: number }
  | { readonly status: "permanent"; readonly reason: string };

export interface HttpSender {
  /** Posts a protobuf body to `endpoint` + `path`. Never rejects. `deadline` ends it early. */
  post(path: string, body: Buffer, deadline: AbortSignal): Promise<SendOutcome>;
  /** Closes the connection. */
  close(): void;
}

const requestTimeoutMs = 10_000;

/** Status codes OTLP/HTTP says to retry. */
const retryableStatus = new Set([429, 502, 503, 504]);

/** A sender that keeps one connection open. It uses Node's own client, which takes no time to load. */
export function createHttpSender(options: {
  /** Base address, `http:` or `https:`. */
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
}): HttpSender {
  const isSecure = options.endpoint.protocol === "https:";
  const agentOptions = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1 };
  const agent = isSecure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  const request = isSecure ? httpsRequest : httpRequest;
  const base = options.endpoint.href.replace(/\/+$/, "");

  const post = (path: string, body: Buffer, deadline: AbortSignal): Promise<SendOutcome> =>
    new Promise((resolve) => {
      const timeout = AbortSignal.timeout(requestTimeoutMs);
      const outgoing = request(
        `${base}${path}`,
        {
          agent,
          method: "POST",
          signal: AbortSignal.any([deadline, timeout]),
          headers: {
            "user-agent": `openclaw-activity-relay/${version}`,
            ...options.headers,
            "content-type": "application/x-protobuf",
            "content-length": body.length,
          },
        },
        (response) => {
          response.once("error", (error) => resolve(unreachable(error)));
          response.once("end", () => resolve(outcomeOf(response, !outgoing.reusedSocket)));
          response.resume();
        },
      );
      outgoing.once("error", (error) => {
        // The other side may close an idle connection just when it is used again; that is no failure yet.
        if (outgoing.reusedSocket && isReset(error) && !deadline.aborted) {
          resolve(post(path, body, deadline));
        } else {
          resolve(unreachable(error));
        }
      });
      outgoing.end(body);
    });

  return { post, close: () => agent.destroy() };
}

function outcomeOf(response: IncomingMessage, isNewConnection: boolean): SendOutcome {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    return { status: "accepted", isNewConnection };
  }
  const reason = `it answered ${status}`;
  if (!retryableStatus.has(status)) {
    return { status: "permanent", reason };
  }
  const seconds = Number(response.headers["retry-after"]);
  return Number.isFinite(seconds) && seconds >= 0
    ? { status: "retryable", reason, retryAfterMs: seconds * 1_000 }
    : { status: "retryable", reason };
}

function unreachable(error: Error): SendOutcome {
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return { status: "retryable", reason: code };
}

function isReset(error: Error): boolean {
  return "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
