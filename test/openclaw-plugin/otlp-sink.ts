import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { decodeLogs, decodeSpans, type ReceivedLog, type ReceivedSpan } from "./otlp-decoder.ts";

/** An OTLP/HTTP receiver that remembers everything. */
export interface OtlpSink {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  readonly logs: readonly ReceivedLog[];
  /** Every request with its body as sent, accepted or not. */
  readonly requests: readonly {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: Buffer;
  }[];
  /** What it answers from now on; default 200. Nothing at all while it is `undefined`. */
  answer: { readonly status: number; readonly headers?: Record<string, string> } | undefined;
  /** Resolves when `isTrue`, looked at after every request. Rejects after 20 s, telling `what`. */
  until(what: string, isTrue: () => boolean, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** @param port where to listen; default any free port of 127.0.0.1 */
export async function startSink(port = 0): Promise<OtlpSink> {
  const spans: ReceivedSpan[] = [];
  const logs: ReceivedLog[] = [];
  const requests: { path: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];
  const watchers = new Set<() => void>();
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const path = request.url ?? "";
      requests.push({ path, headers: request.headers, body });
      const { answer } = sink;
      if (answer?.status === 200) {
        if (path === "/v1/traces") {
          spans.push(...decodeSpans(body));
        } else if (path === "/v1/logs") {
          logs.push(...decodeLogs(body));
        }
      }
      if (answer !== undefined) {
        response.writeHead(answer.status, answer.headers).end();
      }
      for (const watch of [...watchers]) {
        watch();
      }
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  const sink: OtlpSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    logs,
    requests,
    answer: { status: 200 },
    until: (what, isTrue, timeoutMs = 20_000) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (isTrue()) {
            clearTimeout(timer);
            watchers.delete(watch);
            resolve();
          }
        };
        const timer = setTimeout(() => {
          watchers.delete(watch);
          reject(new Error(`Not within ${timeoutMs} ms: ${what}.`));
        }, timeoutMs);
        watchers.add(watch);
        watch();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
  return sink;
}
