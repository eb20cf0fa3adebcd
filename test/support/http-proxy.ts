import { createServer, type IncomingHttpHeaders, request } from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";

/** What a client asked the proxy for. */
export interface ProxyRequest {
  readonly method: string;
  /** `host:port` of a CONNECT, else the whole URL. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

export interface TestProxy {
  readonly host: string;
  readonly requests: readonly ProxyRequest[];
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/**
 * An HTTP proxy on a free port, which takes any host name for this machine. `answer` decides about each request: a status other than 200
 * refuses it, `undefined` leaves it without an answer. With `tls` it is reached over https.
 */
export async function openProxy({
  answer = () => 200,
  tls,
}: {
  readonly answer?: (request: ProxyRequest) => number | undefined;
  readonly tls?: ServerOptions;
} = {}): Promise<TestProxy> {
  const requests: ProxyRequest[] = [];
  const sockets = new Set<Socket>();
  const server = tls === undefined ? createServer() : createSecureServer(tls);
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  };
  const decide = (asked: ProxyRequest) => {
    requests.push(asked);
    return answer(asked);
  };
  server.on("connection", keep).on("tlsClientError", () => {});
  server.on("request", (from, to) => {
    const status = decide({ method: from.method!, target: from.url!, headers: from.headers });
    if (status !== 200) {
      if (status !== undefined) {
        to.writeHead(status).end();
      }
      return;
    }
    const { port, pathname, search } = new URL(from.url!);
    const { "proxy-authorization": _, ...headers } = from.headers;
    const path = `${pathname}${search}`;
    const onward = request(
      { host: "127.0.0.1", port, path, method: from.method!, headers },
      (answered) => {
        to.writeHead(answered.statusCode!, answered.headers);
        answered.pipe(to);
      },
    );
    onward.on("error", () => to.writeHead(502).end());
    from.pipe(onward);
  });
  server.on("connect", (from, client: Socket) => {
    keep(client);
    client.on("end", () => client.end()).resume(); // or its end is not noticed
    const status = decide({ method: "CONNECT", target: from.url!, headers: from.headers });
    if (status !== 200) {
      if (status !== undefined) {
        client.write(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
      }
      return;
    }
    client.pause();
    const onward = connect(Number(from.url!.split(":").at(-1)), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(onward).pipe(client);
    });
    keep(onward);
    client.on("close", () => onward.destroy());
    onward.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    requests,
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) {
          socket.destroy();
        }
      }),
  };
}
