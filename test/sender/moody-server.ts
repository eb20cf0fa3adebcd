import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What a server does with one request: an answer, or one of the ways to give none. */
export type Mood =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | "hang"
  | "reset"
  /** 200, and a body that breaks off. */
  | "break off"
  /** 200, and a body that never ends. */
  | "drip";

export interface MoodyServer {
  readonly url: URL;
  readonly requests: readonly {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
    /** The how-manieth connection brought it. */
    readonly connection: number;
  }[];
  /** Resolves when it got so many requests. */
  received(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A server on loopback that meets requests with `moods`, one after the other, the last one for ever. */
export async function startMoodyServer(moods: readonly Mood[]): Promise<MoodyServer> {
  const requests: MoodyServer["requests"][number][] = [];
  const sockets: Socket[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const mood = moods[Math.min(requests.length, moods.length - 1)] ?? "hang";
      requests.push({
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        connection: sockets.indexOf(request.socket) + 1,
      });
      if (mood === "reset") {
        request.socket.resetAndDestroy();
      } else if (mood === "break off" || mood === "drip") {
        response.writeHead(200, { "content-length": "100" }).write("ten bytes.");
        setImmediate(() => mood === "break off" && request.socket.destroy());
      } else if (mood !== "hang") {
        response.writeHead(mood.status, mood.headers).end();
      }
      for (const look of waiting) {
        look();
      }
    });
  });
  server.on("connection", (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    requests,
    received: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (requests.length >= count) {
            waiting.delete(look);
            resolve();
          }
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
