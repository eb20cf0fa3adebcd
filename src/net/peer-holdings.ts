import type { Peer } from "./peer.ts";

/** What the requests of one connection, or of one peer, take up. */
export interface Holding {
  readonly requests: number;
  readonly bytes: number;
}

/** What a peer has, and how it is divided among its connections. */
export interface PeerHolding extends Holding {
  readonly connections: ReadonlyMap<object, Holding>;
}

interface Counted {
  requests: number;
  bytes: number;
}

const nothing: Holding = { requests: 0, bytes: 0 };
const noConnections: ReadonlyMap<object, Holding> = new Map();

/** Sums by peer and by connection. It keeps nothing for those that have no request. */
export class PeerHoldings {
  readonly #peers = new Map<Peer, Counted & { readonly connections: Map<object, Counted> }>();

  /** How many peers have a request. */
  get size(): number {
    return this.#peers.size;
  }

  of(of: { readonly peer: Peer; readonly connection: object }): {
    readonly peer: PeerHolding;
    readonly connection: Holding;
  } {
    const peer = this.#peers.get(of.peer);
    return {
      peer: peer ?? { ...nothing, connections: noConnections },
      connection: peer?.connections.get(of.connection) ?? nothing,
    };
  }

  change(
    of: { readonly peer: Peer; readonly connection: object },
    { requests, bytes }: Holding,
  ): void {
    const peer = this.#peers.get(of.peer) ?? { requests: 0, bytes: 0, connections: new Map() };
    const connection = peer.connections.get(of.connection) ?? { requests: 0, bytes: 0 };
    for (const each of [peer, connection]) {
      each.requests += requests;
      each.bytes += bytes;
    }
    if (connection.requests === 0) {
      peer.connections.delete(of.connection);
    } else {
      peer.connections.set(of.connection, connection);
    }
    if (peer.requests === 0) {
      this.#peers.delete(of.peer);
    } else {
      this.#peers.set(of.peer, peer);
    }
  }
}
