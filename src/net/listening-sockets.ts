import { lookup } from "node:dns/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Occupant, occupantOf, protectSocket, removeStale } from "./unix-socket.ts";

/** Where to listen: a TCP address, of one family if it is set, or the path of a unix socket. */
export type ListenAddress =
  | { readonly host: string; readonly port: number; readonly family?: 4 | 6 }
  | { readonly path: string };

/** A listening socket, as one of its users sees it. */
export interface ListeningSocket {
  /** The bound address; the path of a unix socket. */
  readonly address: AddressInfo | string;
  /** The user that has taken the socket over from this one; `undefined` if none has. */
  successor(): ListeningSocket | undefined;
  /** No more connections come to this user. The socket stays open if another user has taken it over. */
  close(): void;
}

/** Opens the listening sockets of one component. */
export interface OwnedSockets {
  /**
   * Passes the connections to an address to `accept`. If the component that listens there is about to be replaced, its socket is taken
   * over, so that no connection is refused meanwhile. Rejects with the error of the system if it cannot listen.
   */
  listen(
    address: ListenAddress,
    accept: (socket: Socket) => void,
    onError?: (error: Error) => void,
  ): Promise<ListeningSocket>;
}

/** The listening sockets of one component, as the service sees them. */
export interface SocketOwner extends OwnedSockets {
  /** From now on connections to its sockets come to it. */
  activate(): void;
  /** Whether another component may take its sockets over, because this one is about to be replaced. */
  setReplaceable(isReplaceable: boolean): void;
}

/** Connections to a socket that no component accepts yet. They wait for the end of a reload. */
const maxParked = 1_000;

/**
 * The listening sockets of the process. During a reload a component takes the socket of its predecessor over: both use it until the
 * predecessor closes it, and a connection goes to the newest user that is active.
 *
 * Keeps one socket for each address of the config, and the connections that arrive before its first user is active.
 */
export class ListeningSockets {
  readonly #shared = new Map<string, SharedSocket>();

  /** `name`: the same for a component and its predecessor, so that port 0 stays the same port. */
  ownedBy(name: string): SocketOwner {
    const user = { isActive: false, isReplaceable: false };
    const used = new Set<SharedSocket>();
    let randomPorts = 0;
    return {
      listen: async (address, accept, onError) => {
        const key =
          "port" in address && address.port === 0
            ? `${name} ${address.host} ${randomPorts++}`
            : keyOf(address);
        const { shared, socket } = await this.#use(key, address, { owner: user, accept, onError });
        used.add(shared);
        return socket;
      },
      activate() {
        user.isActive = true;
        for (const shared of used) {
          shared.unpark();
        }
      },
      setReplaceable(isReplaceable) {
        user.isReplaceable = isReplaceable;
      },
    };
  }

  async #use(key: string, address: ListenAddress, use: Use) {
    const known = this.#shared.get(key);
    if (known === undefined) {
      const shared = new SharedSocket(() => {
        if (this.#shared.get(key) === shared) {
          this.#shared.delete(key);
        }
      });
      this.#shared.set(key, shared);
      const socket = await shared.open(address, use);
      return { shared, socket };
    }
    if (!known.isReplaceable) {
      throw Object.assign(new Error(`listen EADDRINUSE: address already in use ${key}`), {
        code: "EADDRINUSE",
      });
    }
    return { shared: known, socket: known.add(use) };
  }
}

/** For sockets that no other component takes over. */
export function unsharedSockets(): OwnedSockets {
  const owner = new ListeningSockets().ownedBy("");
  owner.activate();
  return owner;
}

/** One use of a socket. */
interface Use {
  readonly owner: { readonly isActive: boolean; readonly isReplaceable: boolean };
  readonly accept: (socket: Socket) => void;
  readonly onError: ((error: Error) => void) | undefined;
}

interface Entry extends Use {
  readonly socket: ListeningSocket;
}

class SharedSocket {
  readonly #onClosed: () => void;
  readonly #server: Server;
  readonly #parked = new Set<Socket>();
  #users: readonly Entry[] = [];

  constructor(onClosed: () => void) {
    this.#onClosed = onClosed;
    this.#server = createServer({ noDelay: true }, (socket) => this.#dispatch(socket));
  }

  /** Whether all of its users are about to be replaced. */
  get isReplaceable(): boolean {
    return this.#users.length > 0 && this.#users.every(({ owner }) => owner.isReplaceable);
  }

  async open(address: ListenAddress, use: Use): Promise<ListeningSocket> {
    try {
      await bind(this.#server, address);
    } catch (error) {
      this.#onClosed();
      throw error;
    }
    this.#server.on("error", (error) => this.#current()?.onError?.(error));
    return this.add(use);
  }

  add(use: Use): ListeningSocket {
    const address = this.#server.address() ?? "";
    const socket: ListeningSocket = {
      address,
      successor: () => {
        const at = this.#users.findIndex((each) => each.socket === socket);
        return this.#users.slice(at + 1).findLast(({ owner }) => owner.isActive)?.socket;
      },
      close: () => this.#remove(socket),
    };
    this.#users = [...this.#users, { ...use, socket }];
    return socket;
  }

  /** Passes on the connections that wait for a user. */
  unpark(): void {
    for (const socket of this.#parked) {
      this.#parked.delete(socket);
      socket.removeAllListeners("error");
      this.#dispatch(socket);
    }
  }

  #current(): Entry | undefined {
    return this.#users.findLast(({ owner }) => owner.isActive);
  }

  #dispatch(socket: Socket): void {
    const current = this.#current();
    if (current !== undefined) {
      current.accept(socket);
    } else if (this.#parked.size >= maxParked) {
      socket.destroy();
    } else {
      this.#parked.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => this.#parked.delete(socket));
    }
  }

  #remove(socket: ListeningSocket): void {
    if (!this.#users.some((each) => each.socket === socket)) {
      return;
    }
    this.#users = this.#users.filter((each) => each.socket !== socket);
    if (this.#users.length === 0) {
      for (const parked of this.#parked) {
        parked.destroy();
      }
      this.#server.close();
      this.#onClosed();
    }
  }
}

function keyOf(address: ListenAddress): string {
  return "path" in address
    ? `unix:${address.path}`
    : `${address.host}:${address.port}${address.family === undefined ? "" : ` ${address.family}`}`;
}

/**
 * A unix socket can be used by the user and the group of the program, and its file is removed when the server closes. A file that was left by
 * a program that was killed is replaced.
 */
async function bind(server: Server, address: ListenAddress): Promise<void> {
  if ("path" in address) {
    const { path } = address;
    try {
      await bindTo(server, { path });
    } catch (error) {
      const occupant = isInUse(error) ? await occupantOf(path) : undefined;
      if (occupant !== "stale") {
        throw occupant === undefined ? error : Object.assign(Object(error), { occupant });
      }
      await removeStale(path);
      await bindTo(server, { path });
    }
    await protectSocket(path);
    return;
  }
  const { host, port, family } = address;
  const found = family === undefined ? host : (await lookup(host, { family })).address;
  await bindTo(server, { host: found, port });
}

/** What is in the way at the path of a unix socket, if that is why listening failed. */
export function occupantIn(error: unknown): Occupant | undefined {
  const occupant: unknown = error instanceof Error ? Reflect.get(error, "occupant") : undefined;
  return occupant === "live" || occupant === "other" ? occupant : undefined;
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

function bindTo(
  server: Server,
  options: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...options }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}
