import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { ServerTls } from "./server-tls.ts";

export interface TlsAcceptorOptions {
  readonly tls: ServerTls;
  /** The protocols on offer (ALPN), e.g. `["h2"]`. */
  readonly protocols: readonly string[];
  /** How long a handshake may take. */
  readonly handshakeTimeoutMs: number;
  /** Gets each connection whose handshake succeeded, and the one below it. */
  readonly onSecure: (socket: TLSSocket, below: Socket | undefined) => void;
  /** Called for each handshake that failed, but not for clients that only left, as probes of a port do. */
  readonly onFailed: (code: string) => void;
  /** Called for each client that speaks something else than TLS. One that speaks HTTP/1.1 gets status 400 with the reason. */
  readonly onPlaintext: () => void;
}

/**
 * Puts TLS on accepted connections, and lets new ones use changed files until it is closed. It keeps the connections whose handshake is not
 * finished.
 */
export class TlsAcceptor {
  readonly #server: Server;
  readonly #unfollow: () => void;
  readonly #handshakes = new Map<string, Socket>();

  constructor({
    tls,
    protocols,
    handshakeTimeoutMs,
    onSecure,
    onFailed,
    onPlaintext,
  }: TlsAcceptorOptions) {
    // It never listens: it only gives each connection its TLS.
    this.#server = createServer({
      ...tls.options,
      ALPNProtocols: [...protocols],
      handshakeTimeout: handshakeTimeoutMs,
    });
    this.#server.on("secureConnection", (socket) => {
      const below = this.#handshakes.get(addressesOf(socket));
      this.#handshakes.delete(addressesOf(socket));
      onSecure(socket, below);
    });
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const code = failureOf(error, socket);
      const raw = this.#handshakes.get(addressesOf(socket));
      if (raw !== undefined && isHttp(code)) {
        // Below TLS, which has sent nothing.
        raw.write(plaintextAnswer, () => socket.destroy());
      } else {
        socket.destroy();
      }
      if (isPlaintext(code)) {
        onPlaintext();
      } else if (code !== undefined) {
        onFailed(code);
      }
    });
    this.#unfollow = tls.follow(this.#server);
  }

  accept(socket: Socket): void {
    const addresses = addressesOf(socket);
    this.#handshakes.set(addresses, socket);
    socket.once("close", () => {
      if (this.#handshakes.get(addresses) === socket) {
        this.#handshakes.delete(addresses);
      }
    });
    this.#server.emit("connection", socket);
  }

  /** Takes no more connections; handshakes in progress go on. */
  finish(): void {
    this.#unfollow();
  }

  /** Ends the handshakes in progress. Connections with TLS stay open. */
  close(): void {
    this.#unfollow();
    for (const socket of this.#handshakes.values()) {
      socket.destroy();
    }
  }
}

/** The first bytes were those of HTTP/1.1, as far as OpenSSL looks for them. */
function isHttp(code: string | undefined): boolean {
  return code === "ERR_SSL_HTTP_REQUEST" || code === "ERR_SSL_HTTPS_PROXY_REQUEST";
}

/** The first bytes were none of a handshake, such as those of HTTP/2. */
function isPlaintext(code: string | undefined): boolean {
  return isHttp(code) || code === "ERR_SSL_WRONG_VERSION_NUMBER";
}

const plaintextText = "Client sent an HTTP request to an HTTPS server.\n";
const plaintextAnswer = `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${plaintextText.length}\r\n\r\n${plaintextText}`;

/** Node offers no way from a connection with TLS to the one below it, but both have the same peer. */
function addressesOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function failureOf(error: NodeJS.ErrnoException, socket: TLSSocket): string | undefined {
  // Node closes the connection of a client whose certificate it refuses, and then reports only that it was closed.
  const refused: unknown = socket.authorizationError;
  if (typeof refused === "string") {
    return refused;
  }
  return error.code === "ECONNRESET" || error.code === "EPIPE" ? undefined : (error.code ?? "none");
}
