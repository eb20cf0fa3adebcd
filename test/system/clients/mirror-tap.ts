import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A wire between a client and a server on which a second server, the mirror, reads along. */
export interface MirrorTap {
  readonly port: number;
  /** How many connections the client has made so far. */
  connections(): number;
  /** Resolves when every connection has ended and the mirror has read everything that came over them. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/**
 * What a client sends goes byte for byte to the server and to the mirror; only the server answers. So the mirror has exactly what was sent, retries
 * included, whatever the server makes of it, and the server has the client's own framing.
 */
export async function openMirrorTap(ports: {
  readonly server: number;
  readonly mirror: number;
}): Promise<MirrorTap> {
  const sockets = new Set<Socket>();
  const ended: Promise<void>[] = [];
  const tap = createServer((client) => {
    const server = connect(ports.server, "127.0.0.1");
    const mirror = connect(ports.mirror, "127.0.0.1");
    for (const socket of [client, server, mirror]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    server.pipe(client);
    client.pipe(server);
    client.pipe(mirror);
    // Its answers go nowhere; unread, they would hold it up.
    mirror.resume();
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroySoon());
    client.on("close", () => mirror.end());
    ended.push(new Promise((resolve) => mirror.once("close", () => resolve())));
  });
  await new Promise<void>((resolve) => tap.listen(0, "127.0.0.1", resolve));
  return {
    port: (tap.address() as AddressInfo).port,
    connections: () => ended.length,
    quiet: async () => void (await Promise.all(ended)),
    close: () =>
      new Promise((resolve) => {
        tap.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
}
