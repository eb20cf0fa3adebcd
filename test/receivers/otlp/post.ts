import { Agent, request as httpRequest } from "node:http";
import type { Encoding } from "../../../src/otlp/encode.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { contentTypes } from "./otlp-requests.ts";

export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface PostOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  /** Sent piece by piece without an announced length. */
  readonly isChunked?: boolean;
}

/** One request over a connection of its own, unless an agent says otherwise. */
export function post(url: string, body: Uint8Array, options: PostOptions = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      {
        method: options.method ?? "POST",
        headers: options.headers ?? {},
        agent: options.agent ?? new Agent({ keepAlive: false }),
      },
      (response) => {
        const parts: Uint8Array[] = [];
        response.on("data", (part: Uint8Array) => parts.push(part));
        response.on("end", () => {
          const headers = Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, value?.toString()]),
          );
          resolve({
            status: response.statusCode ?? 0,
            headers,
            body: new Uint8Array(Buffer.concat(parts)),
          });
        });
      },
    );
    request.on("error", reject);
    if (options.isChunked === true) {
      for (let at = 0; at < body.length; at += 1000) {
        request.write(body.subarray(at, at + 1000));
      }
      request.end();
    } else {
      request.end(body);
    }
  });
}

export function typed(
  encoding: Encoding,
  more: Readonly<Record<string, string>> = {},
): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { "Content-Type": contentTypes[encoding], ...more } };
}

/** The google.rpc.Status in an answer, which must be in the encoding that its Content-Type says. */
export function statusOf({ headers, body }: Received): { code: number; message: string } {
  const decoded =
    headers["content-type"] === "application/json"
      ? JSON.parse(new TextDecoder().decode(body))
      : otlp.RpcStatus.decode(body);
  return { code: decoded.code, message: decoded.message };
}
