import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { type SeatState, seatOf } from "./seats.ts";

/** Time, as the components get it. */
export interface ServerClock {
  nowMs(): number;
  after(delayMs: number, run: () => void): () => void;
}

/** `keepalive.server_parameters` and `keepalive.enforcement_policy` of the Collector. Milliseconds; undefined is for ever. */
export interface ServerKeepalive {
  /** A connection without a stream for this long is closed. */
  readonly maxIdleMs: number | undefined;
  /** A connection is closed after this time, give or take a tenth, so that not all clients come back at once. */
  readonly maxAgeMs: number | undefined;
  /** How long the streams of such a connection may still take. */
  readonly maxAgeGraceMs: number | undefined;
  /** A connection that is silent for this long is pinged. */
  readonly pingAfterMs: number;
  /** How long the answer to a ping may take. */
  readonly pingTimeoutMs: number;
  /** A client must not ping more often. */
  readonly minPingIntervalMs: number;
  /** Whether a client may ping as often without a stream. */
  readonly isPingAllowedWithoutStream: boolean;
}

export interface Http2ConnectionOptions {
  readonly keepalive: ServerKeepalive;
  readonly clock: ServerClock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** The most streams that the client may have at a time. */
  readonly maxStreams: number;
  /** Called when the client sends frames that are of no use, more than any client needs. */
  readonly onFlood: () => void;
}

/** How many pings may come too early, and how many settings a client may send, before it must do something useful. As in gRPC for Go. */
const maxEarlyPings = 2;
const maxSettings = 100;
/** How many streams a client may reset within one read, beside those that it may have. */
const maxResets = 50;
/** How often a client may ping that has no stream and is not allowed to. */
const idlePingIntervalMs = 2 * 60 * 60 * 1000;
/** How long a connection may still be used, about, after another server has taken it over. */
const handOverMs = 10_000;
/** While the server closes, a client that sends nothing of its unfinished request for this long is cut. */
const closingInactivityMs = 1_000;
/** How long the last answers of a connection that is cut may take to leave. Less than what a shutdown waits beyond its deadline. */
const lastAnswersMs = 250;
/** How long a client may keep a connection open that has ended. */
const lingerMs = 1_000;
/** More than the frames in which a client takes leave, and less than a flood. */
const maxLeaveBytes = 128;

/** Answers a stream that was not answered in time. Does nothing if it was. */
export type GiveUp = () => void;

/** One connection of an HTTP/2 server: its streams, its end, and what its client may do without a stream. */
export class Http2Connection {
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #options: Http2ConnectionOptions;
  readonly #streams = new Map<ServerHttp2Stream, GiveUp>();
  readonly #cancels = new Set<() => void>();
  #idleSinceMs: number;
  /** What the client had sent when it last used or tested its connection. */
  #usefulBytes = 0;
  #isHttp2 = false;
  #hasAnswered = false;
  #isClosing = false;
  #earlyPings = 0;
  /** What had been read when the last stream came, and how many came with it. */
  #lastReadBytes = 0;
  #streamsOfRead = 0;
  #settings = 0;
  #lastPingMs = Number.NEGATIVE_INFINITY;
  #isPingFree = true;

  constructor(session: ServerHttp2Session, socket: Socket, options: Http2ConnectionOptions) {
    this.#session = session;
    this.#socket = socket;
    this.#options = options;
    const { clock, random, keepalive } = options;
    this.#idleSinceMs = clock.nowMs();
    session.on("ping", () => this.#onPing());
    session.on("remoteSettings", () => {
      this.#settings += 1;
      if (!this.#isHttp2) {
        this.#isHttp2 = true;
        if (this.#streams.size === 0) {
          this.#setSeat("unused");
        }
        this.#usefulBytes = socket.bytesRead;
      }
      if (this.#settings > maxSettings) {
        this.#expel("too_many_settings");
      }
    });
    session.once("close", () => {
      for (const cancel of this.#cancels) {
        cancel();
      }
    });
    // A client that says goodbye may keep its side open, too.
    session.once("goaway", () => this.#watchEnd());
    if (keepalive.maxIdleMs !== undefined) {
      this.#watchIdle(keepalive.maxIdleMs, keepalive.maxIdleMs);
    }
    if (keepalive.maxAgeMs !== undefined) {
      this.#after(keepalive.maxAgeMs * (0.9 + 0.2 * random()), () => this.#endAged());
    }
    this.#watchSilence(keepalive.pingAfterMs, { bytes: socket.bytesRead, atMs: clock.nowMs() });
  }

  /**
   * Whether the client, which speaks HTTP/2 and has no stream, has sent no more than what takes leave. A protocol error is then of no
   * consequence: gRPC for Go ends every connection with a GOAWAY that names one of its own streams, and the runtime refuses that.
   */
  get isLeaving(): boolean {
    return (
      this.#isHttp2 &&
      this.#streams.size === 0 &&
      this.#socket.bytesRead - this.#usefulBytes <= maxLeaveBytes
    );
  }

  add(stream: ServerHttp2Stream, giveUp: GiveUp): void {
    this.#streams.set(stream, giveUp);
    this.#countWithinRead();
    this.#setSeat("busy");
    if (this.#isClosing) {
      this.#hurry(stream, giveUp);
    }
    stream.once("close", () => {
      this.#streams.delete(stream);
      this.#idleSinceMs = this.#options.clock.nowMs();
      if (stream.headersSent) {
        this.#hasAnswered = true;
        this.#usefulBytes = this.#socket.bytesRead;
        // A client may ping with each request, e.g. to measure the round trip.
        this.#isPingFree = true;
        this.#settings = 0;
      }
      if (this.#streams.size === 0) {
        this.#setSeat(this.#hasAnswered ? "idle" : "unused");
      }
    });
  }

  /**
   * Asks the client to open no more streams (GOAWAY), lets those that are open end, and then closes it. A stream that is on its way is
   * refused, and the client opens it again on another connection.
   */
  retire(): void {
    this.#session.close();
    this.#watchEnd();
  }

  /** The same within some seconds, because another server has its streams from now on: not all clients come back at once. */
  retireLater(): void {
    const { random } = this.#options;
    this.#after(handOverMs * (0.5 + random()), () => this.retire());
  }

  /** The same, because the server ends: a client that sends nothing of its request for a second is cut. */
  retireSoon(): void {
    this.#isClosing = true;
    for (const [stream, giveUp] of this.#streams) {
      this.#hurry(stream, giveUp);
    }
    this.retire();
  }

  /**
   * Ends it now. Streams without an answer are given up, so that their clients learn that they may try again; answers that cannot leave
   * within a quarter of a second are lost.
   */
  cut(): void {
    for (const [stream, giveUp] of this.#streams) {
      if (stream.headersSent) {
        stream.close(constants.NGHTTP2_CANCEL); // Its client does not take its answer.
      } else {
        giveUp();
      }
    }
    if (this.#streams.size === 0 || this.#session.destroyed) {
      this.destroy();
      return;
    }
    // Not a timer of the clock: a test that stops the clock still needs an end.
    this.#socket.setTimeout(lastAnswersMs, () => this.destroy());
    this.#session.close();
  }

  /** Closes it at once. A stream that is on its way is refused, and the client opens it again on another connection. */
  destroy(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  /** Once its streams have ended, only the client's side is left, and a client that does not close it would keep the socket for ever. */
  #watchEnd(): void {
    this.#after(lingerMs, () => {
      if (this.#session.destroyed) {
        this.#socket.destroy();
      } else {
        this.#watchEnd();
      }
    });
  }

