import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { ClientTlsOptions } from "./tls.ts";

/** Where a client connects to. */
export interface ServerAddress {
  readonly isSecure: boolean;
  /** An IPv6 address without brackets. */
  readonly hostname: string;
  /** Empty for that of the scheme. */
  readonly port: string;
}

/** Connects without TLS. Rejects with the error of the system, and with the reason of `signal` when that aborts. */
export function connectPlainly(to: ServerAddress, signal: AbortSignal): Promise<Socket> {
  return opened(connect({ host: to.hostname, port: portOf(to) }), "connect", signal);
}

/**
 * Connects with TLS, over `socket` if there is one. Rejects with the error of the system or of TLS, and with the reason of `signal` when
 * that aborts; then the socket is closed.
 */
export function connectSecurely(
  to: ServerAddress,
  {
    tls,
    signal,
    socket,
    protocol = "http/1.1",
  }: {
    readonly tls: ClientTlsOptions & Pick<ConnectionOptions, "checkServerIdentity">;
    readonly signal: AbortSignal;
    readonly socket?: Socket;
    /** For ALPN. */
    readonly protocol?: "http/1.1" | "h2";
  },
): Promise<TLSSocket> {
  const secure = connectTls({
    // An address is no name for a server to choose a certificate by.
    ...(isIP(to.hostname) === 0 ? { servername: to.hostname } : {}),
    ...tls,
    host: to.hostname,
    port: portOf(to),
    ALPNProtocols: [protocol],
    ...(socket === undefined ? {} : { socket }),
  });
  return opened(secure, "secureConnect", signal);
}

export function portOf({ port, isSecure }: ServerAddress): number {
  return port === "" ? (isSecure ? 443 : 80) : Number(port);
}

async function opened<S extends Socket>(
  socket: S,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<S> {
  socket.setNoDelay(true).setKeepAlive(true, 60_000);
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    // A late error of the socket has no receiver.
    socket.on("error", () => {}).destroy();
    throw signal.aborted ? signal.reason : error;
  }
}
