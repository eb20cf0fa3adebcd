import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import { Agent, type Dispatcher } from "undici";
import { connectPlainly, connectSecurely, type ServerAddress } from "./client-socket.ts";
import type { HttpProxy } from "./proxy.ts";
import { connectThrough, connectToProxy } from "./proxy-tunnel.ts";
import type { ClientTlsOptions } from "./tls.ts";

export interface ConnectionsOptions {
  /** Asked for each connection with TLS, so that renewed certificates are used. */
  readonly tls: () => Promise<ClientTlsOptions>;
  /** How long connecting may take, with TLS and the answer of a proxy. */
  readonly connectTimeoutMs: number;
  /** The most connections to one server; 0: any number. Further requests wait for one. */
  readonly maxPerServer: number;
  /** How long a connection without requests is kept; 0: for as long as the server keeps it. */
  readonly idleTimeoutMs: number;
  /** Whether a connection carries more than one request. */
  readonly isReused: boolean;
  /** A timer, of which the returned function is the end. */
  readonly after: (delayMs: number, run: () => void) => () => void;
}

/** How a request gets to a URL. */
export interface Route {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** With the query. For a proxy, the whole URL. */
  readonly path: string;
  /** For the proxy. They may contain a secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** The proxy, fit for messages. */
  readonly proxyHost?: string;
}

/**
 * Makes the connections of an HTTP client: with TLS to `https` URLs, and through proxies, from which it asks for a connection to `https` URLs
 * (CONNECT), while it leaves requests to `http` URLs to them.
 *
 * The agents for proxies of undici are not used: they keep the certificates of their start, open any number of connections, and ask
 * for a connection to `http` URLs too, which proxies often refuse.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #agents = new Map<string, Agent>();
  readonly #closing = new AbortController();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    setMaxListeners(0, this.#closing.signal); // one for each connection that is being made
  }

  /** The route to a URL. The routes of one server share their connections. */
  routeTo(url: URL, proxy?: HttpProxy): Route {
    const { origin, pathname, search, host } = url;
    const path = `${pathname}${search}`;
    if (proxy === undefined) {
      const dispatcher = this.#agent("", (to, signal) => this.#connect(to, signal));
      return { dispatcher, origin, path, headers: {} };
    }
    const { authorization = "", host: proxyHost } = proxy;
    if (url.protocol === "https:") {
      const key = `tunnel ${proxy.origin} ${authorization}`;
      const dispatcher = this.#agent(key, (to, signal) => this.#connectThrough(proxy, to, signal));
      return { dispatcher, origin, path, headers: {}, proxyHost };
    }
    return {
      dispatcher: this.#agent(`proxy ${proxy.origin}`, (_, signal) =>
        connectToProxy(proxy, { tls: this.#options.tls, signal }),
      ),
      origin: proxy.origin,
      path: `${origin}${path}`,
      headers: { host, ...(authorization === "" ? {} : { "proxy-authorization": authorization }) },
      proxyHost,
    };
  }

  /** Ends all connections, also those that are being made. Safe to call twice. */
  async destroy(): Promise<void> {
    this.#closing.abort(new Error("The client is closed."));
    await Promise.all(
      [...this.#agents.values()].map((agent) => (agent.destroyed ? undefined : agent.destroy())),
    );
  }

  #agent(key: string, connect: (to: ServerAddress, signal: AbortSignal) => Promise<Socket>): Agent {
    const known = this.#agents.get(key);
    if (known !== undefined) {
      return known;
    }
    const { maxPerServer, idleTimeoutMs, isReused } = this.#options;
    const idleMs = idleTimeoutMs === 0 ? longestTimerMs : idleTimeoutMs;
    const agent = new Agent({
      connections: maxPerServer === 0 ? null : maxPerServer,
      pipelining: isReused ? 1 : 0,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      // A request ends by its signal; nothing else limits it.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: ({ protocol, hostname, port }, callback) => {
        this.#withDeadline((signal) =>
          connect({ isSecure: protocol === "https:", hostname, port }, signal),
        ).then(
          (socket) => callback(null, socket),
          (error: unknown) => callback(asError(error), null),
        );
      },
    });
    this.#agents.set(key, agent);
    return agent;
  }

  /** Ends an attempt to connect when it takes too long, and when the client is closed. */
  async #withDeadline(connect: (signal: AbortSignal) => Promise<Socket>): Promise<Socket> {
    const tooLate = new AbortController();
    const cancelTimer = this.#options.after(this.#options.connectTimeoutMs, () =>
      tooLate.abort(Object.assign(new Error("Connecting took too long."), { code: "ETIMEDOUT" })),
    );
    try {
      return await connect(AbortSignal.any([tooLate.signal, this.#closing.signal]));
    } finally {
      cancelTimer();
    }
  }

  async #connect(to: ServerAddress, signal: AbortSignal): Promise<Socket> {
    return to.isSecure
      ? connectSecurely(to, { tls: await this.#options.tls(), signal })
      : connectPlainly(to, signal);
  }

  async #connectThrough(proxy: HttpProxy, to: ServerAddress, signal: AbortSignal): Promise<Socket> {
    const tls = await this.#options.tls();
    const socket = await connectThrough(proxy, { to, tls: this.#options.tls, signal });
    return connectSecurely(to, { tls, signal, socket });
  }
}

/** For idle connections without a limit: the longest that undici's timer can hold. */
const longestTimerMs = 2 ** 31 - 1;

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
