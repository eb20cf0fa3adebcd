import { bareVariableProblem } from "../../config/bare-variable.ts";

/** Where the backend is. */
export interface GrpcEndpoint {
  /** As in the config. */
  readonly written: string;
  readonly scheme?: "http" | "https";
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const hint = 'write a host and a port, e.g. "backend.example:4317"';

/** The endpoint, or the problem with the text. The text is shown only when it cannot hold a password. */
export function parseGrpcEndpoint(written: string): GrpcEndpoint | string {
  const [, scheme, rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/is.exec(written) ?? [];
  const variable = bareVariableProblem(written);
  if (variable !== undefined) {
    return variable;
  }
  if (rest.includes("@")) {
    return "contains credentials, which logs and pages would show; put them into headers.";
  }
  const quoted = JSON.stringify(written);
  const word = scheme?.toLowerCase();
  if (word !== undefined && word !== "http" && word !== "https" && word !== "dns") {
    return `${quoted} has a scheme that is not supported; ${hint}.`;
  }
  const address = word === "dns" ? rest.replace(/^\//, "") : rest;
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\]|([^:/\s[\]]+))(?::([0-9]+))?(\/.*)?$/.exec(
    address,
  );
  if (match === null) {
    return `is not an endpoint; ${hint}.`;
  }
  const [, v6, name, digits, path] = match;
  if (path !== undefined) {
    // Some backends have a token there.
    return `has a path, but the services of OTLP/gRPC have fixed ones; ${hint}.`;
  }
  if (digits === undefined) {
    return `${quoted} has no port; ${hint}.`;
  }
  const port = Number(digits);
  if (port === 0 || port > 65_535) {
    return `${quoted} has a port that does not exist; write one from 1 to 65535, usually 4317.`;
  }
  return {
    written,
    ...(word === "http" || word === "https" ? { scheme: word } : {}),
    host: v6 ?? name ?? "",
    port,
  };
}

/** `host:port`, fit for log lines and for `:authority`. */
export function hostAndPort({ host, port }: Pick<GrpcEndpoint, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
