import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { isIP, type Socket } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { CancelTimer, Clock } from "../../component/clock.ts";
import { connectPlainly, connectSecurely } from "../../net/client-socket.ts";
import { type HttpProxy, ProxyError } from "../../net/proxy.ts";
import { connectThrough } from "../../net/proxy-tunnel.ts";
import type { ClientTlsOptions } from "../../net/tls.ts";
import { type CallEnd, callUnary, codeOf, type UnaryRequest } from "./unary-call.ts";

/** `keepalive` of the config. Durations in milliseconds. */
export interface KeepaliveConfig {
  readonly time: number;
  readonly timeout: number;
  readonly permit_without_stream: boolean;
}

export interface ConnectionOptions {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** The name that the certificate must have, which is not that of an address from the DNS. */
  readonly serverName: string;
  /** Absent without TLS. Rejects if the files cannot be used. */
  readonly tls?: () => Promise<ClientTlsOptions>;
  /** What the connection goes through, if anything. `tls` is for a proxy that is reached over https. */
  readonly proxy?: { readonly server: HttpProxy; readonly tls: () => Promise<ClientTlsOptions> };
  readonly clock: Clock;
  /** How long opening it may take. */
  readonly timeoutMs: number;
  readonly keepalive?: KeepaliveConfig | undefined;
  /** Ends the opening. */
  readonly stop: AbortSignal;
}

/** A connection, or the code of the failure. */
export type OpenResult =
  | { readonly ok: true; readonly connection: GrpcConnection }
  | { readonly ok: false; readonly code: string | undefined; readonly isAtProxy?: boolean };

/** Codes of failures that have none from the system. */
export const openFailures = {
  timeout: "CONNECT_TIMEOUT",
  notHttp2: "NOT_HTTP2",
  closed: "CLOSED",
} as const;

/** How long the answer to a ping may take that follows a call without an answer. */
const probeTimeoutMs = 10_000;

/**
 * What Node lets a connection keep, in MB, before it refuses calls. The requests in flight are bounded by the consumers of the
 * queue, and refusing one because of its size would refuse it for ever.
 */
const maxSessionMemory = 4_000;

/** Opens a connection. It is open when the backend has sent its settings: only then it is a server of HTTP/2. */
export async function openConnection(options: ConnectionOptions): Promise<OpenResult> {
  const { clock, timeoutMs, stop } = options;
  const end = new AbortController();
  const endWith = (code: string) => end.abort(failure(code));
  const onStop = () => endWith(openFailures.closed);
  if (stop.aborted) {
    onStop();
  }
  stop.addEventListener("abort", onStop, { once: true });
  const cancelTimer = clock.after(timeoutMs, () => endWith(openFailures.timeout));
  try {
    const session = await openSession(await openSocket(options, end.signal), options, end.signal);
    return { ok: true, connection: new GrpcConnection(session, options) };
  } catch (error) {
    const cause = end.signal.aborted ? end.signal.reason : error;
    const code = codeOf(cause);
    return {
      ok: false,
      code: code === "ERR_HTTP2_ERROR" ? openFailures.notHttp2 : code,
      ...(cause instanceof ProxyError ? { isAtProxy: true } : {}),
    };
  } finally {
    cancelTimer();
    stop.removeEventListener("abort", onStop);
  }
}

async function openSocket(
  { host, port, serverName, tls, proxy }: ConnectionOptions,
  signal: AbortSignal,
): Promise<Socket> {
  // Read first, because nothing may wait between a connection and its TLS.
  const secure = await tls?.();
  const to = { isSecure: secure !== undefined, hostname: host, port: String(port) };
  const socket = proxy && (await connectThrough(proxy.server, { to, tls: proxy.tls, signal }));
  if (secure === undefined) {
    return socket ?? connectPlainly(to, signal);
  }
  const name = secure.servername ?? serverName;
  return connectSecurely(to, {
    signal,
    protocol: "h2",
    tls: {
      ...secure,
      // The certificate is for the name, while `host` may be an address from the DNS. An address is not sent as a server name.
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
      ...(isIP(name) === 0 ? { servername: name } : {}),
    },
    ...(socket === undefined ? {} : { socket }),
  });
}

