import { type OtlpSink, openSink } from "../../support/otlp-sink.ts";
import type { RunningCollector } from "../../support/process.ts";
import { openGrpcRecorder } from "./grpc-recorder.ts";
import { runPeer } from "./peer-run.ts";
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
  const recorder = await openGrpcRecorder();
  return {
    port: recorder.port,
    requests: () => recorder.requests,
    close: () => recorder.close(),
  };
}

/** What the program sends when nothing is in between. */
export async function sentBy(
  command: readonly string[],
  protocol: Protocol,
): Promise<readonly ItemsRequest[]> {
  const recorder = await openRecorder(protocol);
  try {
    const run = await runPeer(command, protocol, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${recorder.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    });
    if (run.exitCode !== 0 || run.output !== "") {
      throw new Error(`The program failed with ${run.exitCode}: ${run.output}`);
    }
    return recorder.requests();
  } finally {
    await recorder.close();
  }
}

export function requestsOf(sink: OtlpSink): readonly ItemsRequest[] {
  return sink.requests.map(({ signal, bytes, contentType }) => ({
    signal,
    bytes,
    isJson: contentType.includes("json"),
  }));
}

/** Where a collector takes requests of this protocol. */
export function receiverPort({ endpoints }: RunningCollector, protocol: Protocol): number {
  return portOf(protocol === "grpc" ? `http://${endpoints.otlpGrpc}` : endpoints.otlp);
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
