import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What a network does for a while to the connections of one sender. */
export const troubles = [
  "none",
  /** Every connection breaks, and new ones are reset. */
  "cut",
  /** Connections are accepted and nothing passes. */
  "black_hole",
  /** Every piece takes its time. */
  "delay",
  /** Pieces of a few bytes. */
  "trickle",
  /** Each connection breaks in the middle of a request. */
  "break",
  /** Requests arrive, and the answers don't. */
  "lost_answers",
  /** What a connection has sent arrives a second time, later, over another one. */
  "duplicate",
] as const;
export type Trouble = (typeof troubles)[number];

/** A proxy of TCP between a sender and the collector. */
export interface BadNetwork {
  readonly port: number;
  trouble: Trouble;
  /** When something was delivered a second time, on the clock of the process. */
  readonly repeatsMs: readonly number[];
  close(): Promise<void>;
}

const delayMs = 300;
const trickle = { bytes: 300, everyMs: 15 };
const breakAfterBytes = 600;
const blackHoleMs = 3_000;
const mostRecorded = 256 * 1024;
const replayAfterMs = 700;

/** `target` is the port that the sender wants; undefined while nothing listens. */
export async function openBadNetwork(target: () => number | undefined): Promise<BadNetwork> {
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((sender) => {
    track(sender);
    const port = target();
    if (network.trouble === "cut" || port === undefined) {
      sender.resetAndDestroy();
      return;
    }
    if (network.trouble === "black_hole") {
      setTimeout(() => sender.destroy(), blackHoleMs);
      return;
    }
    join(sender, port);
  });

  function join(sender: Socket, port: number): void {
    const collector = track(connect(port, "127.0.0.1"));
    let passed = 0;
    let recorded: Buffer[] | undefined = network.trouble === "duplicate" ? [] : undefined;
    sender.on("data", (piece: Buffer) => {
      passed += piece.length;
      recorded?.push(piece);
      if (passed > mostRecorded) {
        recorded = undefined;
      }
      if (network.trouble === "break" && passed > breakAfterBytes) {
        collector.write(piece.subarray(0, piece.length / 2));
        setTimeout(() => collector.resetAndDestroy(), 20);
        sender.resetAndDestroy();
      } else {
        pass(piece, sender, collector);
      }
    });
    collector.on("data", (piece: Buffer) => {
      if (network.trouble === "lost_answers") {
        sender.resetAndDestroy();
        collector.destroy();
      } else {
        pass(piece, collector, sender);
      }
    });
    sender.once("close", () => collector.destroy());
    collector.once("close", () => sender.destroy());
    collector.once("close", () => {
      const pieces = recorded;
      const again = target();
      if (pieces !== undefined && pieces.length > 0 && again !== undefined) {
        setTimeout(() => replay(pieces, again), replayAfterMs);
      }
    });
  }

  function replay(pieces: readonly Buffer[], port: number): void {
    const collector = track(connect(port, "127.0.0.1"));
    collector.on("data", () => {});
    repeatsMs.push(performance.now());
    for (const piece of pieces) {
      collector.write(piece);
    }
    setTimeout(() => collector.destroy(), 5_000);
  }

  function pass(piece: Buffer, from: Socket, to: Socket): void {
    const { trouble } = network;
    if (trouble === "delay" || trouble === "trickle") {
      from.pause();
      const rest = trouble === "trickle" ? piece.subarray(trickle.bytes) : Buffer.alloc(0);
      setTimeout(
        () => {
          to.write(piece.subarray(0, piece.length - rest.length));
          if (rest.length > 0) {
            pass(rest, from, to);
          } else {
            from.resume();
          }
        },
        trouble === "delay" ? delayMs : trickle.everyMs,
      );
    } else if (!to.write(piece)) {
      from.pause();
      to.once("drain", () => from.resume());
    } else if (from.isPaused()) {
      from.resume();
    }
  }

  const repeatsMs: number[] = [];
  const network = {
    port: 0,
    repeatsMs,
    get trouble(): Trouble {
      return trouble;
    },
    set trouble(next: Trouble) {
      trouble = next;
      if (next === "cut") {
        for (const socket of sockets) {
          socket.resetAndDestroy();
        }
      }
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) {
        socket.destroy();
      }
      await closed;
    },
  };
  let trouble: Trouble = "none";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  network.port = (server.address() as AddressInfo).port;
  return network;
}
