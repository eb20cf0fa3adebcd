import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Why a request did not arrive completely. A closed list, fit for a label. `disconnected` is reported only if a
 * handler was waiting for a body: a connection without a request loses nothing.
 */
export const brokenRequests = [
  "malformed_http",
  "headers_too_large",
  "timeout",
  "disconnected",
  "too_many_connections",
] as const;
export type BrokenRequest = (typeof brokenRequests)[number];

/**
 * How to serve. Times are milliseconds; the defaults suit senders on the same machine that export
 * every few seconds.
 */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port; the one taken is in `HttpServer.port`. */
  readonly port: number;
  /**
   * Answers one request. When it throws, or the promise it returns rejects, the sender gets 500 and
   * `onError` gets the reason; the process continues.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => unknown;
  /** Called with exceptions of handlers and with errors of the listening socket. Must not throw. */
  readonly onError?: (error: unknown) => void;
  /** Called once for every request that ended before all of it had arrived. Must not throw. */
  readonly onBroken?: (reason: BrokenRequest) => void;
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
  /** Connections at a time; further ones are closed at once; 1000. */
  readonly maxConnections?: number;
}

/** While the server closes, a client that sends nothing of its unfinished request for this long is cut. */
const closingInactivityMs = 1_000;

/** All headers of one request together. */
const maxHeaderBytes = 16_384;

/** A server that listens. */
export interface HttpServer {
  /** The bound address, e.g. `127.0.0.1` for `localhost`. */
  readonly host: string;
  readonly port: number;
  /**
   * Stops accepting connections, closes those without a request in progress, lets the others finish theirs, but for clients that send
   * nothing for a second in the middle of a request, and resolves when all are closed. When `deadline` aborts, the remaining connections are closed. Safe to call twice.
   */
  close(deadline: AbortSignal): Promise<void>;
}

/**
 * Opens a plain HTTP/1.1 server. It keeps the open sockets, `maxConnections` at most, and the requests on them that are
 * being answered; a further connection is closed at once and reported as `too_many_connections`. Rejects with an
 * `Error` that names the address and the reason if it cannot listen. No input of a client can end the process.
 */
