// One side of grpc.bench.ts: sends or receives unary calls with one of two implementations of gRPC.
import { lookup } from "node:dns/promises";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import {
  Client,
  compressionAlgorithms,
  credentials,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { GrpcChannel } from "../src/exporters/otlp_grpc/grpc-channel.ts";
import { openConnection } from "../src/exporters/otlp_grpc/grpc-connection.ts";
import { compress } from "../src/net/compress.ts";
import { messagePrefix } from "../src/net/grpc-protocol.ts";
import { systemClock } from "../src/system-clock.ts";
import { recordTurns } from "./gateway-bodies.ts";

export type Library = "grpc-js" | "http2";
export type Load = "large" | "gzip" | "small";

/** What a client is to do. */
export interface CallOrder {
  readonly load: Load;
  readonly calls: number;
}

const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const concurrency = 10;
/** HTTP/2's own 64 KB make the sender of a large message wait for permission again and again. */
const windowBytes = 1024 * 1024;
const maxBytes = 64 * 1024 * 1024;
const inflate = promisify(gunzip);
const noBytes = Buffer.alloc(0);

const [role = "", library = "", port = ""] = process.argv.slice(2);

process.once("disconnect", () => process.exit(0));
if (role === "server") {
  process.send?.(library === "grpc-js" ? await grpcJsServer() : await http2Server());
} else {
  const body = recordTurns(0).ends.bytes;
  const bodies: Record<Load, Buffer> = { large: body, gzip: body, small: body.subarray(0, 4096) };
  process.on("message", ({ load, calls }: CallOrder) => {
    void run({ call: callsOf(load === "gzip"), body: bodies[load], calls }).then(() =>
      process.send?.("done"),
    );
  });
  process.send?.("ready");
}

type Call = (body: Buffer) => Promise<void>;

const open = new Map<boolean, Call>();

function callsOf(isGzip: boolean): Call {
  const known = open.get(isGzip);
  if (known !== undefined) {
    return known;
  }
  const call = library === "grpc-js" ? grpcJsClient(isGzip) : http2Client(isGzip);
  open.set(isGzip, call);
  return call;
}

async function run({
  call,
  body,
  calls,
}: {
  readonly call: Call;
  readonly body: Buffer;
  readonly calls: number;
}): Promise<void> {
  let left = calls;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      await call(body);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

function grpcJsClient(isGzip: boolean): Call {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.default_compression_algorithm": isGzip
      ? compressionAlgorithms.gzip
      : compressionAlgorithms.identity,
  });
  return (body) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        (bytes: Buffer) => bytes,
        (bytes) => bytes,
        body,
        { deadline: Date.now() + 60_000 },
        (error) => (error === null ? resolve() : reject(error)),
      );
    });
}

/** The client of the `otlp_grpc` exporter. */
function http2Client(isGzip: boolean): Call {
  const signal = new AbortController().signal;
  const channel = new GrpcChannel({
    host: "127.0.0.1",
    balancer: "round_robin",
    waitForReady: false,
    clock: systemClock,
    random: Math.random,
    lookup: (host) => lookup(host, { all: true }),
    open: (host) =>
      openConnection({
        host,
        port: Number(port),
        serverName: host,
        clock: systemClock,
        timeoutMs: 60_000,
        stop: signal,
      }),
  });
  const headers = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    "grpc-timeout": "60S",
    ...(isGzip ? { "grpc-encoding": "gzip" } : {}),
  };
  return async (body) => {
    const message = await compress(body, isGzip ? "gzip" : "none");
    const picked = await channel.pick(signal);
    const end = picked.ok
      ? await picked.connection.call({ headers, message, isCompressed: isGzip }, signal)
      : picked.end;
    if (end.kind !== "answered" || end.answer.code !== "OK") {
      throw new Error(`The call ended: ${JSON.stringify(end)}`);
    }
  };
}

async function grpcJsServer(): Promise<number> {
  const server = new Server({ "grpc.max_receive_message_length": maxBytes });
  server.addService(
    {
      export: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    {
      export: (_call: unknown, answer: (error: null, bytes: Buffer) => void) =>
        answer(null, noBytes),
    },
  );
  return promisify(server.bindAsync.bind(server))(
    "127.0.0.1:0",
    ServerCredentials.createInsecure(),
  );
}

async function http2Server(): Promise<number> {
  const server = createServer({ settings: { initialWindowSize: windowBytes } });
  server.on("session", (session) => session.setLocalWindowSize(windowBytes));
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        stream.close();
      }
      chunks.push(chunk);
    });
    stream.on("end", () => void answer(stream, headers, Buffer.concat(chunks, size)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  framed: Buffer,
): Promise<void> {
  const message = framed.subarray(5, 5 + framed.readUInt32BE(1));
  if (framed[0] === 1 && headers["grpc-encoding"] === "gzip") {
    await inflate(message, { maxOutputLength: maxBytes });
  }
  stream.respond(
    { ":status": 200, "content-type": "application/grpc+proto" },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(messagePrefix(0, false));
}
