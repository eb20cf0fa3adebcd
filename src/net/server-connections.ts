import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type SeatState, seatOf } from "./seats.ts";

/** Answers one request, as `ListenOptions.handler` does. */
export interface RequestHandling {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => unknown;
  readonly onError?: (error: unknown) => void;
  /** Answers a request whose connection ends before it is answered. Must not throw. */
  readonly giveUp?: (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * Requests of one connection that are not answered. Hardly any client pipelines, and one that does not read can have thousands answered at
 * once.
 */
const maxPipelined = 16;
/** Answers in memory that clients do not take, of all connections together: some pages. */
const maxUnreadBytes = 16 * 1024 * 1024;
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
  /** Those that do not take an answer. */
  readonly #unread = new Set<Socket>();
  /** How many requests of each are being answered; more than one if they are pipelined. */
  readonly #requests = new WeakMap<Socket, number>();
  /** Those that have had an answer that is a success. */
  readonly #useful = new WeakSet<Socket>();
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
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#unread.delete(socket);
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

  /** Notes that a request is being answered. False if its connection has too many that are not, so that it was closed. */
  begin(response: ServerResponse): boolean {
    const { socket } = response.req;
    const requests = (this.#requests.get(socket) ?? 0) + 1;
    if (requests > maxPipelined) {
      return false;
    }
    setSeat(socket, "busy");
    this.#requests.set(socket, requests);
    this.answering.add(response);
    response.once("prefinish", () => {
      if (!response.writableFinished) {
        this.#unread.add(socket);
        setSeat(socket, "unread");
      }
    });
    return true;
  }

  /** Notes that a request needs nothing more. */
  end(response: ServerResponse): void {
    this.answering.delete(response);
    const { socket } = response.req;
    const others = (this.#requests.get(socket) ?? 1) - 1;
    this.#requests.set(socket, others);
    if (response.statusCode < 400 && response.writableFinished) {
      this.#useful.add(socket);
    }
    if (others === 0 && this.#sockets.has(socket)) {
      this.#unread.delete(socket);
      setSeat(socket, this.#useful.has(socket) ? "idle" : "unused");
    }
  }

  /** Closes connections whose clients do not take their answers, those with most first, until the rest is within the bound. */
  endUnread(): number {
    let ended = 0;
    for (;;) {
      let bytes = 0;
      let largest: Socket | undefined;
      for (const socket of this.#unread) {
        bytes += socket.writableLength;
        largest =
          largest === undefined || socket.writableLength > largest.writableLength
            ? socket
            : largest;
      }
      if (largest === undefined || bytes <= maxUnreadBytes) {
        return ended;
      }
      this.#unread.delete(largest);
      largest.destroy();
      ended += 1;
    }
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

function setSeat(socket: Socket, state: SeatState): void {
  const seat = seatOf(socket);
  if (seat !== undefined) {
    seat.state = state;
  }
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
