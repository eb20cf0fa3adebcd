import type { Peer } from "./peer.ts";
import { type Holding, PeerHoldings } from "./peer-holdings.ts";

/** A clock, as far as it is needed here. */
interface Now {
  nowMs(): number;
}

/** Who sends a request. */
export interface RequestSender {
  readonly peer: Peer;
  readonly connection: object;
}

/** A part of a request that its client has yet to send or to take. */
export interface Waiting {
  /** Call it as bytes arrive, before they are kept. */
  progressed(bytes: number): void;
  /** Call it when nothing more is awaited. Safe to call twice. */
  end(): void;
}

/** What one request takes up of what all requests share. */
export interface RequestShare {
  /** Whether there is room for it, perhaps because others made it. */
  fits(): boolean;
  /** From now on it counts for this peer. For a client that has proved who it is. */
  belongTo(peer: Peer): void;
  /** How many bytes its client has announced. Who announces more than an equal share takes nothing from others. */
  expect(bytes: number): void;
  /** Takes all of `bytes` and returns true, or takes nothing and returns false. */
  tryTake(bytes: number): boolean;
  giveBack(bytes: number): void;
  giveBackAll(): void;
  /**
   * The request waits for its client from now on, and may be cut to make room for others. `cut` ends it, and gives back at once what it takes
   * up. One request waits for one thing at a time.
   */
  wait(cut: () => void): Waiting;
  /** It takes up no place any more, and has given back its bytes. Safe to call twice. */
  leave(): void;
}

/** A request that has not progressed by so much for so long is stalled: about 1 KiB/s. */
const stalledMs = 5_000;
const leastBytes = 5 * 1024;

/**
 * A peer gets at most so many times what is left for others: alone seven eighths, beside another one seven fifteenths. A small request gets
 * a little more, so that large ones do not keep out the small ones of the same peer.
 */
const mostOfFree = 7;
const mostOfFreeIfSmall = 15;
/** A connection that has at most this part of all bytes is small. */
const smallPart = 1 / 64;

interface Entry {
  peer: Peer;
  readonly connection: object;
  bytes: number;
  expectedBytes: number;
  sinceMs: number;
  progress: number;
  cut: (() => void) | undefined;
  hasLeft: boolean;
}

/**
 * Divides the requests at a time, and the bytes that they hold, among peers, and what a peer has among its connections. When there is no room,
 * the peer that has most gives way: its requests that wait for their client are cut, those that have stalled first, else it gets no more. Who has less
 * than an equal share is refused only when what others have more is no longer waiting for their clients, but for the pipelines.
 *
 * It keeps one entry for each request and two numbers for each peer and each connection with a request.
 */
export class FairShares {
  readonly limitBytes: number;
  readonly #maxRequests: number;
  readonly #clock: Now;
  readonly #holdings = new PeerHoldings();
  /** The requests that wait for their client, the one without progress for longest first. */
  readonly #waiting = new Set<Entry>();
  #requests = 0;
  #bytes = 0;

  constructor(limits: { readonly maxRequests: number; readonly limitBytes: number }, clock: Now) {
    this.#maxRequests = limits.maxRequests;
    this.limitBytes = limits.limitBytes;
    this.#clock = clock;
  }

  get takenBytes(): number {
    return this.#bytes;
  }

  /** Counts a request until it leaves, also one that does not fit. */
  enter({ peer, connection }: RequestSender): RequestShare {
    const entry: Entry = {
      peer,
      connection,
      bytes: 0,
      expectedBytes: 0,
      sinceMs: 0,
      progress: 0,
      cut: undefined,
      hasLeft: false,
    };
    this.#count(entry, { requests: 1, bytes: 0 });
    return {
      fits: () => this.#fits(entry),
      belongTo: (other) => this.#move(entry, other),
      expect: (bytes) => {
        entry.expectedBytes = bytes;
      },
      tryTake: (bytes) => this.#tryTake(entry, bytes),
      giveBack: (bytes) => this.#take(entry, -bytes),
      giveBackAll: () => this.#take(entry, -entry.bytes),
      wait: (cut) => this.#wait(entry, cut),
      leave: () => this.#leave(entry),
    };
  }

  /** Cuts the request on one of these connections that waits for its client without progress for longest, and returns its connection. */
  cutWaiting(isOneOf: (connection: object) => boolean): object | undefined {
    for (const entry of this.#waiting) {
      if (isOneOf(entry.connection)) {
        this.#cut(entry);
        return entry.connection;
      }
    }
    return undefined;
  }

