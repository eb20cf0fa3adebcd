import { isExemptFromProxy } from "./no-proxy.ts";

/** An HTTP proxy. */
export interface HttpProxy {
  /** How it is reached: `http://proxy.example:3128`. Fit for messages, as `host` is: without credentials. */
  readonly origin: string;
  readonly host: string;
  /** The `Proxy-Authorization` of requests, which is a secret. Absent without credentials. */
  readonly authorization?: string;
}

/** A connection could not be made because of a proxy on its way. `code` is a code of the system, or `PROXY_` and the status of its answer. */
export class ProxyError extends Error {
  readonly code: string;

  constructor(code: string, cause?: unknown) {
    super(`The proxy cannot be used (${code}).`, { cause });
    this.code = code;
  }
}

/**
 * The proxy that a URL names, or what is wrong with it, as the end of a sentence without the text, which may have a password. A
 * text without a scheme is the host and port of a proxy that is reached over http, as in Go.
 */
export function parseProxy(text: string): HttpProxy | string {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const url = URL.parse(hasScheme ? text : `http://${text}`);
  if (url?.protocol.startsWith("socks")) {
    return "names a SOCKS proxy, which is not supported; use an HTTP proxy.";
  }
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return 'is not the URL of a proxy; write its scheme, host and port, e.g. "http://proxy.example:3128".';
  }
  const { origin, host, username, password } = url;
  if (username === "" && password === "") {
    return { origin, host };
  }
  const credentials = `${unescaped(username)}:${unescaped(password)}`;
  return {
    origin,
    host,
    authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
  };
}

/**
 * The proxy for a URL by the environment: `HTTPS_PROXY` or `HTTP_PROXY`, by the URL's scheme, unless `NO_PROXY` exempts its host.
 * As in Go, the name in upper case goes before that in lower case, and an empty variable is none. Throws an `Error` for an operator if
 * the variable is not the URL of a proxy.
 */
export function proxyOfEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  url: URL,
): { readonly proxy: HttpProxy; readonly variable: string } | undefined {
  const found = variableOf(env, url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  const noProxy = variableOf(env, "NO_PROXY")?.value ?? "";
  if (found === undefined || isExemptFromProxy(noProxy, url)) {
    return undefined;
  }
  const proxy = parseProxy(found.value);
  if (typeof proxy === "string") {
    throw new Error(`The environment variable ${found.name} ${proxy}`);
  }
  return { proxy, variable: found.name };
}

function variableOf(env: Readonly<Record<string, string | undefined>>, upperName: string) {
  return [upperName, upperName.toLowerCase()]
    .map((name) => ({ name, value: env[name] ?? "" }))
    .find(({ value }) => value !== "");
}

/** A password may contain a `%` that escapes nothing. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
