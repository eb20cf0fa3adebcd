import {
  createServer,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type BrokenRequest, endBroken, type ParserError, reasonOf } from "./broken-requests.ts";
import { addressText, listenProblem } from "./listen-problem.ts";
import {
  type ListenAddress,
  type ListeningSocket,
  type OwnedSockets,
  unsharedSockets,
} from "./listening-sockets.ts";
import { maxConnectionsOfPort } from "./open-files-limit.ts";
import { type Peer, peerOf } from "./peer.ts";
import { Seats, seatAbove, seatOf } from "./seats.ts";
import { ServerConnections } from "./server-connections.ts";
import type { ServerTls } from "./server-tls.ts";
import { TlsAcceptor } from "./tls-acceptor.ts";

/**
 * Where to listen, and how to serve. Port 0 takes any free port; the one taken is in `HttpServer.port`. Times are milliseconds; the defaults suit senders on the same machine that export
 * every few seconds.
 */
export type ListenOptions = ListenAddress & ServeOptions;

/** How requests are served, wherever the server listens. */
interface ServeOptions {
  /**
   * Answers one request. When it throws, or the promise it returns rejects, the sender gets 500 and
   * `onError` gets the reason; the process continues.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => unknown;
  /**
   * Answers a request, completely, whose connection is closed at the deadline before the handler has answered it. Without it, the client
   * only sees that. Must not throw.
   */
  readonly giveUp?: (request: IncomingMessage, response: ServerResponse) => void;
  /** Called with exceptions of handlers and with errors of the listening socket. Must not throw. */
  readonly onError?: (error: unknown) => void;
  /**
   * Called once for every request that ended before all of it had arrived. `code` is the reason of the runtime, which is set for a handshake
   * of TLS. Must not throw.
   */
  readonly onBroken?: (reason: BrokenRequest, code?: string) => void;
  /**
   * Called when there is no room for one more connection and those of a peer are busy: it may end a request on one of these that waits for
   * its client, and returns the connection, which ends with the answer.
   */
  readonly onFull?: (isOneOf: (connection: object) => boolean) => object | undefined;
  /** Serves over TLS, with changed files as long as it listens. */
  readonly tls?: ServerTls;
  /** Until all headers have arrived; 15 s. Counts from the connection on, so silent connections end too. */
  readonly headersTimeoutMs?: number;
  /** Until the whole request, with its body, has arrived; 60 s. */
  readonly requestTimeoutMs?: number;
  /**
   * Until a connection without requests is closed; 75 s. Longer than the export intervals of SDKs, so that a sender rarely
   * writes to a connection that is just being closed.
   */
  readonly keepAliveTimeoutMs?: number;
  /**
   * Until a connection without any traffic, in either direction, is closed; 120 s. It does not count while a client waits for an
   * answer to a whole request: the handler may wait for a backend.
   */
  readonly inactivityTimeoutMs?: number;
  /**
   * Connections at a time; 1000, or fewer if the process may have few open files. A further one takes the place of another of the peer that has
   * most: one without a request, which is reported, or one that is idle, or one whose request waits for its client. If there is none, it is closed at once.
   */
  readonly maxConnections?: number;
  /** Opens the socket, or takes it over at a reload; by default a socket of this server alone. */
  readonly sockets?: OwnedSockets;
}

/** The connections of each HTTP server, for the one that hands its own over. */
const connectionsOf = new WeakMap<
  ListeningSocket,
  { readonly connections: ServerConnections; readonly seats: Seats }
>();

/** All headers of one request together. */
const maxHeaderBytes = 16_384;

/** A server that listens. */
export interface HttpServer {
  /** The bound address, e.g. `127.0.0.1` for `localhost`; the path of a unix socket, and then no port. */
  readonly host: string;
  readonly port: number;
  /** The bound address as text, e.g. `127.0.0.1:4318`. */
  readonly endpoint: string;
  /**
   * Stops accepting connections, closes those without a request in progress, lets the others finish theirs, but for clients that send
   * nothing for a second in the middle of a request, and resolves when all are closed. When `deadline` aborts, the remaining connections are closed. Safe to call twice.
   *
   * If another HTTP server has taken the socket over, the connections are handed to it, and this resolves at once: requests in progress
   * are answered as they began, and the next request of a connection goes to the other server and ends the connection.
   */
  close(deadline: AbortSignal): Promise<void>;
}

/**
 * Opens an HTTP/1.1 server. It keeps the open sockets, `maxConnections` at most, and the requests on them that are
 * being answered. Rejects with an
 * `Error` that names the address and the reason if it cannot listen. No input of a client can end the process.
 */
