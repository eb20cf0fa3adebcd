import type { IncomingMessage, ServerResponse } from "node:http";
import type { Settings } from "../component/settings.ts";
import { createThrottle } from "../component/throttle.ts";
import type { BrokenRequest } from "../net/broken-requests.ts";
import { originForm } from "../net/request-target.ts";
import { type HttpServer, listen } from "../net/server.ts";
import { Guard, type GuardRefusal, guardRemedies, guardStatuses } from "./guard.ts";
import { countRefusedPages, type RefusalReason } from "./refused-requests.ts";
import { addressOf, type ServerSection } from "./server-options.ts";

/** What serving pages needs of the settings of a component. */
export type PagesSettings = Pick<
  Settings,
  "authenticator" | "clock" | "env" | "id" | "logger" | "meter"
> &
  Partial<Pick<Settings, "sockets">>;

export interface Pages {
  /** Answers the requests that are let in, as `ServeOptions.handler`. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => unknown;
  readonly onError: (error: unknown) => void;
}

/**
 * Opens an HTTP server for pages that people and probes read, with the TLS, the authentication and the host check of its section. Requests
 * that are not let in get an answer in plain text, are counted and logged. Rejects with an `Error` for an operator.
 */
export async function servePages(
  settings: PagesSettings,
  section: ServerSection,
  { handler, onError }: Pages,
): Promise<HttpServer> {
  const guard = await Guard.open(settings, section);
  const refused = reporterOf(settings);
  const server = await listen({
    ...addressOf(section),
    ...(settings.sockets === undefined ? {} : { sockets: settings.sockets }),
    ...(guard.tls === undefined ? {} : { tls: guard.tls }),
    onError,
    onBroken: (reason, detail) => {
      const counted = pageReasonOf(reason);
      if (counted !== undefined) {
        refused(counted, detail);
      }
    },
    async handler(request, response) {
      const { headers, url = "" } = request;
      const admission = await guard.admit(headers, { host: headers.host, url });
      if ("reason" in admission) {
        refused(admission.reason);
        answerRefusal(response, admission);
        return;
      }
      request.url = originForm(url);
      await handler(request, response);
    },
  });
  guard.listensOn(server, "host" in section.endpoint ? section.endpoint.host : undefined);
  return server;
}

/** Headers of the answer to a request that is not let in. */
export function refusalHeaders({ challenge, reason }: GuardRefusal): Record<string, string> {
  return {
    ...(challenge === undefined ? {} : { "WWW-Authenticate": challenge }),
    ...(reason === "busy" ? { "Retry-After": "1" } : {}),
  };
}

function answerRefusal(response: ServerResponse, refusal: GuardRefusal): void {
  response.writeHead(guardStatuses[refusal.reason], {
    "Content-Type": "text/plain; charset=utf-8",
    ...refusalHeaders(refusal),
  });
  response.end(`${refusal.message}\n`);
}

function pageReasonOf(reason: BrokenRequest): RefusalReason | undefined {
  return reason === "tls_handshake" ||
    reason === "unexpected_plaintext" ||
    reason === "too_many_connections" ||
    reason === "flood" ||
    reason === "unread"
    ? reason
    : undefined;
}

/** Counts, and logs each reason once in ten seconds. */
function reporterOf(
  settings: PagesSettings,
): (reason: RefusalReason, detail?: string | undefined) => void {
  const count = countRefusedPages(settings);
  const lines = new Map<RefusalReason, ReturnType<typeof createThrottle>>();
  return (reason, detail) => {
    count(reason);
    const line = lines.get(reason) ?? createThrottle(settings.clock, 10_000);
    lines.set(reason, line);
    line((held_back) =>
      settings.logger.warn(remedies[reason], {
        reason,
        held_back,
        ...(detail === undefined ? {} : { detail }),
      }),
    );
  };
}

/** What is wrong with a client that speaks no TLS, and what to change. */
export const plaintextRemedy =
  "A client speaks no TLS to a port with TLS. Write https:// instead of http:// in its endpoint, without OTEL_EXPORTER_OTLP_INSECURE=true.";

/** What went wrong with a handshake, and what to change. */
export const handshakeRemedy =
  "The TLS handshake of a client failed. Check that it speaks TLS, trusts the certificate of cert_file and, with client_ca_file, has a certificate of its own.";

/** Why a server closes connections, and what to change. */
export const connectionsRemedy =
  "A connection was closed because the port has as many as it may have: 1000, or fewer if the limit of open files of the process is low. Let clients keep and share their connections, and see which of them open so many, e.g. with ss -tn.";

/** Why a server closes a connection with many requests at once. */
export const floodRemedy =
  "A client was disconnected because it sent more than 16 requests without waiting for an answer. See what it is, e.g. with ss -tn.";

/** Why a server closes a connection that does not take its answers. */
export const unreadRemedy =
  "A client was disconnected because it does not read its answers, which fill the memory. See what it is, e.g. with ss -tn.";

const remedies: Readonly<Record<RefusalReason, string>> = {
  ...guardRemedies,
  busy: "A request was refused because too many credentials wait to be checked. Somebody may be guessing passwords.",
  tls_handshake: handshakeRemedy,
  unexpected_plaintext: plaintextRemedy,
  too_many_connections: connectionsRemedy,
  flood: floodRemedy,
  unread: unreadRemedy,
};
