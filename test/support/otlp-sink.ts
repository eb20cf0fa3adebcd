import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import type { Signal } from "../../src/otlp/payload.ts";

export interface SinkRequest {
  readonly signal: Signal;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly contentType: string;
  /** When it arrived. */
  readonly atMs: number;
  /** Inflated. */
  readonly bytes: Uint8Array;
}

export interface SinkAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes the body from that of the request; default none, which is full success. */
  readonly body?: (request: SinkRequest) => Uint8Array;
}

/** An OTLP/HTTP backend that keeps what it is sent. */
export interface OtlpSink {
  readonly url: string;
  /** In order of arrival; also those that were answered with an error. */
  readonly requests: readonly SinkRequest[];
  /** How all further requests are answered; at first with 200. */
  answer: SinkAnswer;
  /** Takes further requests without ever answering. */
  silence(): void;
  /**
   * Resolves to the first thing `find` makes of the requests, which it is asked after each arrival. Rejects
   * after `timeoutMs`.
   */
  until<T>(
    what: string,
    find: (requests: readonly SinkRequest[]) => T | undefined,
    timeoutMs?: number,
  ): Promise<T>;
  close(): Promise<void>;
}

/** Listens on a free port of loopback, or on `port`. Closes a connection on which nothing comes for `idleMs`, by default 5 s; 0: never. */
export async function openSink(port = 0, idleMs = 5_000): Promise<OtlpSink> {
  const requests: SinkRequest[] = [];
  const listeners = new Set<() => void>();
  let isSilent = false;
  const server = createServer(
    { keepAliveTimeout: idleMs },
    (request, response) => void take(request, response),
  );
  server.listen(port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", reject);
  });

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Uint8Array[] = [];
    try {
      for await (const part of request) {
        parts.push(part);
      }
    } catch {
      return; // It broke off, as when its sender is killed: no request.
    }
    const body = Buffer.concat(parts);
    const received: SinkRequest = {
      signal: (request.url ?? "").replace(/^.*\//, "") as Signal,
      path: request.url ?? "",
      headers: request.headers,
      atMs: Date.now(),
      contentType: request.headers["content-type"] ?? "",
      bytes: request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body,
    };
    requests.push(received);
    for (const listener of [...listeners]) {
      listener();
    }
    if (isSilent) {
      return;
    }
    const { status, headers, body: bodyOf } = sink.answer;
    response.writeHead(status, { "content-type": "application/x-protobuf", ...headers });
    response.end(bodyOf?.(received));
  }

  const sink: OtlpSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: { status: 200 },
    silence() {
      isSilent = true;
    },
    until: <T>(
      what: string,
      find: (requests: readonly SinkRequest[]) => T | undefined,
      timeoutMs = 10_000,
    ) =>
      new Promise<T>((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer);
          listeners.delete(look);
          act();
        };
        const timer = setTimeout(
          () =>
            settle(() =>
              reject(new Error(`The backend waited ${timeoutMs} ms in vain until ${what}.`)),
            ),
          timeoutMs,
        );
        const look = () => {
          try {
            const found = find(requests);
            if (found !== undefined) {
              settle(() => resolve(found));
            }
          } catch (error) {
            settle(() => reject(error));
          }
        };
        listeners.add(look);
        look();
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return sink;
}
