import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Signal } from "../../src/otlp/payload.ts";
import { success, writeOutcome } from "./outcome.ts";
import { contentTypeOf, grpcPaths, type Transport } from "./transport.ts";
import { messageIn, plainHeaders, type WireAnswer, type WireRequest } from "./wire.ts";

/** A request that reached a backend. */
export interface SeenRequest extends WireRequest {
  readonly transport: Transport;
  readonly signal: Signal;
  readonly atMs: number;
  /** The same for requests of one connection. */
  readonly connection: string;
  /** The message in it, inflated. */
  readonly message: Uint8Array;
}

/** What a backend does with a request: answers, or ends the connection without an answer. */
export type Reply = WireAnswer | "disconnect";

/** A stage that requests pass: the next one, or a mutant in front of it. */
export type Stage = (request: SeenRequest) => Promise<Reply>;

/** The requests of one run of a check, which carry its mark, in order of arrival, and how they are answered. */
export interface Story {
  readonly mark: string;
  readonly requests: SeenRequest[];
  readonly stage: Stage;
}

/** Backends of all transports, which hand every request to the story whose mark it carries. */
export interface Backends {
  readonly endpoints: Readonly<Record<Transport, string>>;
  /** Requests without a mark, e.g. empty ones. */
  readonly unmarked: readonly SeenRequest[];
  /** What the backends do with a request, for one that opens later. */
  readonly take: Stage;
  add(story: Story): void;
  remove(story: Story): void;
  close(): Promise<void>;
}

export const markPattern = /story-\d+-/;

/** Listens on free ports of loopback. */
export async function openBackends(): Promise<Backends> {
  const stories = new Map<string, Story>();
  const unmarked: SeenRequest[] = [];

  const take = async (request: SeenRequest): Promise<Reply> => {
    const [mark = ""] = markPattern.exec(Buffer.from(request.message).toString("latin1")) ?? [];
    const story = stories.get(mark);
    if (story !== undefined) {
      return story.stage(request);
    }
    if (mark === "") {
      unmarked.push(request);
    }
    return accepted(request);
  };
  const http = await openBackend("http", take);
  const grpc = await openBackend("grpc", take);
  return {
    endpoints: {
      "http/protobuf": http.hostPort,
      "http/json": http.hostPort,
      grpc: grpc.hostPort,
    },
    unmarked,
    take,
    add: (story) => void stories.set(story.mark, story),
    remove: ({ mark }) => void stories.delete(mark),
    async close() {
      await http.close();
      await grpc.close();
    },
  };
}

export function accepted({ transport, signal }: SeenRequest): WireAnswer {
  return writeOutcome(transport, signal, success);
}

interface OpenBackend {
  readonly hostPort: string;
  close(): Promise<void>;
}

/** A server of one protocol on `port`, or on a free one. Rejects if the port is taken. */
export async function openBackend(
  protocol: "http" | "grpc",
  stage: Stage,
  port = 0,
): Promise<OpenBackend> {
  const sockets = new Map<number | undefined, Socket>();
  const onRequest = async (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ) => {
    const parts: Uint8Array[] = [];
    try {
      for await (const part of request) {
        parts.push(part);
      }
    } catch {
      return; // The client has left in the middle of its request.
    }
    // The port names the connection: the socket of an HTTP/2 request is only a stand-in.
    const { remotePort } = request.socket;
    const reply = await stage(seenRequest(request, Buffer.concat(parts), String(remotePort)));
    if (reply === "disconnect") {
      sockets.get(remotePort)?.destroy();
    } else {
      write(response, reply);
    }
  };
  const server =
    protocol === "http"
      ? createServer((request, response) => void onRequest(request, response))
      : // Answers that are too long and that a client cancels would use up the memory of a session.
        createHttp2Server(
          { maxSessionMemory: 1000 },
          (request, response) => void onRequest(request, response),
        );
  server.on("connection", (socket: Socket) => {
    sockets.set(socket.remotePort, socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    hostPort: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets.values()) {
          socket.destroy();
        }
      }),
  };
}

function seenRequest(
  request: IncomingMessage | Http2ServerRequest,
  body: Uint8Array,
  connection: string,
): SeenRequest {
  const headers = plainHeaders(request.headers);
  const transport = transportOf(headers["content-type"]);
  const path = request.url ?? "";
  return {
    transport,
    signal: signalOf(path),
    method: request.method ?? "",
    path,
    headers,
    body,
    message: messageIn(transport, { headers, body }),
    atMs: performance.now(),
    connection,
  };
}

function transportOf(contentType = ""): Transport {
  if (contentType.startsWith("application/grpc")) {
    return "grpc";
  }
  return contentType === contentTypeOf("http/json") ? "http/json" : "http/protobuf";
}

function signalOf(path: string): Signal {
  const [signal] = Object.entries(grpcPaths).find(([, each]) => each === path) ?? [];
  const word = signal ?? /(traces|metrics|logs)$/.exec(path)?.[1];
  return word === "metrics" || word === "logs" ? word : "traces";
}

function write(response: ServerResponse | Http2ServerResponse, reply: WireAnswer): void {
  for (const [name, value] of Object.entries(reply.headers)) {
    response.setHeader(name, value);
  }
  response.statusCode = reply.status;
  if (Object.keys(reply.trailers).length > 0) {
    response.addTrailers(reply.trailers);
  }
  response.end(reply.body);
}