export async function listen(options: ListenOptions): Promise<HttpServer> {
  const httpOptions = serverOptionsOf(options);
  const server = createServer(httpOptions);
  server.timeout = options.inactivityTimeoutMs ?? 120_000;
  const connections = new ServerConnections(options);
  const seats = new Seats(options.maxConnections ?? maxConnectionsOfPort());

  const broken = new WeakSet<Duplex>();
  const { answering } = connections;

  server.on("connection", (socket) => connections.add(socket));
  server.on("request", (request, response) => {
    const { socket } = request;
    if (broken.has(socket)) {
      return; // more of what was sent with it
    }
    if (!connections.begin(response)) {
      broken.add(socket);
      options.onBroken?.("flood");
      socket.destroy();
      return;
    }
    for (let ended = connections.endUnread(); ended > 0; ended--) {
      options.onBroken?.("unread");
    }
    request.once("end", () => {
      if (!response.writableEnded) {
        socket.setTimeout(0);
        response.once("prefinish", () => socket.setTimeout(server.timeout));
      }
    });
    response.once("close", () => {
      connections.end(response);
      if (!request.complete && !response.writableEnded && !broken.has(socket)) {
        options.onBroken?.("disconnected");
      }
    });
    connections.answer(request, response);
  });
  server.on("clientError", (error: ParserError, socket) => {
    if (broken.has(socket)) {
      return; // more of what cannot be read
    }
    const reason = reasonOf(error);
    if (reason !== "disconnected") {
      broken.add(socket);
      options.onBroken?.(reason);
    }
    const isAnswered = [...answering].some(
      (response) => response.req.socket === socket && response.headersSent,
    );
    endBroken(socket, reason, isAnswered);
  });

  const acceptor =
    options.tls === undefined
      ? undefined
      : new TlsAcceptor({
          tls: options.tls,
          protocols: ["http/1.1"],
          handshakeTimeoutMs: httpOptions.headersTimeout,
          onSecure: (secure, below) => {
            seatAbove(secure, below);
            server.emit("connection", secure);
          },
          onFailed: (code) => options.onBroken?.("tls_handshake", code),
          onPlaintext: () => options.onBroken?.("unexpected_plaintext"),
        });
  const endBusy = (peer: Peer) =>
    options.onFull?.((each) => each instanceof Socket && seatOf(each)?.peer === peer) !== undefined;
  const socket = await bind(options, (each) => {
    const room = seats.makeRoom(peerOf(each), endBusy);
    if (room !== "free" && room !== "idle" && room !== "unused") {
      options.onBroken?.("too_many_connections");
    }
    if (room === "full") {
      each.destroy();
      return;
    }
    seats.take(each);
    each.allowHalfOpen = true; // As the sockets of Node's own HTTP server: a client may end its side after its request.
    if (acceptor === undefined) {
      server.emit("connection", each);
    } else {
      acceptor.accept(each);
    }
  }).catch((error: unknown) => {
    acceptor?.close();
    throw error;
  });
  // Only then does Node enforce the timeouts of headers and requests.
  server.emit("listening");
  connectionsOf.set(socket, { connections, seats });
  const { address } = socket;
  const bound =
    typeof address === "string"
      ? { host: address, port: 0, endpoint: addressText({ path: address }) }
      : {
          host: address.address,
          port: address.port,
          endpoint: addressText({ host: address.address, port: address.port }),
        };
  let isClosing = false;

  return {
    ...bound,
    async close(deadline) {
      const successor = socket.successor();
      const heir = successor === undefined ? undefined : connectionsOf.get(successor);
      if (!isClosing) {
        isClosing = true;
        socket.close();
        if (heir === undefined) {
          acceptor?.close();
          connections.closeAfterAnswer();
          void connections.whenEmpty().then(() => server.close());
        } else {
          acceptor?.finish();
          heir.connections.inherit(connections);
          heir.seats.adopt(seats);
          void connections.whenEmpty().then(() => server.close());
          return;
        }
      }
      if (connections.hasHeir) {
        return;
      }
      const cutAll = () => connections.cut();
      if (deadline.aborted) {
        cutAll();
      }
      deadline.addEventListener("abort", cutAll, { once: true });
      await connections.whenEmpty();
      deadline.removeEventListener("abort", cutAll);
    },
  };
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPortOf(address: { readonly host: string; readonly port: number }): string {
  return addressText(address);
}

function serverOptionsOf(options: ListenOptions) {
  const requestTimeout = Math.ceil(options.requestTimeoutMs ?? 60_000);
  const headersTimeout = Math.min(Math.ceil(options.headersTimeoutMs ?? 15_000), requestTimeout);
  return {
    requestTimeout,
    headersTimeout,
    keepAliveTimeout: Math.ceil(options.keepAliveTimeoutMs ?? 75_000),
    // Node checks for late requests only at this interval, so a short timeout needs a short interval.
    connectionsCheckingInterval: Math.min(5_000, Math.max(10, Math.ceil(headersTimeout / 4))),
    maxHeaderSize: maxHeaderBytes,
  } satisfies ServerOptions;
}

async function bind(
  options: ListenOptions,
  accept: (socket: Socket) => void,
): Promise<ListeningSocket> {
  const { sockets = unsharedSockets(), onError } = options;
  const address = addressIn(options);
  try {
    return await sockets.listen(address, accept, (error) => onError?.(error));
  } catch (error) {
    throw listenProblem(address, error);
  }
}

function addressIn(options: ListenOptions): ListenAddress {
  if ("path" in options) {
    return { path: options.path };
  }
  const { host, port, family } = options;
  return { host, port, ...(family === undefined ? {} : { family }) };
}