export async function listen(options: ListenOptions): Promise<HttpServer> {
  const server = createServer(serverOptionsOf(options));
  server.timeout = options.inactivityTimeoutMs ?? 120_000;
  server.maxConnections = options.maxConnections ?? 1000;

  const sockets = new Set<Socket>();
  const answering = new Set<ServerResponse>();
  const broken = new WeakSet<Duplex>();
  let isClosing = false;

  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("drop", () => options.onBroken?.("too_many_connections"));
  server.on("request", (request, response) => {
    const { socket } = request;
    answering.add(response);
    request.once("end", () => {
      if (!response.writableEnded) {
        socket.setTimeout(0);
        response.once("prefinish", () => socket.setTimeout(server.timeout));
      }
    });
    response.once("close", () => {
      answering.delete(response);
      if (!request.complete && !response.writableEnded && !broken.has(socket)) {
        options.onBroken?.("disconnected");
      }
    });
    answer(options, request, response);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const reason = reasonOf(error);
    if (reason !== "disconnected") {
      broken.add(socket);
      options.onBroken?.(reason);
    }
    const isAnswered = [...answering].some(
      (response) => response.req.socket === socket && response.headersSent,
    );
    endBroken(socket, isAnswered ? undefined : statusLines[reason]);
  });

  const address = await bind(server, options);
  server.on("error", (error) => options.onError?.(error));
  const closed = new Promise<void>((resolve) => server.once("close", resolve));

  return {
    host: address.address,
    port: address.port,
    async close(deadline) {
      const cutAll = () => {
        for (const socket of sockets) {
          socket.destroy();
        }
      };
      if (!isClosing) {
        isClosing = true;
        server.close();
        closeAfterAnswer(sockets, answering);
      }
      if (deadline.aborted) {
        cutAll();
      }
      deadline.addEventListener("abort", cutAll, { once: true });
      await closed;
      deadline.removeEventListener("abort", cutAll);
    },
  };
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPortOf(address: { readonly host: string; readonly port: number }): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** The options of `createServer`, which an `https` server would share. */
function serverOptionsOf(options: ListenOptions): ServerOptions {
  const requestTimeout = Math.ceil(options.requestTimeoutMs ?? 60_000);
  const headersTimeout = Math.min(Math.ceil(options.headersTimeoutMs ?? 15_000), requestTimeout);
  return {
    requestTimeout,
    headersTimeout,
    keepAliveTimeout: Math.ceil(options.keepAliveTimeoutMs ?? 75_000),
    // Node checks for late requests only at this interval, so a short timeout needs a short interval.
    connectionsCheckingInterval: Math.min(5_000, Math.max(10, Math.ceil(headersTimeout / 4))),
    maxHeaderSize: maxHeaderBytes,
  };
}

function answer(options: ListenOptions, request: IncomingMessage, response: ServerResponse): void {
  const fail = (error: unknown) => {
    options.onError?.(error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.statusCode = 500;
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    response.end("The request could not be handled because of a bug in this program.\n");
  };
  // A socket error during a write means that the client has closed the connection; 'close' follows.
  response.on("error", () => {});
  request.on("error", () => {});
  try {
    const result = options.handler(request, response);
    if (result instanceof Promise) {
      result.catch(fail);
    }
  } catch (error) {
    fail(error);
  }
}

function reasonOf(error: NodeJS.ErrnoException): BrokenRequest {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return "headers_too_large";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "timeout";
    case "ECONNRESET":
    case "EPIPE":
    case "ETIMEDOUT":
    case "HPE_INVALID_EOF_STATE":
      return "disconnected";
    default:
      return "malformed_http";
  }
}

const statusLines = {
  malformed_http: "400 Bad Request",
  headers_too_large: "431 Request Header Fields Too Large",
  timeout: "408 Request Timeout",
  disconnected: undefined,
  too_many_connections: undefined,
} as const satisfies Record<BrokenRequest, string | undefined>;

function endBroken(socket: Duplex, statusLine: string | undefined): void {
  if (statusLine === undefined || !socket.writable) {
    socket.destroy();
    return;
  }
  const head = `HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
  socket.end(head, () => socket.destroy());
}

/**
 * Node's own `closeIdleConnections` does not close connections that never sent a byte; they would delay a shutdown until their
 * headers time out.
 */
function closeAfterAnswer(
  sockets: ReadonlySet<Socket>,
  answering: ReadonlySet<ServerResponse>,
): void {
  // One sender that stopped in the middle of its request must not use up the time that others need.
  for (const { req } of answering) {
    if (!req.complete) {
      req.socket.setTimeout(closingInactivityMs);
    }
  }
  // Of pipelined requests, only the last answer may end the connection.
  const busy = new Map<Socket, ServerResponse>();
  for (const response of answering) {
    busy.set(response.req.socket, response);
  }
  for (const [socket, response] of busy) {
    response.shouldKeepAlive = false;
    // Headers that were already sent may have promised to keep the connection alive, so it is closed here.
    response.once("close", () => socket.destroySoon());
  }
  for (const socket of sockets) {
    if (!busy.has(socket)) {
      socket.destroy();
    }
  }
}

function bind(server: Server, options: ListenOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = bindProblems[error.code ?? ""] ?? error.message;
      reject(new Error(`Cannot listen on ${hostPortOf(options)}: ${why}`, { cause: error }));
    });
    server.listen({ host: options.host, port: options.port }, () => {
      server.removeAllListeners("error");
      const address = server.address();
      if (address === null || typeof address === "string") {
        reject(new Error(`Cannot listen on ${hostPortOf(options)}: no TCP address was bound.`));
        return;
      }
      resolve(address);
    });
  });
}

const bindProblems: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "the address is already in use. Stop the program that uses it or choose another endpoint.",
  EACCES: "permission denied. Ports below 1024 need a privilege; choose a higher one.",
  EADDRNOTAVAIL: "this machine has no such address. Use 127.0.0.1, 0.0.0.0 or one of its own.",
  ENOTFOUND: "the host name cannot be resolved. Check its spelling.",
};
