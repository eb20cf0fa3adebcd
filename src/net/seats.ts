import type { Socket } from "node:net";
import { type Peer, peerOf } from "./peer.ts";

/**
 * What a connection is good for, the first one to close first: it has said nothing that is a request, not even a handshake; it has
 * never had an answer that is a success; it does not take the answer that it has; it has no request for now. One that is `busy` is closed
 * only through its request.
 */
const states = ["silent", "unused", "unread", "idle", "busy"] as const;
export type SeatState = (typeof states)[number];

/** A peer gets at most so many times what is left for others: alone seven eighths. */
const mostOfFree = 7;

/** What a peer has less of than this part of its connections is not the reason why there is no room. */
const smallPart = 1 / 8;

const none: ReadonlySet<Seat> = new Set();

/** The place of one connection among those of a server. */
export class Seat {
  readonly peer: Peer;
  readonly #socket: Socket;
  #end: () => void;
  #table: Seats;
  #state: SeatState = "silent";

  constructor(table: Seats, socket: Socket) {
    this.#table = table;
    this.#socket = socket;
    this.peer = peerOf(socket);
    this.#end = () => socket.destroy();
    socket.once("close", () => this.#table.remove(this));
  }

  get state(): SeatState {
    return this.#state;
  }

  set state(state: SeatState) {
    this.#table.line(this)?.delete(this);
    this.#state = state;
    this.#table.line(this)?.add(this);
  }

  /** What closes it instead of destroying its socket. */
  endWith(end: () => void): void {
    this.#end = end;
  }

  /** Closes it. It counts until it is closed, but is not found again. */
  end(): void {
    this.#table.line(this)?.delete(this);
    this.#end();
  }

  moveTo(table: Seats): void {
    this.#table.remove(this);
    this.#table = table;
    if (!this.#socket.destroyed) {
      table.add(this);
    }
  }
}

const seats = new WeakMap<Socket, Seat>();

/** The seat of a connection, also of the one below TLS. */
export function seatOf(socket: Socket): Seat | undefined {
  return seats.get(socket);
}

/** Lets the connection with TLS have the seat of the one below it. */
export function seatAbove(secure: Socket, below: Socket | undefined): void {
  const seat = below === undefined ? undefined : seats.get(below);
  if (seat !== undefined) {
    seats.set(secure, seat);
    seat.endWith(() => secure.destroy());
  }
}

interface PeerSeats {
  readonly all: Set<Seat>;
  readonly lines: Readonly<Record<SeatState, Set<Seat>>>;
}

/**
 * Divides the connections of a server among its peers. When there is no room for one more, the peer that has most gives one up: the one that is
 * good for least, and of those the one that is so for longest. It keeps one entry for each connection.
 */
export class Seats {
  readonly #max: number;
  readonly #peers = new Map<Peer, PeerSeats>();
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes a seat until the connection is closed. */
  take(socket: Socket): Seat {
    const seat = new Seat(this, socket);
    seats.set(socket, seat);
    this.add(seat);
    return seat;
  }

  add(seat: Seat): void {
    const peer = this.#peers.get(seat.peer) ?? {
      all: new Set(),
      lines: {
        silent: new Set(),
        unused: new Set(),
        unread: new Set(),
        idle: new Set(),
        busy: new Set(),
      },
    };
    this.#peers.set(seat.peer, peer);
    peer.all.add(seat);
    peer.lines[seat.state].add(seat);
    this.#size += 1;
  }

  remove(seat: Seat): void {
    const peer = this.#peers.get(seat.peer);
    if (peer?.all.delete(seat) === true) {
      peer.lines[seat.state].delete(seat);
      this.#size -= 1;
      if (peer.all.size === 0) {
        this.#peers.delete(seat.peer);
      }
    }
  }

  /** The seats of its peer in its state; undefined when it is no longer here. */
  line(seat: Seat): Set<Seat> | undefined {
    const peer = this.#peers.get(seat.peer);
    return peer?.all.has(seat) === true ? peer.lines[seat.state] : undefined;
  }

  /** Takes over those of a server that ends. */
  adopt(from: Seats): void {
    for (const { all } of [...from.#peers.values()]) {
      for (const seat of [...all]) {
        seat.moveTo(this);
      }
    }
  }

  /**
   * Whether a peer may have one more connection, perhaps in the place of another, of which the state is returned. `endBusy` may end one of
   * a peer that is busy, and says whether it has.
   */
  makeRoom(peer: Peer, endBusy: (peer: Peer) => boolean): "free" | SeatState | "full" {
    const own = this.#peers.get(peer)?.all.size ?? 0;
    const left = this.#max - this.#size - 1;
    if (left >= 0 && Math.floor((own + 1) / mostOfFree) <= left) {
      return "free";
    }
    const sizes = [...this.#peers].map(([each, { all }]) => ({
      each,
      size: each === peer ? own + 1 : all.size,
    }));
    const larger = sizes
      .filter(({ each, size }) => each === peer || size > own)
      .toSorted((a, b) => b.size - a.size || Number(b.each === peer) - Number(a.each === peer));
    for (const { each } of larger) {
      const ended = this.#endOne(each, endBusy);
      if (ended !== undefined) {
        return ended;
      }
    }
    return "full";
  }

  #endOne(peer: Peer, endBusy: (peer: Peer) => boolean): SeatState | undefined {
    const of = this.#peers.get(peer);
    // First from what the peer has much of: a connection that has just come in is silent for a moment, and must not make room for those that are busy.
    for (const least of [(of?.all.size ?? 0) * smallPart, 0]) {
      for (const state of states) {
        const line = of?.lines[state] ?? none;
        if (line.size === 0 || line.size < least) {
          continue;
        }
        if (state !== "busy") {
          for (const seat of line) {
            seat.end();
            return state;
          }
        } else if (endBusy(peer)) {
          return state;
        }
      }
    }
    return undefined;
  }
}
