import { isIP } from "node:net";
import { z } from "zod";
import { portTypeMessage } from "./units.ts";
import { type Endpoint, parseEndpoint } from "./written-endpoint.ts";

/** Where a server listens: a TCP address, or the path of a unix socket. */
export type ServerEndpoint = Endpoint | { readonly path: string };

/** The kinds of sockets, as the Collector writes them. */
const transports = ["tcp", "tcp4", "tcp6", "unix"] as const;
export type Transport = (typeof transports)[number];

/** The path of a unix socket must fit into its address; macOS allows four bytes less. */
const maxPathBytes = 107;

/** `host:port`, `unix:///path`, or with `transport: unix` a path. */
export function serverEndpoint() {
  const written = z.string({ error: portTypeMessage }).meta({
    title: "endpoint",
    examples: ["127.0.0.1:4318", "[::1]:4318", "unix:///run/collector/otlp.sock"],
  });
  return z.codec(written, z.custom<ServerEndpoint>(), {
    decode: (text, context) => {
      const path = pathIn(text);
      const parsed = path === undefined ? parseEndpoint(text) : (pathProblem(path) ?? { path });
      if (typeof parsed !== "string") {
        return parsed;
      }
      context.issues.push({ code: "custom", input: text, message: parsed });
      return z.NEVER;
    },
    encode: (endpoint) => {
      if ("path" in endpoint) {
        return `unix://${endpoint.path}`;
      }
      const { host, port } = endpoint;
      return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    },
  });
}

/** `transport` of a server. */
export function transportOption() {
  return z
    .enum(transports, {
      error: ({ input }) =>
        typeof input === "string" && /^(udp|ip|unixgram|unixpacket)/.test(input)
          ? `is "${input}", which carries no HTTP; write tcp, tcp4, tcp6 or unix.`
          : undefined,
    })
    .prefault("tcp")
    .describe(
      "The kind of socket: tcp, tcp4 and tcp6 for IPv4 or IPv6 only, or unix with a path in endpoint. An endpoint that begins with unix:// needs no transport.",
    );
}

/** The problem with an endpoint and its transport together, or undefined. */
export function transportProblem(
  endpoint: ServerEndpoint,
  transport: Transport,
): readonly [key: "endpoint" | "transport", message: string] | undefined {
  if ("path" in endpoint) {
    return transport === "tcp4" || transport === "tcp6"
      ? ["transport", `is ${transport}, but the endpoint is the path of a unix socket; write unix.`]
      : undefined;
  }
  if (transport === "unix") {
    return [
      "endpoint",
      'must be the path of a unix socket, e.g. "/run/collector/otlp.sock", because transport is unix.',
    ];
  }
  const version = isIP(endpoint.host);
  if ((transport === "tcp4" && version === 6) || (transport === "tcp6" && version === 4)) {
    return [
      "transport",
      `is ${transport}, but the endpoint is an address of IPv${version}. Write tcp, or another address.`,
    ];
  }
  return undefined;
}

/** The address to listen on. */
export function listenAddressOf(endpoint: ServerEndpoint, transport: Transport) {
  if ("path" in endpoint || transport === "tcp" || transport === "unix") {
    return endpoint;
  }
  return { ...endpoint, family: transport === "tcp4" ? (4 as const) : (6 as const) };
}

/** A path is absolute, and so differs from `host:port`. */
function pathIn(text: string): string | undefined {
  return /^unix:(?:\/\/)?(.*)$/s.exec(text)?.[1] ?? (/^[/.@]/.test(text) ? text : undefined);
}

function pathProblem(path: string): string | undefined {
  if (path.startsWith("@")) {
    return "begins with @, a name in the abstract namespace of Linux, which is not supported, because everybody may connect to it. Write a path.";
  }
  if (!path.startsWith("/") || path.endsWith("/") || /\p{Cc}/u.test(path)) {
    return 'is not the absolute path of a unix socket; write e.g. "unix:///run/collector/otlp.sock".';
  }
  return Buffer.byteLength(path) > maxPathBytes
    ? `has a path of ${Buffer.byteLength(path)} bytes, but a unix socket can have at most ${maxPathBytes}. Choose a shorter one.`
    : undefined;
}
