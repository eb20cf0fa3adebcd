import { request } from "node:http";
import { isIP, type Socket } from "node:net";
import { connectPlainly, connectSecurely, portOf, type ServerAddress } from "./client-socket.ts";
import { type HttpProxy, ProxyError } from "./proxy.ts";
import type { ClientTlsOptions } from "./tls.ts";

export interface ProxyConnection {
  /** Asked if the proxy is reached over https. */
  readonly tls: () => Promise<ClientTlsOptions>;
  readonly signal: AbortSignal;
}

/** Connects to a proxy. Rejects with a {@link ProxyError}. */
export async function connectToProxy(
  { origin }: HttpProxy,
  { tls, signal }: ProxyConnection,
): Promise<Socket> {
  const { protocol, hostname, port } = new URL(origin);
  const isSecure = protocol === "https:";
  const to = { isSecure, hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port };
  try {
    if (!isSecure) {
      return await connectPlainly(to, signal);
    }
    // The name that the certificate of the server must have is not that of the proxy.
    const { servername: _, ...tlsOfProxy } = await tls();
    return await connectSecurely(to, { tls: tlsOfProxy, signal });
  } catch (error) {
    throw new ProxyError(codeOf(error), error);
  }
}

/** Connects to a server through a proxy; the connection has no TLS of its own yet. Rejects with a {@link ProxyError}. */
export async function connectThrough(
  proxy: HttpProxy,
  { to, ...connection }: ProxyConnection & { readonly to: ServerAddress },
): Promise<Socket> {
  const name = isIP(to.hostname) === 6 ? `[${to.hostname}]` : to.hostname;
  const socket = await connectToProxy(proxy, connection);
  // Between the answer of the proxy and TLS nothing else listens, and an error without a listener ends the process.
  socket.on("error", () => {});
  try {
    const { signal } = connection;
    return await openTunnel(socket, { to: `${name}:${portOf(to)}`, proxy, signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * Asks a proxy, to which `socket` is connected, for a connection to a server (`host:port`). Resolves to that connection. Rejects with a
 * {@link ProxyError}, and with the reason of `signal` when that aborts; then the caller has to close the socket.
 */
function openTunnel(
  socket: Socket,
  {
    to,
    proxy,
    signal,
  }: { readonly to: string; readonly proxy: HttpProxy; readonly signal: AbortSignal },
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const connect = request({
    method: "CONNECT",
    path: to,
    headers: {
      host: to,
      // A proxy may understand `close`, which is what Node sends without an agent, as the end of the tunnel.
      connection: "keep-alive",
      ...(proxy.authorization === undefined ? {} : { "proxy-authorization": proxy.authorization }),
    },
    createConnection: () => socket,
    signal,
  });
  connect.once("connect", ({ statusCode = 0 }, tunnel: Socket, head: Buffer) => {
    if (statusCode < 200 || statusCode >= 300) {
      reject(new ProxyError(`PROXY_${statusCode}`));
      return;
    }
    if (head.length > 0) {
      tunnel.unshift(head);
    }
    resolve(tunnel);
  });
  // Also after the answer, when a reset must not end the process.
  connect.on("error", (error: NodeJS.ErrnoException) => {
    reject(signal.aborted ? signal.reason : new ProxyError(error.code ?? error.name, error));
  });
  connect.end();
  return promise;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "no code";
}
