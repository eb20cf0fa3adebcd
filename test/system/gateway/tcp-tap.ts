import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A wire that can be listened to: what connects to it is connected through to `target`. */
export interface TcpTap {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Where new connections lead; a connection to nowhere is closed, as by a machine that is down. */
  target: string;
  /** Everything that was sent through so far, one byte a character. */
  heard(): string;
  close(): Promise<void>;
}

/** @param target base address such as `http://127.0.0.1:4318` */
export async function startTcpTap(target: string): Promise<TcpTap> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const { hostname, port } = new URL(tap.target);
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from
        .on("error", () => to.destroy())
        .on("close", () => {
          sockets.delete(from);
          to.destroy();
        });
      from.pipe(to);
    }
    client.on("data", (chunk: Buffer) => chunks.push(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const tap: TcpTap = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    heard: () => Buffer.concat(chunks).toString("latin1"),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
  return tap;
}