  /** Without an answer in between, a client can open more streams than it may have only if it resets them. */
  #countWithinRead(): void {
    const { bytesRead } = this.#socket;
    this.#streamsOfRead = bytesRead === this.#lastReadBytes ? this.#streamsOfRead + 1 : 1;
    this.#lastReadBytes = bytesRead;
    if (this.#streamsOfRead > this.#options.maxStreams + maxResets) {
      this.#expel("too_many_resets");
    }
  }

  #setSeat(state: SeatState): void {
    const seat = seatOf(this.#socket);
    if (seat !== undefined) {
      seat.state = state;
    }
  }

  #hurry(stream: ServerHttp2Stream, giveUp: GiveUp): void {
    if (!stream.readableEnded) {
      stream.setTimeout(closingInactivityMs, () => {
        if (!stream.readableEnded) {
          giveUp();
          stream.close(constants.NGHTTP2_CANCEL);
        }
      });
    }
  }

  #watchIdle(maxIdleMs: number, delayMs: number): void {
    this.#after(delayMs, () => {
      const idleMs = this.#streams.size === 0 ? this.#options.clock.nowMs() - this.#idleSinceMs : 0;
      if (idleMs >= maxIdleMs) {
        this.retire();
      } else {
        this.#watchIdle(maxIdleMs, maxIdleMs - idleMs);
      }
    });
  }

  #endAged(): void {
    this.retire();
    const { maxAgeGraceMs } = this.#options.keepalive;
    if (maxAgeGraceMs !== undefined) {
      this.#after(maxAgeGraceMs, () => this.cut());
    }
  }

  /** Pings when nothing has arrived for `pingAfterMs`. */
  #watchSilence(delayMs: number, last: { readonly bytes: number; readonly atMs: number }): void {
    const { clock, keepalive } = this.#options;
    this.#after(delayMs, () => {
      const nowMs = clock.nowMs();
      const bytes = this.#socket.bytesRead;
      if (bytes === last.bytes && nowMs - last.atMs >= keepalive.pingAfterMs) {
        this.#ping(keepalive.pingTimeoutMs);
      }
      this.#watchSilence(keepalive.pingAfterMs, { bytes, atMs: nowMs });
    });
  }

  #ping(timeoutMs: number): void {
    if (this.#session.destroyed) {
      return;
    }
    const cancel = this.#after(timeoutMs, () => this.destroy());
    this.#session.ping((error) => {
      if (error === null) {
        cancel();
      }
    });
  }

  #onPing(): void {
    const { clock, keepalive } = this.#options;
    const nowMs = clock.nowMs();
    const sinceMs = nowMs - this.#lastPingMs;
    this.#lastPingMs = nowMs;
    if (this.#isPingFree) {
      this.#isPingFree = false;
      this.#earlyPings = 0;
      this.#usefulBytes = this.#socket.bytesRead;
      return;
    }
    const isIdle = this.#streams.size === 0 && !keepalive.isPingAllowedWithoutStream;
    if (sinceMs < (isIdle ? idlePingIntervalMs : keepalive.minPingIntervalMs)) {
      this.#earlyPings += 1;
      if (this.#earlyPings > maxEarlyPings) {
        this.#expel("too_many_pings");
      }
      return;
    }
    this.#usefulBytes = this.#socket.bytesRead;
  }

  /** Clients of gRPC know `too_many_pings`, and ping less often after it. */
  #expel(reason: string): void {
    if (this.#session.destroyed) {
      return;
    }
    this.#options.onFlood();
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(reason));
    this.#session.destroy();
  }

  #after(delayMs: number, run: () => void): () => void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#cancels.delete(cancelHere);
      run();
    });
    const cancelHere = () => {
      this.#cancels.delete(cancelHere);
      cancel();
    };
    this.#cancels.add(cancelHere);
    return cancelHere;
  }
}
