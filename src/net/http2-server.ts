import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { dismiss, prefaceTimeoutMs, readFirstBytes } from "./first-bytes.ts";
import {
  type GiveUp,
  Http2Connection,
  type ServerClock,
  type ServerKeepalive,
} from "./http2-connection.ts";
import { addressText, listenProblem } from "./listen-problem.ts";
import {
  type ListenAddress,
  type ListeningSocket,
  type OwnedSockets,
  unsharedSockets,
} from "./listening-sockets.ts";
import { type Heir, OpenConnections } from "./open-connections.ts";
import { maxConnectionsOfPort } from "./open-files-limit.ts";
import { type Peer, peerOf } from "./peer.ts";
import { Seats, seatAbove, seatOf } from "./seats.ts";
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
  "unexpected_plaintext",
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
  /**
   * Gets each stream with its headers and its connection, and returns what answers it if its connection ends before it is answered. Must
   * not throw.
   */
  readonly onStream: (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    connection: Socket,
  ) => GiveUp;
  /** Called once for every connection that breaks. `code` is the reason of the runtime for a handshake of TLS. Must not throw. */
  readonly onBroken?: (reason: BrokenConnection, code?: string) => void;
  /**
   * Called when there is no room for one more connection and those of a peer are busy: it may end a stream on one of these that waits for its
   * client, and returns the connection, which is closed then.
   */
  readonly onFull?: (isOneOf: (connection: object) => boolean) => object | undefined;
  /** Called with errors of the listening socket. Must not throw. */
  readonly onError?: (error: unknown) => void;
  /** The answer to a client of HTTP/1.1. */
  readonly http1Answer: string;
  readonly maxConcurrentStreams: number;
  readonly keepalive: ServerKeepalive;
  readonly clock: ServerClock;
  readonly random: () => number;
  /**
   * Connections at a time; 1000, or fewer if the process may have few open files. A further one takes the place of another of the peer that has
   * most: one that has said too little, which is reported, or one that is idle, or one whose stream waits for its client. If there is none, it is closed at once.
   */
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
   * Stops accepting connections, asks clients to open no more streams (GOAWAY), lets those that are open end, but for clients that
   * send nothing for a second in the middle of a request, and resolves when all are closed. When `deadline` aborts, the remaining
   * streams are given up and their connections closed. Safe to call twice. If another server has taken the socket over, it gets the connections and their next
   * streams, and this resolves at once: streams in progress are answered as they began.
   */
  close(deadline: AbortSignal): Promise<void>;
}

/** What each server does with the connections and streams of one whose socket it has taken over. */
const heirsOf = new WeakMap<ListeningSocket, HeirServer>();

type HeirServer = Heir & Pick<Http2ListenOptions, "onStream"> & { readonly seats: Seats };

/** HTTP/2's own 64 KiB make the sender of a large message wait for permission again and again. */
const windowBytes = 1024 * 1024;

/** More than the headers of any exporter; the handler sees what is longer than its own limit and can answer. Beyond it, HTTP/2 resets the stream. */
const maxHeaderListSize = 128 * 1024;
/** As many headers of a few bytes as fit into the limit of the handler. */
const maxHeaderListPairs = 1_000;

/**
 * Opens a server of HTTP/2. It keeps the open sockets, `maxConnections` at most, and the streams on them. Rejects with an `Error` that
 * names the address and the reason if it cannot listen. No input of a client can end the process.
 */