  #fits(entry: Entry): boolean {
    const hasRoom = () => {
      const left = this.#maxRequests - this.#requests;
      const { peer, connection } = this.#of(entry);
      return (
        left >= 0 &&
        Math.floor(peer.requests / mostOfFree) <= left &&
        connection.requests - 1 <= left
      );
    };
    return hasRoom() || this.#makeRoom(entry, hasRoom, () => this.#requestVictim(entry));
  }

  #tryTake(entry: Entry, bytes: number): boolean {
    const hasRoom = () => this.#hasRoomFor(entry, bytes);
    if (!hasRoom() && !this.#makeRoom(entry, hasRoom, () => this.#bytesVictim(entry, bytes))) {
      return false;
    }
    this.#take(entry, bytes);
    return true;
  }

  #hasRoomFor(entry: Entry, bytes: number): boolean {
    const free = this.limitBytes - this.#bytes;
    const { peer, connection } = this.#of(entry);
    if (bytes > free) {
      return false;
    }
    if (peer.bytes === entry.bytes) {
      return true; // The only request of a peer may take all that is left.
    }
    const isSmall = connection.bytes + bytes <= this.limitBytes * smallPart;
    return (
      peer.bytes + bytes <= (isSmall ? mostOfFreeIfSmall : mostOfFree) * (free - bytes) &&
      (connection.bytes === entry.bytes || connection.bytes + bytes <= free)
    );
  }

  /** Cuts requests until there is room, or none is left that has to give way. */
  #makeRoom(entry: Entry, hasRoom: () => boolean, victim: () => Entry | undefined): boolean {
    for (let next = victim(); next !== undefined; next = victim()) {
      this.#cut(next);
      if (entry.hasLeft) {
        return false; // It had stalled itself.
      }
      if (hasRoom()) {
        return true;
      }
    }
    return false;
  }

  /** Of the peers that have as many requests or more, the one that has most, and there the one that waits for longest. */
  #requestVictim(entry: Entry): Entry | undefined {
    const own = this.#of(entry);
    let found: { readonly entry: Entry; readonly requests: number } | undefined;
    for (const each of this.#waiting) {
      const { peer, connection } = this.#of(each);
      const isCandidate =
        each !== entry &&
        (each.peer === entry.peer
          ? connection.requests > own.connection.requests ||
            this.#isStalled(each) ||
            (each.connection !== entry.connection && own.connection.requests === 1)
          : peer.requests >= own.peer.requests);
      if (isCandidate && peer.requests > (found?.requests ?? 0)) {
        found = { entry: each, requests: peer.requests };
      }
    }
    return found?.entry;
  }

  /** Of those that have stalled, one of the peer that has most, else the largest of those that have more than an equal share. */
  #bytesVictim(entry: Entry, bytes: number): Entry | undefined {
    const own = this.#of(entry);
    const more = Math.max(bytes, entry.expectedBytes - entry.bytes);
    const peerShare = this.limitBytes / this.#holdings.size;
    const connectionShare =
      Math.min(own.peer.bytes + more, peerShare) / Math.max(1, own.peer.connections.size);
    const mayTakeOfOthers = own.peer.bytes + more <= peerShare;
    const mayTakeOfOwn = own.connection.bytes + more <= connectionShare;
    let stalled: Entry | undefined;
    let largest: Entry | undefined;
    for (const each of this.#waiting) {
      if (each.bytes === 0 && each !== entry) {
        continue;
      }
      const { peer, connection } = this.#of(each);
      const isOwn = each.peer === entry.peer;
      if (this.#isStalled(each) && (isOwn || peer.bytes >= own.peer.bytes)) {
        stalled = stalled === undefined || this.#hasMore(each, stalled) ? each : stalled;
      }
      const hasTooMuch = isOwn
        ? mayTakeOfOwn && connection.bytes > connectionShare && each.connection !== entry.connection
        : mayTakeOfOthers && peer.bytes > peerShare;
      if (hasTooMuch && (largest === undefined || this.#hasMore(each, largest))) {
        largest = each;
      }
    }
    return stalled ?? largest;
  }

  /** Whether one has more than another: its peer, else its connection. */
  #hasMore(a: Entry, b: Entry): boolean {
    const [one, other] = [this.#of(a), this.#of(b)];
    return (
      one.peer.bytes > other.peer.bytes ||
      (one.peer.bytes === other.peer.bytes && one.connection.bytes > other.connection.bytes)
    );
  }

  #isStalled(entry: Entry): boolean {
    return this.#clock.nowMs() - entry.sinceMs >= stalledMs;
  }

  #wait(entry: Entry, cut: () => void): Waiting {
    entry.cut = cut;
    entry.progress = 0;
    entry.sinceMs = this.#clock.nowMs();
    this.#waiting.delete(entry);
    this.#waiting.add(entry);
    return {
      progressed: (bytes) => {
        entry.progress += bytes;
        if (entry.progress >= leastBytes && entry.cut === cut) {
          this.#wait(entry, cut);
        }
      },
      end: () => {
        if (entry.cut === cut) {
          entry.cut = undefined;
          this.#waiting.delete(entry);
        }
      },
    };
  }

  #cut(entry: Entry): void {
    const { cut } = entry;
    this.#waiting.delete(entry);
    entry.cut = undefined;
    this.#leave(entry);
    cut?.();
  }

  #take(entry: Entry, bytes: number): void {
    if (!entry.hasLeft) {
      entry.bytes += bytes;
      this.#count(entry, { requests: 0, bytes });
    }
  }

  #leave(entry: Entry): void {
    if (entry.hasLeft) {
      return;
    }
    this.#waiting.delete(entry);
    this.#count(entry, { requests: -1, bytes: -entry.bytes });
    entry.bytes = 0;
    entry.hasLeft = true;
  }

  #move(entry: Entry, peer: Peer): void {
    if (entry.hasLeft || entry.peer === peer) {
      return;
    }
    this.#count(entry, { requests: -1, bytes: -entry.bytes });
    entry.peer = peer;
    this.#count(entry, { requests: 1, bytes: entry.bytes });
  }

  #count(entry: Entry, change: Holding): void {
    this.#requests += change.requests;
    this.#bytes += change.bytes;
    this.#holdings.change(entry, change);
  }

  #of(entry: Entry) {
    return this.#holdings.of(entry);
  }
}
