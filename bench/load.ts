// The load generator, a process of its own so that its work is never counted as a server's. It gets an order over IPC (what
// to send, and where) and replies when every request has been answered with 200.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Pool } from "undici";
import { type Body, recordTurns, spansPerBody } from "./gateway-bodies.ts";

/** `ended`: finished spans. `gzip`: the same, compressed. `live`: every turn's starts, then its ends. */
export type Load = "ended" | "gzip" | "live";

export interface Order {
  readonly load: Load;
  readonly url: string;
  /** How many requests; even. */
  readonly requests: number;
  /** Numbers the requests; never the same twice for one server. */
  readonly serial: number;
}

export interface Delivery {
  readonly spans: number;
  readonly wireBytes: number;
  readonly seconds: number;
}

const connections = 4;
const bodiesPerConnection = 6;
const gzipAsync = promisify(gzip);
const turns = Array.from({ length: connections * bodiesPerConnection }, (_, index) =>
  recordTurns(index),
);

process.on("message", (order: Order) => {
  void deliver(order).then(
    (delivery) => process.send?.(delivery),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.("ready");

async function deliver(order: Order): Promise<Delivery> {
  const pool = new Pool(order.url, { connections, pipelining: 1 });
  try {
    const pieces = order.load === "gzip" ? await compressed(order) : undefined;
    let wireBytes = 0;
    const post = async (body: Buffer) => {
      const response = await pool.request({
        path: "/v1/traces",
        method: "POST",
        headers: {
          "content-type": "application/x-protobuf",
          ...(order.load === "gzip" ? { "content-encoding": "gzip" } : {}),
        },
        body,
      });
      await response.body.dump();
      if (response.statusCode !== 200) {
        throw new Error(`${order.url} answered ${response.statusCode}.`);
      }
      wireBytes += body.length;
    };
    const start = performance.now();
    await Promise.all(
      Array.from({ length: connections }, async (_, connection) => {
        for (let i = connection; i < order.requests; i += connections) {
          const piece = pieces?.[i];
          if (piece !== undefined) {
            await post(piece);
          } else {
            // Each body belongs to one connection, so it is not changed while it is being sent.
            const body = bodyFor(order, i);
            await post(body.bytes);
          }
        }
      }),
    );
    const seconds = (performance.now() - start) / 1000;
    return { spans: order.requests * spansPerBody, wireBytes, seconds };
  } finally {
    await pool.close();
  }
}

function bodyFor({ load, serial }: Order, request: number): Body {
  const connection = request % connections;
  const turn = Math.floor(request / connections);
  const repeat = load === "live" ? Math.floor(turn / 2) : turn;
  const chosen = turns[(repeat % bodiesPerConnection) * connections + connection];
  if (chosen === undefined) {
    throw new Error("There are no bodies.");
  }
  const body = load === "live" && turn % 2 === 0 ? chosen.starts : chosen.ends;
  body.refresh(serial + repeat);
  return body;
}

/** Compressed in advance, so that only the server's work is measured. */
async function compressed(order: Order): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = [];
  for (let request = 0; request < order.requests; request++) {
    pieces.push(await gzipAsync(bodyFor(order, request).bytes));
  }
  return pieces;
}
