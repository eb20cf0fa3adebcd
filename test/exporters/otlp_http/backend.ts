import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { afterEach } from "vitest";
import type { ConsumeResult } from "../../../src/component/consumer.ts";
import type { Settings } from "../../../src/component/settings.ts";
import { factory } from "../../../src/exporters/otlp_http/factory.ts";
import type { Payload, Signal } from "../../../src/otlp/payload.ts";
import { noDeadline, testSettings } from "../settings.ts";

export const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

export interface Received {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

type AnswerRequest = (response: ServerResponse, received: Received) => void;

/** A backend on a free port; `answer` sees every request when its body is complete. With `tls` it speaks https. */
export async function backend(answer: AnswerRequest, tls?: ServerOptions) {
  const received: Received[] = [];
  let connections = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = { request, body: Buffer.concat(chunks) };
      received.push(one);
      answer(response, one);
    });
  };
  const server = tls === undefined ? createServer(onRequest) : createSecureServer(tls, onRequest);
  server.on("connection", () => {
    connections += 1;
  });
  server.on("tlsClientError", () => {});
  const port = await listening(server);
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  cleanups.push(close);
  return {
    host: `127.0.0.1:${port}`,
    port,
    received,
    connections: () => connections,
    server,
    close,
  };
}

export async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return port;
}

/** An exporter without queue and retries, so that a sender gets the result of the one attempt. */
export function exporter(
  section: Readonly<Record<string, unknown>>,
  settings: Partial<Settings> = {},
) {
  const test = testSettings("otlp_http");
  const component = factory.create(
    { ...test.settings, ...settings },
    {
      sending_queue: { enabled: false },
      retry_on_failure: { enabled: false },
      ...section,
    },
  );
  cleanups.push(() => component.shutdown(noDeadline()));
  const consumer = (signal: Signal) => component.exporter!.consumer!(signal);
  const consume = (signal: Signal, bytes: Uint8Array = payloadBytes): Promise<ConsumeResult> =>
    consumer(signal).consume({ signal, bytes, items: 3 } satisfies Payload);
  return { ...test, component, consumer, consume };
}

export const payloadBytes = Uint8Array.from({ length: 5_000 }, (_, index) => (index * 7) % 256);

/** Full success. */
export function ok(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
}
