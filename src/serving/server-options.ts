import { z } from "zod";
import { authOption } from "../config/auth-option.ts";
import {
  listenAddressOf,
  serverEndpoint,
  transportOption,
  transportProblem,
} from "../config/server-endpoint.ts";
import { serverTlsOptions } from "../config/server-tls-options.ts";

/** What everything that listens lets a user configure, in one strict object with its own options. Needs {@link checkServer}. */
export function serverOptions(defaultEndpoint: string, description: string) {
  return {
    endpoint: serverEndpoint()
      .prefault(defaultEndpoint)
      .describe(
        `${description} On any address but that of this machine, add tls and auth. Also the path of a unix socket, e.g. unix:///run/collector/otlp.sock.`,
      ),
    transport: transportOption(),
    tls: serverTlsOptions(),
    auth: authOption("Who is let in. Without it, everybody who can connect."),
    allowed_hosts: z
      .array(allowedHost())
      .prefault([])
      .describe(
        'Names by which clients may call a server that listens on the loopback address, beside localhost: a request with another name in its Host header may come from a web page that points its own name here (DNS rebinding), and gets status 403. "*.example.com" stands for all names under one, "*" for any.',
      ),
  };
}

/** Where and how something listens, as the config says it. */
export type ServerSection = z.output<z.ZodObject<ReturnType<typeof serverOptions>>>;

/** Checks the options of {@link serverOptions} together. */
export function checkServer(context: {
  readonly value: Pick<ServerSection, "endpoint" | "transport">;
  readonly issues: z.core.$ZodRawIssue[];
}): void {
  const { endpoint, transport } = context.value;
  const problem = transportProblem(endpoint, transport);
  if (problem !== undefined) {
    const [key, message] = problem;
    context.issues.push({ code: "custom", input: undefined, path: [key], message });
  }
}

/** Where a section says to listen. */
export function addressOf({ endpoint, transport }: Pick<ServerSection, "endpoint" | "transport">) {
  return listenAddressOf(endpoint, transport);
}

function allowedHost() {
  return z
    .string()
    .regex(
      /^(\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?)$/,
      'must be a host name without a port, e.g. "collector.example.com" or "*.example.com".',
    )
    .meta({ examples: ["collector.example.com"] });
}