export async function listenHttp2(options: Http2ListenOptions): Promise<Http2Server> {
  const { clock } = options;
  const seats = new Seats(options.maxConnections ?? maxConnectionsOfPort());
  const connections = new OpenConnections();
  let heir: HeirServer | undefined;
  let isClosing = false;

  const server = createServer({
    settings: {
      initialWindowSize: windowBytes,
      maxConcurrentStreams: options.maxConcurrentStreams,
      maxHeaderListSize,
      enablePush: false,
    },
    maxHeaderListPairs,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // As many as one client may have at a time, and then some per second: a deadline resets a stream.
    streamResetBurst: options.maxConcurrentStreams + 100,
    streamResetRate: 50,
  });
  server.on("sessionError", () => {});

  const onStream: Http2ListenOptions["onStream"] = (...stream) =>
    (heir ?? options).onStream(...stream);

  const onSession = (session: ServerHttp2Session, socket: Socket) => {
    const connection = new Http2Connection(session, socket, {
      keepalive: options.keepalive,
      clock,
      random: options.random,
      maxStreams: options.maxConcurrentStreams,
      onFlood: () => options.onBroken?.("flood"),
    });
    connections.setConnection(socket, connection);
    session.setLocalWindowSize(windowBytes);
    session.on("error", (error: NodeJS.ErrnoException) => {
      const reason = reasonOf(error);
      if (reason !== undefined && !(reason === "malformed_http" && connection.isLeaving)) {
        options.onBroken?.(reason);
      }
    });
    session.on("stream", (stream, headers) => {
      stream.on("error", () => {}); // 'close' follows
      if (session.destroyed) {
        return; // It has ended for what was read before.
      }
      connection.add(stream, onStream(stream, headers, socket));
    });
    if (isClosing) {
      connection.retireSoon();
    }
  };

  let opening: Socket | undefined;
  server.on("session", (session: ServerHttp2Session) => {
    if (opening !== undefined) {
      onSession(session, opening);
    }
  });
  const speak = (socket: Socket) => {
    // The session of a connection is there before this returns, or never.
    opening = socket;
    server.emit("connection", socket);
    opening = undefined;
  };

  /** Hands a connection to HTTP/2 when its first bytes are those of HTTP/2. */
  const open = (socket: Socket) => {
    if (heir !== undefined) {
      heir.open(socket);
      return;
    }
    connections.add(socket);
    if (socket instanceof TLSSocket && socket.alpnProtocol === "h2") {
      speak(socket);
      return;
    }
    const stopReading = readFirstBytes(socket, clock, (protocol) => {
      connections.setSpeaking(socket);
      switch (protocol) {
        case "http2":
          if (socket instanceof TLSSocket) {
            // Over TLS, HTTP/2 must be agreed on in the handshake. https://www.rfc-editor.org/rfc/rfc9113#section-3.3
            options.onBroken?.("tls_handshake", "NO_ALPN");
            socket.destroy();
          } else {
            speak(socket);
          }
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
    connections.setSilent(socket, stopReading);
  };

  const acceptor =
    options.tls === undefined
      ? undefined
      : new TlsAcceptor({
          tls: options.tls,
          protocols: ["h2"],
          handshakeTimeoutMs: prefaceTimeoutMs,
          onSecure: (secure, below) => {
            seatAbove(secure, below);
            open(secure);
          },
          onFailed: (code) => options.onBroken?.("tls_handshake", code),
          onPlaintext: () => options.onBroken?.("unexpected_plaintext"),
        });
  const endBusy = (peer: Peer) => {
    const ended = options.onFull?.(
      (each) => each instanceof Socket && seatOf(each)?.peer === peer && connections.has(each),
    );
    if (ended instanceof Socket) {
      connections.end(ended);
    }
    return ended !== undefined;
  };
  const accept = (socket: Socket) => {
    const room = seats.makeRoom(peerOf(socket), endBusy);
    if (room !== "free" && room !== "idle" && room !== "unused") {
      options.onBroken?.("too_many_connections");
    }
    if (room === "full") {
      socket.destroy();
      return;
    }
    seats.take(socket);
    if (acceptor === undefined) {
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
  heirsOf.set(listening, {
    seats,
    open,
    onStream,
    adopt(socket, connection) {
      connections.add(socket);
      connections.setConnection(socket, connection);
      connection.retireLater();
    },
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
      const cutAll = () => connections.cut();
      if (!isClosing) {
        isClosing = true;
        const successor = listening.successor();
        heir = successor === undefined ? undefined : heirsOf.get(successor);
        listening.close();
        if (heir === undefined) {
          acceptor?.close();
          connections.endAll();
        } else {
          acceptor?.finish();
          heir.seats.adopt(seats);
          connections.handOver(heir);
        }
      }
      if (deadline.aborted) {
        cutAll();
      }
      deadline.addEventListener("abort", cutAll, { once: true });
      await connections.whenEmpty();
      deadline.removeEventListener("abort", cutAll);
    },
  };
}

function reasonOf({ code = "", message }: NodeJS.ErrnoException): BrokenConnection | undefined {
  if (code === "ERR_HTTP2_ERROR") {
    return /flood|too many/i.test(message) ? "flood" : "malformed_http";
  }
  return code === "ERR_HTTP2_TOO_MANY_INVALID_FRAMES" ? "flood" : undefined;
}
