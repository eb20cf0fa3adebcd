import type { Socket } from "node:net";
import type { Http2Connection } from "./http2-connection.ts";
import { seatOf } from "./seats.ts";

/** What a server does with the connections of one whose socket it has taken over. */
export interface Heir {
  /** Gets a connection on which nothing was said yet. */
  open(socket: Socket): void;
  /** Gets a connection whose streams it handles from now on. */
  adopt(socket: Socket, connection: Http2Connection): void;
}

/** The open connections of an HTTP/2 server. It keeps the sockets until they are closed or handed over. */
export class OpenConnections {
  readonly #sockets = new Set<Socket>();
  /** Those that speak HTTP/2. */
  readonly #connections = new Map<Socket, Http2Connection>();
  /** Those whose first bytes have not arrived, with what stops the reading. */
  readonly #silent = new Map<Socket, () => void>();
  #onEmpty: (() => void)[] = [];

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // 'close' follows
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#connections.delete(socket);
      this.#silent.delete(socket);
      this.#reportEmpty();
    });
  }

  /** `stopReading` leaves in the socket what was read. */
  setSilent(socket: Socket, stopReading: () => void): void {
    this.#silent.set(socket, stopReading);
    seatOf(socket)?.endWith(() => {
      stopReading();
      this.#silent.delete(socket);
      socket.destroy();
    });
  }

  setSpeaking(socket: Socket): void {
    this.#silent.delete(socket);
  }

  setConnection(socket: Socket, connection: Http2Connection): void {
    this.#connections.set(socket, connection);
    seatOf(socket)?.endWith(() => connection.destroy());
  }

  has(socket: Socket): boolean {
    return this.#connections.has(socket);
  }

  /** Ends a connection, whose streams are given up. */
  end(socket: Socket): void {
    this.#connections.get(socket)?.cut();
  }

  /** Lets the streams that are open end. */
  endAll(): void {
    for (const socket of this.#sockets) {
      const connection = this.#connections.get(socket);
      if (connection === undefined) {
        socket.destroy();
      } else {
        connection.retireSoon();
      }
    }
  }

  /** Closes all connections now. Streams without an answer are given up. */
  cut(): void {
    for (const socket of this.#sockets) {
      const connection = this.#connections.get(socket);
      if (connection === undefined) {
        socket.destroy();
      } else {
        connection.cut();
      }
    }
  }

  handOver(heir: Heir): void {
    for (const [socket, stopReading] of this.#silent) {
      stopReading();
      heir.open(socket);
    }
    for (const [socket, connection] of this.#connections) {
      heir.adopt(socket, connection);
    }
    this.#silent.clear();
    this.#connections.clear();
    this.#sockets.clear();
    this.#reportEmpty();
  }

  /** Resolves when no connection is left. */
  whenEmpty(): Promise<void> {
    return this.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #reportEmpty(): void {
    if (this.size === 0) {
      for (const resolve of this.#onEmpty.splice(0)) {
        resolve();
      }
    }
  }
}
