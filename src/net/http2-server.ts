import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { Http2Connection, type ServerClock, type ServerKeepalive } from "./http2-connection.ts";
import { protocolOf } from "./http2-preface.ts";
import { addressText, listenProblem } from "./listen-problem.ts";
import { type ListenAddress, type OwnedSockets, unsharedSockets } from "./listening-sockets.ts";
import type { ServerTls } from "./server-tls.ts";
import { TlsAcceptor } from "./tls-acceptor.ts";

/** Why a connection brought no stream, or ended before all of one had arrived. A closed list, fit for a label. */
export const brokenConnections = [
  "malformed_http",
  "flood",
  "timeout",
  "too_many_connections",
  "unexpected_http1",
  "unexpected_tls",
  "tls_handshake",
] as const;
export type BrokenConnection = (typeof brokenConnections)[number];

/** Port 0 takes any free port; the one taken is in `Http2Server.port`. */
export interface Http2ListenOptions {
  readonly address: ListenAddress;
  /** Serves over TLS, with changed files as long as it listens. */
  readonly tls?: ServerTls;
  /** Opens the socket, or takes it over at a reload; by default a socket of this server alone. */
  readonly sockets?: OwnedSockets;
  /** Gets each stream with its headers. Must not throw. */
  readonly onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
  /** Called once for every connection that breaks. `code` is the reason of the runtime for a handshake of TLS. Must not throw. */
  readonly onBroken?: (reason: BrokenConnection, code?: string) => void;
  /** Called with errors of the listening socket. Must not throw. */
  readonly onError?: (error: unknown) => void;
  /** What a client of HTTP/1.1 is told. */
  readonly http1Answer: string;
  readonly maxConcurrentStreams: number;
  readonly keepalive: ServerKeepalive;
  readonly clock: ServerClock;
  readonly random: () => number;
  /** Connections at a time; 1000. A further one takes the place of the one that is idle for longest; if all are busy, it is closed at once. */
  readonly maxConnections?: number;
}

/** A server that listens. */
export interface Http2Server {
  /** The bound address, e.g. `127.0.0.1` for `localhost`; the path of a unix socket, and then no port. */
  readonly host: string;
  readonly port: number;
  /** The bound address as text, e.g. `127.0.0.1:4317`. */
  readonly endpoint: string;
  /**
   * Stops accepting connections, tells clients to open no more streams (GOAWAY), lets those that are open end, but for clients that
   * send nothing for a second in the middle of a request, and resolves when all are closed. When `deadline` aborts, the remaining
   * connections are closed. Safe to call twice.
   */
  close(deadline: AbortSignal): Promise<void>;
}

/** HTTP/2's own 64 KiB make the sender of a large message wait for permission again and again. */
const windowBytes = 1024 * 1024;

/** More than the headers of any exporter; the handler sees what is longer than its own limit and can answer. */
const maxHeaderListSize = 32_768;

/** How long a client may take to say that it speaks HTTP/2. */
const prefaceTimeoutMs = 15_000;

/** How long a client that was told to leave may stay silent. */
const lingerMs = 1_000;

/**
 * Opens a server of HTTP/2. It keeps the open sockets, `maxConnections` at most, and the streams on them. Rejects with an `Error` that
 * names the address and the reason if it cannot listen. No input of a client can end the process.
 */
