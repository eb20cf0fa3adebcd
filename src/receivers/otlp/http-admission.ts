import type { IncomingMessage, ServerResponse } from "node:http";
import { createCors } from "../../net/cors.ts";
import type { Admitted, Guard, GuardRefusal } from "../../serving/guard.ts";
import type { HttpConfig } from "./config.ts";

/** What is to be done with a request: `answered` needs no more, a refusal needs its answer. */
export type Admission = Admitted | "answered" | GuardRefusal;

/**
 * Decides which requests are let in, before anything of them is read. It sets the headers that every answer has (`response_headers`, and
 * those for browsers), and answers the preflights of browsers, which have no credentials.
 */
export function createAdmission(
  guard: Guard,
  { cors, response_headers }: HttpConfig,
): (request: IncomingMessage, response: ServerResponse) => Promise<Admission> {
  const judge =
    cors === undefined || cors.allowed_origins.length === 0 ? undefined : createCors(cors);
  const fixed = Object.entries(response_headers).map(
    ([name, value]) => [name, value.reveal()] as const,
  );
  return async (request, response) => {
    for (const [name, value] of fixed) {
      response.setHeader(name, value);
    }
    const { headers, method = "", url } = request;
    const verdict = judge?.(method, headers);
    for (const [name, value] of Object.entries(verdict?.headers ?? {})) {
      response.setHeader(name, value);
    }
    if (verdict?.isPreflight === true) {
      response.writeHead(204);
      response.end();
      return "answered";
    }
    return guard.admit(headers, { host: headers.host, url }, request.socket);
  };
}
