import { abortReasons } from "../../delivery/attempt.ts";
import type { Route } from "../../net/connections.ts";
import { ProxyError } from "../../net/proxy.ts";
import type { Answer } from "./backend-answer.ts";
import type { SendOutcome } from "./outcome.ts";

export interface SendRequest {
  readonly route: Route;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Aborts the request; its reason becomes the outcome. */
  readonly signal: AbortSignal;
}

/** No answer of OTLP is longer than this; the Collector has the same limit. */
const maxAnswerBytes = 65_536;

/**
 * Sends one POST and returns its outcome. Follows no redirects. Rejects only because of a bug; every failure of the network or the backend
 * is an outcome. Nothing after the status line of an answer can change what became of the data: a success whose body breaks off is a
 * success, or the backend would get the same data twice.
 */
export async function send({ route, headers, body, signal }: SendRequest): Promise<SendOutcome> {
  try {
    const { dispatcher, origin, path } = route;
    const allHeaders = { ...route.headers, ...headers };
    const response = await unlessAborted(
      dispatcher.request({ origin, path, method: "POST", headers: allHeaders, body, signal }),
      signal,
    );
    const answer = await readAnswer(response.body, {
      contentType: firstOf(response.headers["content-type"]) ?? "",
      signal,
    });
    return {
      kind: "answered",
      status: response.statusCode,
      retryAfter: firstOf(response.headers["retry-after"]),
      answer,
    };
  } catch (error) {
    if (signal.aborted) {
      return { kind: signal.reason === abortReasons.shutdown ? "shutdown" : "timeout" };
    }
    if (error instanceof ProxyError) {
      return { kind: "failed_at_proxy", code: error.code };
    }
    if (error instanceof TypeError || codeOf(error) === "UND_ERR_INVALID_ARG") {
      throw error;
    }
    return { kind: "failed", code: codeOf(error) };
  }
}

/**
 * Rejects as soon as `signal` aborts. undici looks at the signal only when the request has a connection, and then does not send it; a
 * request that waits for one would hold up its timeout and a shutdown.
 */
async function unlessAborted<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) {
    onAbort();
  }
  try {
    return await Promise.race([request, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Reads an answer to its end, which keeps the connection for the next request, or up to the limit. */
async function readAnswer(
  body: AsyncIterable<unknown>,
  { contentType, signal }: { readonly contentType: string; readonly signal: AbortSignal },
): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body) {
      if (chunk instanceof Uint8Array) {
        sizeBytes += chunk.byteLength;
        chunks.push(chunk);
      }
      if (sizeBytes > maxAnswerBytes) {
        return { kind: "too_long" };
      }
    }
  } catch {
    if (!signal.aborted) {
      return { kind: "cut_short" };
    }
    return { kind: signal.reason === abortReasons.shutdown ? "aborted" : "too_slow" };
  }
  return { kind: "whole", contentType, bytes: Buffer.concat(chunks) };
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** The code of the system or of undici; the name where there is none, as with an answer that is not HTTP. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) {
    return undefined;
  }
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
