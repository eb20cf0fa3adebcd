import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import {
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import type { Signal } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";

const services = {
  traces: "trace.v1.TraceService",
  metrics: "metrics.v1.MetricsService",
  logs: "logs.v1.LogsService",
} as const satisfies Record<Signal, string>;

export function exportPath(signal: Signal): string {
  return `/opentelemetry.proto.collector.${services[signal]}/Export`;
}

/** How a call of a real client ended. */
export interface CallResult {
  readonly code: number;
  readonly details: string;
  /** The response; undefined unless the code is OK. */
  readonly response: Uint8Array | undefined;
  readonly metadata: Metadata;
}

export interface CallOptions {
  readonly path?: string;
  readonly channel?: ChannelOptions;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  readonly abort?: AbortSignal;
  /** The authority that is trusted; without it, the call is made without TLS. */
  readonly ca?: string;
}

/** One call of @grpc/grpc-js over a connection of its own. */
export async function callGrpc(
  port: number,
  signal: Signal,
  message: Uint8Array,
  {
    path = exportPath(signal),
    channel = {},
    metadata = {},
    deadlineMs = 10_000,
    abort,
    ca,
  }: CallOptions = {},
): Promise<CallResult> {
  const client = new Client(
    `127.0.0.1:${port}`,
    ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca)),
    {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      ...channel,
    },
  );
  const sent = new Metadata();
  for (const [name, value] of Object.entries(metadata)) {
    sent.set(name, value);
  }
  try {
    return await new Promise<CallResult>((resolve) => {
      const call = client.makeUnaryRequest(
        path,
        (bytes: Uint8Array) => Buffer.from(bytes),
        (bytes) => bytes,
        message,
        sent,
        { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, response) =>
          resolve(
            error === null
              ? { code: 0, details: "", response, metadata: new Metadata() }
              : {
                  code: error.code,
                  details: error.details,
                  response: undefined,
                  metadata: error.metadata,
                },
          ),
      );
      abort?.addEventListener("abort", () => call.cancel(), { once: true });
    });
  } finally {
    client.close();
  }
}

/** The milliseconds that the RetryInfo of a failed call asks for; undefined without one. */
export function retryDelayMsIn({ metadata }: CallResult): number | undefined {
  const info = detailIn(metadata, "RetryInfo");
  if (info === undefined) {
    return undefined;
  }
  const { retryDelay } = otlp.RpcRetryInfo.decode(info);
  return (retryDelay?.seconds?.low ?? 0) * 1000 + (retryDelay?.nanos ?? 0) / 1e6;
}

/** A detail of the google.rpc.Status of a failed call. */
export function detailIn(metadata: Metadata, type: string): Uint8Array | undefined {
  const [bytes] = metadata.get("grpc-status-details-bin");
  const { details = [] } =
    bytes instanceof Uint8Array ? otlp.RpcStatus.decode(bytes) : { details: [] };
  return (
    details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${type}`)?.value ??
    undefined
  );
}

/** An answer as it is on the wire. */
export interface RawAnswer {
  readonly head: IncomingHttpHeaders | undefined;
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly body: Buffer;
  /** The code of the reset. */
  readonly rstCode: number | undefined;
}

/** The `grpc-status`, wherever it is. */
export function grpcStatusOf({ head, trailers }: RawAnswer): string | undefined {
  return [trailers?.["grpc-status"], head?.["grpc-status"]]
    .flat()
    .find((each) => each !== undefined);
}

export function grpcHeaders(more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  return {
    ":method": "POST",
    ":path": exportPath("traces"),
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  };
}

/** A connection of HTTP/2 that sends what no client of gRPC would. */
export function rawSession(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 1000 });
  session.on("error", () => {});
  return session;
}

/** Sends pieces, and ends the request unless it is left open. */
export function rawCall(
  session: ClientHttp2Session,
  pieces: readonly Uint8Array[],
  {
    headers = grpcHeaders(),
    isOpen = false,
  }: { headers?: OutgoingHttpHeaders; isOpen?: boolean } = {},
): { readonly stream: ClientHttp2Stream; readonly answer: Promise<RawAnswer> } {
  const stream = session.request(headers, { endStream: pieces.length === 0 && !isOpen });
  const answer = new Promise<RawAnswer>((resolve) => {
    let head: IncomingHttpHeaders | undefined;
    let trailers: IncomingHttpHeaders | undefined;
    const chunks: Buffer[] = [];
    stream.on("response", (headersOfAnswer) => {
      head = headersOfAnswer;
    });
    stream.on("trailers", (headersOfEnd) => {
      trailers = headersOfEnd;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.on("close", () =>
      resolve({ head, trailers, body: Buffer.concat(chunks), rstCode: stream.rstCode }),
    );
  });
  for (const piece of pieces) {
    stream.write(piece);
  }
  if (!isOpen && pieces.length > 0) {
    stream.end();
  }
  return { stream, answer };
}

/** A message with its prefix. */
export function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
