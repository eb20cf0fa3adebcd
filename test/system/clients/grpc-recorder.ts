import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import type { Signal } from "../../../src/otlp/payload.ts";
import type { ItemsRequest } from "./telemetry-items.ts";

/** More than a program sends: behind a tap the client sends as much as another server allows it. */
const windowBytes = 16 * 1024 * 1024;

const signals: Readonly<Record<string, Signal>> = {
  "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
  "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
  "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
};

/** A server of OTLP/gRPC that takes everything. */
export interface GrpcRecorder {
  readonly port: number;
  readonly requests: readonly ItemsRequest[];
  close(): Promise<void>;
}

/**
 * Listens on a free port. Not made with a library for gRPC: a request counts as soon as its last byte is here, even if its client leaves at that moment,
 * where a library would cancel the call.
 */
export async function openGrpcRecorder(): Promise<GrpcRecorder> {
  const requests: ItemsRequest[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({ settings: { initialWindowSize: windowBytes } });
  server.on("session", (session) => {
    session.setLocalWindowSize(windowBytes);
    sessions.add(session);
    session.on("error", () => {}).on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    const parts: Buffer[] = [];
    stream
      .on("error", () => {})
      .on("data", (part: Buffer) => parts.push(part))
      .on("end", () => {
        const signal = signals[headers[":path"] ?? ""];
        if (signal !== undefined) {
          requests.push({ signal, bytes: messageIn(Buffer.concat(parts)), isJson: false });
        }
        answer(stream, signal !== undefined);
      });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) {
          session.destroy();
        }
      }),
  };
}

/** The message of a call, after a byte that says whether it is compressed and four with its length. */
function messageIn(body: Buffer): Uint8Array {
  const message = body.subarray(5, 5 + body.readUInt32BE(1));
  return body[0] === 1 ? gunzipSync(message) : message;
}

function answer(stream: ServerHttp2Stream, isKnown: boolean): void {
  if (stream.closed || stream.destroyed) {
    return;
  }
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": isKnown ? "0" : "12" }));
  stream.end(Buffer.alloc(5));
}
