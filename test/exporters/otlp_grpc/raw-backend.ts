import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import type { Credentials } from "../../support/certificates.ts";

export interface RawRequest {
  readonly headers: IncomingHttpHeaders;
  /** With the prefix of gRPC. */
  readonly framed: Buffer;
}

/** A server of HTTP/2 whose answers the test writes itself, because no gRPC server would. */
export interface RawBackend {
  readonly port: number;
  readonly requests: readonly RawRequest[];
  readonly sessions: readonly ServerHttp2Session[];
  /** Resolves when so many requests have arrived whole. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

/** `answer` gets each request when it is whole. */
export async function openRawBackend(
  answer: (stream: ServerHttp2Stream, request: RawRequest) => void,
  {
    tls,
    onStream,
  }: { readonly tls?: Credentials; readonly onStream?: (stream: ServerHttp2Stream) => void } = {},
): Promise<RawBackend> {
  const requests: RawRequest[] = [];
  const sessions: ServerHttp2Session[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = tls === undefined ? createServer() : createSecureServer({ ...tls });
  server.on("session", (session: ServerHttp2Session) => {
    session.on("error", () => {});
    sessions.push(session);
  });
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => {});
    onStream?.(stream);
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const request = { headers, framed: Buffer.concat(chunks) };
      requests.push(request);
      answer(stream, request);
      for (const { count, resolve } of waiting) {
        if (requests.length >= count) {
          resolve();
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    sessions,
    arrived: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve })),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) {
        session.destroy();
      }
      await closed;
    },
  };
}

/** The answer of a gRPC server: head, messages, trailers. */
export function respond(
  stream: ServerHttp2Stream,
  {
    body = frame(Buffer.alloc(0)),
    head = {},
    trailers = { "grpc-status": "0" },
  }: {
    readonly body?: Buffer;
    readonly head?: Readonly<Record<string, string | number>>;
    readonly trailers?: Readonly<Record<string, string>>;
  } = {},
): void {
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.respond(
    { ":status": 200, "content-type": "application/grpc+proto", ...head },
    { waitForTrailers: true },
  );
  stream.end(body);
}

export function frame(message: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** A server that is none of HTTP/2: `talk` gets each connection. */
export async function openTcp(
  talk: (socket: Socket) => void,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) {
        socket.destroy();
      }
      await closed;
    },
  };
}

/** A network before a server. `cut` lets the connections that are open drop everything from now on, without an end. */
export async function openNetwork(behind: number) {
  const sockets: Socket[] = [];
  const network = await openTcp((socket) => {
    sockets.push(socket);
    const onward = connect(behind, "127.0.0.1");
    onward.on("error", () => {});
    socket.pipe(onward).pipe(socket);
    socket.on("close", () => onward.destroy());
  });
  return {
    ...network,
    endpoint: `127.0.0.1:${network.port}`,
    sockets,
    cut() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.resume();
      }
    },
    /** Resolves when something is dropped on the connection. */
    dropped: (connection: number) =>
      new Promise<void>((resolve) => sockets[connection]?.once("data", () => resolve())),
    closed: (connection: number) =>
      new Promise<void>((resolve) => sockets[connection]?.once("close", () => resolve())),
  };
}
