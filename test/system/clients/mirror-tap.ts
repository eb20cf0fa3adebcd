import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A wire between a client and a server on which a second server, the mirror, reads along. */
export interface MirrorTap {
  readonly port: number;
  /** How many connections the client has made so far. */
  connections(): number;
  /** How many bytes it has sent so far. */
  bytes(): number;
  /** Resolves when the client has ended every connection. The mirror has everything then, but may still be reading. */
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
  let bytes = 0;
  const tap = createServer((client) => {
    const server = connect(ports.server, "127.0.0.1");
    const mirror = connect(ports.mirror, "127.0.0.1");
    for (const socket of [client, server, mirror]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    server.pipe(client);
    client.pipe(server);
    // Its connection stays, or a server that inflates in the background would give up what it has not read to the end.
    client.pipe(mirror, { end: false });
    client.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    // Its answers go nowhere; unread, they would hold it up.
    mirror.resume();
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroySoon());
    ended.push(new Promise((resolve) => client.once("close", () => resolve())));
  });
  await new Promise<void>((resolve) => tap.listen(0, "127.0.0.1", resolve));
  return {
    port: (tap.address() as AddressInfo).port,
    connections: () => ended.length,
    bytes: () => bytes,
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
