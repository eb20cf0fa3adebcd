import type { IncomingHttpHeaders } from "node:http";
import { openGrpcSink } from "../../support/grpc-sink.ts";
import { type OtlpSink, openSink } from "../../support/otlp-sink.ts";
import type { Protocol } from "./peers.ts";
import type { ItemsRequest } from "./telemetry-items.ts";

export interface RecordedPeerRequest extends ItemsRequest {
  /** `none` or what the client says. */
  readonly compression: string;
}

/** A server that takes everything and keeps it. */
export interface Recorder {
  readonly port: number;
  requests(): readonly RecordedPeerRequest[];
  close(): Promise<void>;
}

/** Listens on a free port for requests of this protocol. */
export async function openRecorder(protocol: Protocol): Promise<Recorder> {
  if (protocol !== "grpc") {
    const sink = await openSink();
    return { port: portOf(sink.url), requests: () => requestsOf(sink), close: () => sink.close() };
  }
  const sink = await openGrpcSink();
  return {
    port: sink.port,
    requests: () =>
      sink.requests.map(({ signal, bytes, metadata }) => ({
        signal,
        bytes,
        isJson: false,
        compression: String(metadata.get("grpc-encoding")[0] ?? "none"),
      })),
    close: async () => sink.close(),
  };
}

export function requestsOf(sink: OtlpSink): readonly RecordedPeerRequest[] {
  return sink.requests.map(({ signal, bytes, contentType, headers }) => ({
    signal,
    bytes,
    isJson: contentType.includes("json"),
    compression: compressionOf(headers),
  }));
}

export function portOf(url: string): number {
  return Number(new URL(url).port);
}

function compressionOf(headers: IncomingHttpHeaders): string {
  return headers["content-encoding"] ?? "none";
}
