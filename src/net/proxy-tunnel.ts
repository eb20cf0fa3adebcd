import { request } from "node:http";
import type { Socket } from "node:net";
import { type HttpProxy, ProxyError } from "./proxy.ts";

/**
 * Asks a proxy, to which `socket` is connected, for a connection to a server (`host:port`). Resolves to that connection. Rejects with a
 * {@link ProxyError}, and with the reason of `signal` when that aborts; then the caller has to close the socket.
 */
export function openTunnel(
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