export async function listenHttp2(options: Http2ListenOptions): Promise<Http2Server> {
  const { clock } = options;
  const maxConnections = options.maxConnections ?? 1000;
  const sockets = new Set<Socket>();
  const connections = new Map<Socket, Http2Connection>();
  const onEmpty: (() => void)[] = [];
  let isClosing = false;

  const server = createServer({
    settings: {
      initialWindowSize: windowBytes,
      maxConcurrentStreams: options.maxConcurrentStreams,
      maxHeaderListSize,
      enablePush: false,
    },
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // As many as one client may have at a time, and then some per second: a deadline resets a stream.
    streamResetBurst: options.maxConcurrentStreams + 100,
    streamResetRate: 50,
  });
  server.on("sessionError", () => {});

  const onSession = (session: ServerHttp2Session, socket: Socket) => {
    const connection = new Http2Connection(session, socket, {
      keepalive: options.keepalive,
      clock,
      random: options.random,
      onFlood: () => options.onBroken?.("flood"),
    });
    connections.set(socket, connection);
    session.setLocalWindowSize(windowBytes);
    session.on("error", (error: NodeJS.ErrnoException) => {
      const reason = reasonOf(error);
      if (reason !== undefined) {
        options.onBroken?.(reason);
      }
    });
    session.on("stream", (stream, headers) => {
      stream.on("error", () => {}); // 'close' follows
      connection.add(stream);
      options.onStream(stream, headers);
    });
    if (isClosing) {
      connection.retireSoon();
    }
  };

  const speak = (socket: Socket) => {
    server.once("session", (session) => onSession(session, socket));
    server.emit("connection", socket);
  };

  /** Hands a connection to HTTP/2 when its first bytes are those of HTTP/2. */
  const open = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // 'close' follows
    socket.once("close", () => {
      sockets.delete(socket);
      connections.delete(socket);
      if (sockets.size === 0) {
        for (const resolve of onEmpty.splice(0)) {
          resolve();
        }
      }
    });
    if (socket instanceof TLSSocket && socket.alpnProtocol === "h2") {
      speak(socket);
      return;
    }
    readFirstBytes(socket, clock, (protocol) => {
      switch (protocol) {
        case "http2":
          speak(socket);
          return;
        case "http1":
          options.onBroken?.("unexpected_http1");
          dismiss(socket, options.http1Answer);
          return;
        case "tls":
          options.onBroken?.("unexpected_tls");
          // Clients of TLS know this answer, and say what is wrong.
          dismiss(
            socket,
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
          );
          return;
        case "other":
          options.onBroken?.("malformed_http");
          socket.destroy();
          return;
        case undefined:
          options.onBroken?.("timeout");
          socket.destroy();
          return;
        default: {
          const never: never = protocol;
          return never;
        }
      }
    });
  };

  const acceptor =
    options.tls === undefined
      ? undefined
      : new TlsAcceptor({
          tls: options.tls,
          protocols: ["h2"],
          handshakeTimeoutMs: prefaceTimeoutMs,
          onSecure: open,
          onFailed: (code) => options.onBroken?.("tls_handshake", code),
        });
  const accept = (socket: Socket) => {
    const size = sockets.size + (acceptor?.size ?? 0);
    if (size >= maxConnections && !endLongestIdle(connections.values())) {
      socket.destroy();
      options.onBroken?.("too_many_connections");
    } else if (acceptor === undefined) {
      open(socket);
    } else {
      acceptor.accept(socket);
    }
  };

  const { address } = options;
  const listening = await (options.sockets ?? unsharedSockets())
    .listen(address, accept, (error) => options.onError?.(error))
    .catch((error: unknown) => {
      acceptor?.close();
      throw listenProblem(address, error);
    });
  const { address: of } = listening;
  const bound =
    typeof of === "string"
      ? { host: of, port: 0, endpoint: addressText({ path: of }) }
      : {
          host: of.address,
          port: of.port,
          endpoint: addressText({ host: of.address, port: of.port }),
        };

  return {
    ...bound,
    async close(deadline) {
      const cutAll = () => {
        for (const socket of sockets) {
          connections.get(socket)?.destroy();
          socket.destroy();
        }
      };
      if (!isClosing) {
        isClosing = true;
        listening.close();
        acceptor?.close();
        for (const socket of sockets) {
          const connection = connections.get(socket);
          if (connection === undefined) {
            socket.destroy();
          } else {
            connection.retireSoon();
          }
        }
      }
      if (deadline.aborted) {
        cutAll();
      }
      deadline.addEventListener("abort", cutAll, { once: true });
      if (sockets.size > 0) {
        await new Promise<void>((resolve) => onEmpty.push(resolve));
      }
      deadline.removeEventListener("abort", cutAll);
    },
  };
}

/** Whether a connection could be closed because it is idle. */
function endLongestIdle(connections: Iterable<Http2Connection>): boolean {
  let longest: Http2Connection | undefined;
  for (const each of connections) {
    const sinceMs = each.idleSinceMs;
    if (sinceMs !== undefined && sinceMs < (longest?.idleSinceMs ?? Number.POSITIVE_INFINITY)) {
      longest = each;
    }
  }
  longest?.retire();
  return longest !== undefined;
}

/** Calls `done` with what the client speaks, and leaves the bytes in the socket; with undefined if the client says too little in time. */
function readFirstBytes(
  socket: Socket,
  clock: ServerClock,
  done: (protocol: ReturnType<typeof protocolOf>) => void,
): void {
  let bytes = Buffer.alloc(0);
  const stop = () => {
    cancelTimer();
    socket.off("readable", onReadable).off("close", stop);
  };
  const cancelTimer = clock.after(prefaceTimeoutMs, () => {
    stop();
    done(undefined);
  });
  const onReadable = () => {
    const chunk: unknown = socket.read();
    if (!(chunk instanceof Uint8Array)) {
      return;
    }
    bytes = Buffer.concat([bytes, chunk]);
    const protocol = protocolOf(bytes);
    if (protocol !== undefined) {
      stop();
      socket.unshift(bytes);
      done(protocol);
    }
  };
  socket.on("readable", onReadable).once("close", stop);
}

/** Says one thing and closes the connection. The client may still write: closing at once would reset it, and the client would never read this. */
function dismiss(socket: Socket, answer: string): void {
  socket.end(answer);
  socket.resume();
  socket.setTimeout(lingerMs, () => socket.destroy());
  socket.once("end", () => socket.destroy());
}

function reasonOf({ code = "", message }: NodeJS.ErrnoException): BrokenConnection | undefined {
  if (code === "ERR_HTTP2_ERROR") {
    return /flood/i.test(message) ? "flood" : "malformed_http";
  }
  return code === "ERR_HTTP2_TOO_MANY_INVALID_FRAMES" ? "flood" : undefined;
}
