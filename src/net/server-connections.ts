import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Answers one request, as `ListenOptions.handler` does. */
export interface RequestHandling {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => unknown;
  readonly onError?: (error: unknown) => void;
  /** Answers a request whose connection ends before it is answered. Must not throw. */
  readonly giveUp?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** While the server closes, a client that sends nothing of its unfinished request for this long is cut. */
const closingInactivityMs = 1_000;
/** How long the last answer of a connection that is cut may take to leave. Less than what a shutdown waits beyond its deadline. */
const lastAnswerMs = 250;

/**
 * The connections of an HTTP server and the requests on them that are being answered; also those that it has inherited from a server
 * whose socket it took over.
 */
export class ServerConnections {
  readonly answering = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  /** Those that have not made a request yet, the oldest first. */
  readonly #silent = new Set<Socket>();
  /** Those without a request after one, the one that is idle for longest first. */
  readonly #idle = new Set<Socket>();
  /** How many requests of each are being answered; more than one if they are pipelined. */
  readonly #requests = new WeakMap<Socket, number>();
  readonly #inherited = new Set<ServerConnections>();
  readonly #handling: RequestHandling;
  #heir: ServerConnections | undefined;
  #isClosing = false;
  #onEmpty: (() => void)[] = [];

  constructor(handling: RequestHandling) {
    this.#handling = handling;
  }

  get size(): number {
    let size = this.#sockets.size;
    for (const each of this.#inherited) {
      size += each.size;
    }
    return size;
  }

  get hasHeir(): boolean {
    return this.#heir !== undefined;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    this.#silent.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#silent.delete(socket);
      this.#idle.delete(socket);
      this.#reportEmpty();
    });
  }

  /** Answers a request. When there is an heir, it does, and the connection ends, so that the next one is one of its own. */
  answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.#heir !== undefined) {
      response.shouldKeepAlive = false;
      this.#heir.answer(request, response);
      return;
    }
    if (this.#isClosing) {
      response.shouldKeepAlive = false;
    }
    answer(this.#handling, request, response);
  }

  /** Notes that a request is being answered. */
  begin(response: ServerResponse): void {
    const { socket } = response.req;
    this.#silent.delete(socket);
    this.#idle.delete(socket);
    this.#requests.set(socket, (this.#requests.get(socket) ?? 0) + 1);
    this.answering.add(response);
  }

  /** Notes that a request needs nothing more. */
  end(response: ServerResponse): void {
    this.answering.delete(response);
    const { socket } = response.req;
    const others = (this.#requests.get(socket) ?? 1) - 1;
    this.#requests.set(socket, others);
    if (others === 0 && this.#sockets.has(socket)) {
      this.#idle.add(socket);
    }
  }

  /** Closes the connection that has made no request for longest. False if there is none. */
  endSilent(): boolean {
    return closeFirst(this.#silent) || [...this.#inherited].some((each) => each.endSilent());
  }

  /** Closes the connection that has been idle for longest. False if every one is busy. */
  endLongestIdle(): boolean {
    return closeFirst(this.#idle) || [...this.#inherited].some((each) => each.endLongestIdle());
  }

  /** Takes over the connections of a server that ends. */
  inherit(from: ServerConnections): void {
    from.#heir = this;
    for (const each of [from, ...from.#inherited]) {
      this.#inherited.add(each);
      void each.whenEmpty().then(() => {
        this.#inherited.delete(each);
        this.#reportEmpty();
      });
    }
    from.#inherited.clear();
    from.#reportEmpty();
    if (this.#isClosing) {
      from.closeAfterAnswer();
    }
  }

  /** Resolves when no connection is left. */
  whenEmpty(): Promise<void> {
    return this.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /**
   * Closes all connections now. Requests without an answer are given up, so that their clients learn that they may try again; an answer that
   * cannot leave within a quarter of a second is lost.
   */
  cut(): void {
    const leaving = new Set<Socket>();
    for (const response of this.answering) {
      if (!response.headersSent && this.#handling.giveUp !== undefined) {
        const { req: request } = response;
        response.shouldKeepAlive = false;
        this.#handling.giveUp(request, response);
        leaving.add(request.socket);
      }
    }
    for (const socket of this.#sockets) {
      if (leaving.has(socket)) {
        socket.setTimeout(lastAnswerMs, () => socket.destroy());
        socket.destroySoon();
      } else {
        socket.destroy();
      }
    }
    for (const each of this.#inherited) {
      each.cut();
    }
  }

  /**
   * Closes the connections without a request, and each of the others after its answer. Node's own `closeIdleConnections` does not close
   * connections that never sent a byte; they would delay a shutdown until their headers time out.
   */
  closeAfterAnswer(): void {
    this.#isClosing = true;
    // One sender that stopped in the middle of its request must not use up the time that others need.
    for (const { req } of this.answering) {
      if (!req.complete) {
        req.socket.setTimeout(closingInactivityMs);
      }
    }
    // Of pipelined requests, only the last answer may end the connection.
    const busy = new Map<Socket, ServerResponse>();
    for (const response of this.answering) {
      busy.set(response.req.socket, response);
    }
    for (const [socket, response] of busy) {
      response.shouldKeepAlive = false;
      // Headers that were already sent may have promised to keep the connection alive, so it is closed here.
      response.once("close", () => socket.destroySoon());
    }
    for (const socket of this.#sockets) {
      if (!busy.has(socket)) {
        socket.destroy();
      }
    }
    for (const each of this.#inherited) {
      each.closeAfterAnswer();
    }
  }

  #reportEmpty(): void {
    if (this.size === 0) {
      for (const resolve of this.#onEmpty.splice(0)) {
        resolve();
      }
    }
  }
}

/** Closes the first connection, which still counts until it is closed. */
function closeFirst(sockets: Set<Socket>): boolean {
  for (const socket of sockets) {
    sockets.delete(socket);
    socket.destroy();
    return true;
  }
  return false;
}

function answer(
  handling: RequestHandling,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const fail = (error: unknown) => {
    handling.onError?.(error);
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
    const result = handling.handler(request, response);
    if (result instanceof Promise) {
      result.catch(fail);
    }
  } catch (error) {
    fail(error);
  }
}
