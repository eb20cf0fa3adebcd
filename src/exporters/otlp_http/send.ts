import { promisify } from "node:util";
import { gzip, zstdCompress } from "node:zlib";
import type { Dispatcher } from "undici";
import { abortReasons } from "../../delivery/attempt.ts";
import type { SendOutcome } from "./outcome.ts";
import type { Target } from "./target.ts";

export type Compression = "gzip" | "zstd" | "none";

export interface SendRequest {
  readonly target: Target;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Aborts the request; its reason becomes the outcome. */
  readonly signal: AbortSignal;
}

export interface Sent {
  readonly outcome: SendOutcome;
  /** The answer to a success when it is protobuf and was read whole. */
  readonly response?: Uint8Array;
}

/** No answer of OTLP is longer than this; the Collector has the same limit. */
const maxResponseBytes = 65_536;

const compressGzip = promisify(gzip);
const compressZstd = promisify(zstdCompress);

/** The bytes to send; the payload itself if there is no compression. */
export async function compressed(bytes: Uint8Array, compression: Compression): Promise<Uint8Array> {
  switch (compression) {
    case "gzip":
      return compressGzip(bytes);
    case "zstd":
      return compressZstd(bytes);
    case "none":
      return bytes;
    default: {
      const never: never = compression;
      return never;
    }
  }
}

/**
 * Sends one POST and returns its outcome. Rejects only because of a bug; every failure of the network or the backend is an
 * outcome. Nothing after the status line of an answer can change it: a success whose body
 * breaks off is a success, or the backend would get the same data twice.
 */
export async function send(dispatcher: Dispatcher, request: SendRequest): Promise<Sent> {
  const { target, headers, body, signal } = request;
  try {
    const response = await dispatcher.request({
      origin: target.origin,
      path: target.path,
      method: "POST",
      headers,
      body,
      signal,
    });
    const outcome = {
      kind: "answered",
      status: response.statusCode,
      retryAfter: firstOf(response.headers["retry-after"]),
    } as const;
    const answer = await readUpTo(response.body, maxResponseBytes);
    const isProtobuf = /^application\/x-protobuf\b/i.test(
      firstOf(response.headers["content-type"]) ?? "",
    );
    return answer !== undefined && isProtobuf && response.statusCode < 300
      ? { outcome, response: answer }
      : { outcome };
  } catch (error) {
    if (signal.aborted) {
      return {
        outcome: { kind: signal.reason === abortReasons.shutdown ? "shutdown" : "timeout" },
      };
    }
    if (error instanceof TypeError || codeOf(error) === "UND_ERR_INVALID_ARG") {
      throw error;
    }
    return { outcome: { kind: "failed", code: codeOf(error) } };
  }
}

/** `undefined` when the body is longer or breaks off. Reading it to its end keeps the connection for the next request. */
async function readUpTo(
  body: AsyncIterable<unknown>,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body) {
      if (chunk instanceof Uint8Array) {
        sizeBytes += chunk.byteLength;
        chunks.push(chunk);
      }
      if (sizeBytes > maxBytes) {
        return undefined;
      }
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
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