/** Rejects, and closes the socket, if the server does not speak HTTP/2 or `signal` aborts first. */
function openSession(
  socket: Socket,
  { serverName }: ConnectionOptions,
  signal: AbortSignal,
): Promise<ClientHttp2Session> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientHttp2Session>();
  const isSecure = "alpnProtocol" in socket;
  if (isSecure && socket.alpnProtocol !== "h2") {
    socket.on("error", () => {}).destroy();
    throw failure(openFailures.notHttp2);
  }
  const authority = `${isSecure ? "https" : "http"}://${hostInUrl(serverName)}`;
  const session = connectHttp2(authority, {
    createConnection: () => socket,
    settings: { enablePush: false },
    maxSessionMemory,
  });
  const onAbort = () => {
    reject(signal.reason);
    session.destroy();
    socket.destroy();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  const onClosed = () => {
    signal.removeEventListener("abort", onAbort);
    reject(failure(openFailures.closed));
  };
  // With TLS 1.3 a server may refuse the client after its side of the handshake, which the session does not report.
  socket.on("error", reject).once("close", onClosed);
  session.on("error", reject).once("close", onClosed);
  session.once("remoteSettings", () => {
    signal.removeEventListener("abort", onAbort);
    resolve(session);
  });
  if (signal.aborted) {
    onAbort();
  }
  return promise;
}

function failure(code: string): Error {
  return Object.assign(new Error(`Opening failed (${code}).`), { code });
}

function hostInUrl(name: string): string {
  return name.includes(":") ? `[${name}]` : name;
}

/** An open connection to one address of the backend. */
export class GrpcConnection {
  readonly #session: ClientHttp2Session;
  readonly #clock: Clock;
  readonly #keepalive: KeepaliveConfig | undefined;
  #calls = 0;
  #lastAnswerMs: number;
  #cancelKeepalive: CancelTimer = () => {};
  #cancelPing: CancelTimer | undefined;

  constructor(
    session: ClientHttp2Session,
    { clock, keepalive }: Pick<ConnectionOptions, "clock" | "keepalive">,
  ) {
    this.#session = session;
    this.#clock = clock;
    this.#keepalive = keepalive;
    this.#lastAnswerMs = clock.nowMs();
    if (keepalive !== undefined) {
      this.#watch(keepalive.time, keepalive);
    }
    session.once("close", () => {
      this.#cancelKeepalive();
      this.#cancelPing?.();
    });
  }

  /** Whether it takes calls: the backend has neither closed it nor said that it will. */
  get isUsable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Makes one call. After a call without an answer it checks with a ping whether the backend is alive. */
  async call(request: UnaryRequest, signal: AbortSignal): Promise<CallEnd> {
    this.#calls += 1;
    const startedMs = this.#clock.nowMs();
    try {
      const end = await callUnary(this.#session, request, signal);
      if (end.kind === "answered") {
        this.#lastAnswerMs = this.#clock.nowMs();
      } else if (end.kind === "timeout" && this.#lastAnswerMs <= startedMs) {
        this.#ping(this.#keepalive?.timeout ?? probeTimeoutMs);
      }
      return end;
    } finally {
      this.#calls -= 1;
    }
  }

  /** Ends it, with all calls on it. */
  async close(): Promise<void> {
    if (this.#session.destroyed) {
      return;
    }
    const closed = new Promise<void>((resolve) => this.#session.once("close", () => resolve()));
    this.#session.destroy();
    await closed;
  }

  /** Lets the calls on it end, and takes no more. */
  retire(): void {
    this.#session.close();
  }

  #watch(delayMs: number, keepalive: KeepaliveConfig): void {
    this.#cancelKeepalive = this.#clock.after(delayMs, () => {
      const quietMs = this.#clock.nowMs() - this.#lastAnswerMs;
      if (quietMs < keepalive.time) {
        this.#watch(keepalive.time - quietMs, keepalive);
        return;
      }
      if (this.#calls > 0 || keepalive.permit_without_stream) {
        this.#ping(keepalive.timeout);
      }
      this.#watch(keepalive.time, keepalive);
    });
  }

  /** One at a time. */
  #ping(timeoutMs: number): void {
    if (this.#cancelPing !== undefined || !this.isUsable) {
      return;
    }
    this.#cancelPing = this.#clock.after(timeoutMs, () => this.#session.destroy());
    this.#session.ping((error) => {
      this.#cancelPing?.();
      this.#cancelPing = undefined;
      if (error === null) {
        this.#lastAnswerMs = this.#clock.nowMs();
      }
    });
  }
}
