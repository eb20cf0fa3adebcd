import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import type { CancelTimer, Clock } from "../../component/clock.ts";
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
  | { readonly ok: false; readonly code: string | undefined };

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
  const tls = await options.tls?.();
  if (stop.aborted) {
    return { ok: false, code: openFailures.closed };
  }
  const socket = openSocket(options, tls);
  socket.setNoDelay(true);
  const authority = `${tls === undefined ? "http" : "https"}://${hostInUrl(options.serverName)}`;
  return new Promise((resolve) => {
    let session: ClientHttp2Session | undefined;
    let isOver = false;
    const end = (result: OpenResult) => {
      if (isOver) {
        return;
      }
      isOver = true;
      cancelTimer();
      stop.removeEventListener("abort", onStop);
      if (!result.ok) {
        session?.destroy();
        socket.destroy();
      }
      resolve(result);
    };
    const fail = (code: string | undefined) =>
      end({ ok: false, code: code === "ERR_HTTP2_ERROR" ? openFailures.notHttp2 : code });
    const onStop = () => fail(openFailures.closed);
    stop.addEventListener("abort", onStop, { once: true });
    const cancelTimer = clock.after(timeoutMs, () => fail(openFailures.timeout));

    socket.on("error", (error) => fail(codeOf(error)));
    socket.once("close", () => fail(openFailures.closed));
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      if ("alpnProtocol" in socket && socket.alpnProtocol !== "h2") {
        fail(openFailures.notHttp2);
        return;
      }
      session = connectHttp2(authority, {
        createConnection: () => socket,
        settings: { enablePush: false },
        maxSessionMemory,
      });
      const opened = session;
      session.on("error", (error) => fail(codeOf(error)));
      session.once("close", () => fail(openFailures.closed));
      session.once("remoteSettings", () =>
        end({ ok: true, connection: new GrpcConnection(opened, options) }),
      );
    });
  });
}

function openSocket(
  { host, port, serverName }: ConnectionOptions,
  tls: ClientTlsOptions | undefined,
): Socket | TLSSocket {
  if (tls === undefined) {
    return connectTcp({ host, port });
  }
  const name = tls.servername ?? serverName;
  return connectTls({
    ...tls,
    host,
    port,
    // The certificate is for the name, while `host` may be an address from the DNS. An address is not sent as a server name.
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ALPNProtocols: ["h2"],
  });
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
