import { openGrpcSink } from "../../support/grpc-sink.ts";
import { type OtlpSink, openSink } from "../../support/otlp-sink.ts";
import type { Protocol } from "./peers.ts";
import type { ItemsRequest } from "./telemetry-items.ts";

/** A server that takes everything and keeps it. */
export interface Recorder {
  readonly port: number;
  requests(): readonly ItemsRequest[];
  close(): Promise<void>;
}

/** Listens on a free port for requests of this protocol. */
export async function openRecorder(protocol: Protocol): Promise<Recorder> {
  if (protocol !== "grpc") {
    // Behind a tap it is not for this end to close a connection.
    const sink = await openSink(0, 0);
    return { port: portOf(sink.url), requests: () => requestsOf(sink), close: () => sink.close() };
  }
  const sink = await openGrpcSink();
  return {
    port: sink.port,
    requests: () => sink.requests.map(({ signal, bytes }) => ({ signal, bytes, isJson: false })),
    close: async () => sink.close(),
  };
}

export function requestsOf(sink: OtlpSink): readonly ItemsRequest[] {
  return sink.requests.map(({ signal, bytes, contentType }) => ({
    signal,
    bytes,
    isJson: contentType.includes("json"),
  }));
}

export function portOf(url: string): number {
  return Number(new URL(url).port);
}
