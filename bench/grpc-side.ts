// One side of grpc.bench.ts: sends or receives unary calls with one of two implementations of gRPC.
import { lookup } from "node:dns/promises";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { promisify } from "node:util";
import {
  Client,
  compressionAlgorithms,
  credentials,
  Server,
  ServerCredentials,
} from "@grpc/grpc-js";
import { accepted } from "../src/component/consumer.ts";
import { GrpcChannel } from "../src/exporters/otlp_grpc/grpc-channel.ts";
import { openConnection } from "../src/exporters/otlp_grpc/grpc-connection.ts";
import { compress } from "../src/net/compress.ts";
import { FairShares, type RequestShare } from "../src/net/fair-shares.ts";
import { listenHttp2 } from "../src/net/http2-server.ts";
import { inflate } from "../src/net/inflate.ts";
import { grpcSchema, serverOptionsOf } from "../src/receivers/otlp/grpc-config.ts";
import { grpcRouteOf } from "../src/receivers/otlp/grpc-route.ts";
import { ServerCall } from "../src/receivers/otlp/server-call.ts";
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
const maxBytes = 64 * 1024 * 1024;
const noBytes = Buffer.alloc(0);
const consumers = new Map([["traces" as const, { consume: async () => accepted }]]);

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

/** The server of the `otlp` receiver, without what it does with a message. */
async function http2Server(): Promise<number> {
  const shares = new FairShares({ maxRequests: 1000, limitBytes: 8 * maxBytes }, systemClock);
  const { port: taken } = await listenHttp2({
    address: { host: "127.0.0.1", port: 0 },
    clock: systemClock,
    random: Math.random,
    http1Answer: "",
    ...serverOptionsOf(grpcSchema.parse({})),
    onStream(stream, headers, connection) {
      void answer(stream, headers, shares.enter({ peer: "a", connection }));
      return () => {};
    },
  });
  return taken;
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  share: RequestShare,
): Promise<void> {
  const route = grpcRouteOf(headers, consumers);
  if ("status" in route) {
    throw new Error(`The call was refused: ${route.message}`);
  }
  const call = new ServerCall(stream, systemClock, route.timeoutMs);
  const message = await call.read({ maxBytes, share });
  if (typeof message === "string") {
    throw new Error(`The message did not arrive: ${message}.`);
  }
  if (message.isCompressed) {
    await inflate(message.bytes, route.content, { maxBytes, slots: (task) => task() });
  }
  share.leave();
  call.answer({ message: noBytes });
}
