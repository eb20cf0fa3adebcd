import { quoted as cutAndQuoted } from "./cut.ts";

/** Where a server listens or a client connects, without a scheme. */
export interface Endpoint {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
}

/** A name of a host has at most 253. */
const maxCharacters = 400;

/** Reads `host:port`. The result is the endpoint, or the end of a sentence that says what is wrong and what to write. */
export function parseEndpoint(text: string): Endpoint | string {
  if (text.length > maxCharacters) return `${cutAndQuoted(text)} is too long for an endpoint.`;
  const quoted = JSON.stringify(text);
  const variable = /\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?/.exec(text);
  if (variable !== null) {
    const [written, name = ""] = variable;
    const meant = text.replaceAll(written, `\${env:${name}}`);
    return `${quoted} contains ${written}, which is not expanded; write ${JSON.stringify(meant)}.`;
  }
  if (text.includes("://")) {
    const rest = /:\/\/(?:[^/@]*@)?([^/?#@]*)/.exec(text)?.[1] ?? "";
    const meant = typeof hostAndPortOf(rest) === "object" ? rest : "127.0.0.1:4318";
    return `${quoted} is a URL; write only the host and the port, e.g. "${meant}".`;
  }
  if (/\s/.test(text)) {
    const meant = text.replaceAll(/\s/g, "");
    return typeof hostAndPortOf(meant) === "object"
      ? `${quoted} contains blanks; write "${meant}".`
      : `${quoted} contains blanks and is not an endpoint; write a host and a port, e.g. "127.0.0.1:4318".`;
  }
  const slash = text.indexOf("/");
  if (slash > 0 && typeof hostAndPortOf(text.slice(0, slash)) === "object") {
    return `${quoted} contains a path; write "${text.slice(0, slash)}".`;
  }
  return hostAndPortOf(text);
}

function hostAndPortOf(text: string): Endpoint | string {
  const quoted = JSON.stringify(text);
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]/@]+)?)\]|([^:/@\s[\]]*)):([0-9]+)$/.exec(text);
  if (match === null) return shapeProblem(text);
  const host = match[1] ?? match[2] ?? "";
  const port = Number(match[3]);
  if (port > 65_535) return `${quoted} has a port above 65535.`;
  if (host === "") {
    return `${quoted} has no host; write "127.0.0.1:${port}" for this machine only or "0.0.0.0:${port}" for every network interface.`;
  }
  return { host, port };
}

/** What is wrong with a text that has not the shape of an endpoint. */
function shapeProblem(text: string): string {
  const quoted = JSON.stringify(text);
  const parts = text.split(":");
  const isPort = /^[0-9]+$/.test(text);
  if (text === "") return 'must not be empty; write a host and a port, e.g. "127.0.0.1:4318".';
  if (isPort) return `${quoted} is only a port; write "127.0.0.1:${text}".`;
  if (/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):?$/.test(text)) {
    return `${quoted} has no port; write one, e.g. "${text.replace(/:$/, "")}:4318".`;
  }
  // A port that follows an IPv6 address without brackets cannot be distinguished from its last group.
  if (parts.length > 2 && /^[0-9a-fA-F:.]+$/.test(text)) {
    const host = parts.slice(0, -1).join(":");
    const meant =
      /^[0-9]+$/.test(parts.at(-1) ?? "") && host !== ":"
        ? `[${host}]:${parts.at(-1)}`
        : "[::1]:4318";
    return `${quoted} has an IPv6 address without brackets; write e.g. "${meant}".`;
  }
  if (parts.length === 2 && /^-?[0-9A-Za-z_.+]+$/.test(parts[1] ?? "")) {
    return `${quoted} has a port that is not a number of 0 to 65535.`;
  }
  return `${quoted} is not an endpoint; write a host and a port, e.g. "127.0.0.1:4318" or "[::1]:4318".`;
}
