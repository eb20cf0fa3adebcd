import type {
  Authentication,
  RequestHeaders,
  ServerAuthenticator,
} from "../component/authenticator.ts";
import type { Settings } from "../component/settings.ts";
import { createThrottle } from "../component/throttle.ts";
import { createHostCheck, type RequestTarget } from "../net/host-check.ts";
import { isLoopback } from "../net/loopback.ts";
import { openServerTls, type ServerTls } from "../net/server-tls.ts";
import { certifiedClient } from "./certified-client.ts";
import { exposureOf, isInContainer } from "./exposure.ts";
import type { ServerSection } from "./server-options.ts";

/** Why a guard refuses a request. A closed list, fit for a label. */
export const guardReasons = ["unknown_host", "unauthenticated", "busy"] as const;
export type GuardReason = (typeof guardReasons)[number];

/** A request that is not let in. `message` quotes nothing of it. */
export interface GuardRefusal {
  readonly reason: GuardReason;
  readonly message: string;
  /** For `WWW-Authenticate`; set if the credentials are missing or wrong. */
  readonly challenge?: string;
}

/** A request that is let in. */
export interface Admitted {
  /**
   * Who the client has proved to be, by its credentials, else by its certificate; undefined if it has proved nothing. The same text for the same client,
   * after a restart too. It must not be shown or logged.
   */
  readonly client: string | undefined;
  /**
   * Whose work the client reports, the first that applies: the account that the authenticator names, the names in its certificate, all who have
   * credentials of the authenticator. Undefined if it has proved nothing. It must not be shown or logged.
   */
  readonly account: string | undefined;
}

export type GuardSettings = Pick<Settings, "authenticator" | "clock" | "env" | "logger">;
export type GuardConfig = Pick<ServerSection, "tls" | "auth" | "allowed_hosts">;

/** HTTP statuses of refusals. */
export const guardStatuses = {
  unknown_host: 403,
  unauthenticated: 401,
  busy: 503,
} as const satisfies Record<GuardReason, number>;

/** What an operator is to change when requests are refused with a reason. */
export const guardRemedies = {
  unknown_host:
    "A request was refused because its Host header names a host that is not known here; a web page may be behind it (DNS rebinding). If the client is one of yours, add the name to allowed_hosts, or let the client use localhost.",
  unauthenticated:
    "A request was refused because its credentials are missing or wrong. Configure the client with those of the authenticator, e.g. with OTEL_EXPORTER_OTLP_HEADERS.",
  busy: undefined,
} as const satisfies Record<GuardReason, string | undefined>;

/**
 * Decides which requests a server lets in: the host that a request names (against DNS rebinding), and its credentials. It also opens the TLS
 * of the server, and logs once if the server is open to others.
 */
export class Guard {
  readonly tls: ServerTls | undefined;
  readonly #settings: GuardSettings;
  readonly #allowedHosts: readonly string[];
  readonly #authenticator: ServerAuthenticator | undefined;
  readonly #authenticatorId: string | undefined;
  #isHostAllowed: ((target: RequestTarget) => boolean) | undefined;

  /** Rejects with an `Error` for an operator if files of TLS cannot be used. */
  static async open(settings: GuardSettings, config: GuardConfig): Promise<Guard> {
    return new Guard(settings, config, await tlsOf(settings, config));
  }

  private constructor(settings: GuardSettings, config: GuardConfig, tls: ServerTls | undefined) {
    this.tls = tls;
    this.#settings = settings;
    this.#allowedHosts = config.allowed_hosts;
    const id = config.auth?.authenticator;
    this.#authenticatorId = id;
    this.#authenticator = id === undefined ? undefined : serverSideOf(settings, id);
  }

  /** Call it when the server listens. `host` is the bound address; `configured` the host of the config. */
  listensOn(
    bound: { readonly host: string; readonly endpoint: string },
    configured?: string,
  ): void {
    const { logger, env } = this.#settings;
    if (configured === undefined) {
      return; // The file of a unix socket says who may connect.
    }
    if (isLoopback(bound.host)) {
      this.#isHostAllowed = createHostCheck([configured, ...this.#allowedHosts]);
    }
    const exposure = exposureOf(
      bound.host,
      {
        hasTls: this.tls !== undefined,
        hasAuthentication: this.#authenticator !== undefined || this.tls?.verifiesClients === true,
      },
      { isContainer: isInContainer(env) },
    );
    if (exposure !== undefined) {
      logger[exposure.level](exposure.message, { endpoint: bound.endpoint });
    }
  }

  /** Lets a request in, or says why not. Never rejects. */
  admit(
    headers: RequestHeaders,
    target: RequestTarget,
    connection?: object,
  ): Admitted | GuardRefusal | Promise<Admitted | GuardRefusal> {
    if (this.#isHostAllowed?.(target) === false) {
      return {
        reason: "unknown_host",
        message:
          "This server does not know the host that the request names. Use localhost, or let its operator add the name to allowed_hosts.",
      };
    }
    if (this.#authenticator === undefined) {
      const client = this.#certifiedClient(connection);
      return { client, account: client };
    }
    const checked = this.#authenticator.authenticate(headers);
    return checked instanceof Promise
      ? checked.then((each) => this.#admissionOf(each, connection))
      : this.#admissionOf(checked, connection);
  }

  #admissionOf(checked: Authentication, connection: object | undefined): Admitted | GuardRefusal {
    if (checked.ok) {
      const { client, account = client ?? "" } = checked;
      // Two authenticators may know two clients of one name.
      const named = (name: string) => `${this.#authenticatorId} ${name}`;
      return {
        client: client === undefined ? undefined : named(client),
        account: account === "" ? (this.#certifiedClient(connection) ?? named("")) : named(account),
      };
    }
    const { refused: reason, message } = checked;
    return reason === "unauthenticated"
      ? { reason, message, challenge: this.#authenticator?.challenge ?? "" }
      : { reason, message };
  }

  #certifiedClient(connection: object | undefined): string | undefined {
    return this.tls?.verifiesClients === true ? certifiedClient(connection) : undefined;
  }
}

function serverSideOf({ authenticator }: GuardSettings, id: string): ServerAuthenticator {
  const { server } = authenticator(id);
  if (server === undefined) {
    throw new Error(`The authenticator "${id}" cannot check requests.`);
  }
  return server;
}

async function tlsOf(
  { clock, logger }: GuardSettings,
  { tls }: GuardConfig,
): Promise<ServerTls | undefined> {
  if (tls === undefined) {
    return undefined;
  }
  const report = createThrottle(clock, 60_000);
  return openServerTls(tls, {
    after: (delayMs, run) => clock.after(delayMs, run),
    onReloaded: () => logger.info("Changed certificate files are used for new connections."),
    onReloadFailed: (problem) =>
      report((held_back) =>
        logger.error(
          "Changed certificate files cannot be used; the ones read before stay in use. Correct the files.",
          { problem, held_back },
        ),
      ),
  });
}
