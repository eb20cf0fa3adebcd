import type { IncomingHttpHeaders } from "node:http";

/** Which pages may send requests from a browser. */
export interface CorsPolicy {
  /** Origins, each with at most one `*`, which stands for any text. Empty: none. */
  readonly allowed_origins: readonly string[];
  /** Headers beside those that every page may send; `*` for all. */
  readonly allowed_headers: readonly string[];
  /** Headers of answers that pages may read. */
  readonly exposed_headers: readonly string[];
  /** How long a browser may remember the permission, in seconds; 0: as long as it likes. */
  readonly max_age: number;
}

/** What the policy says about a request. */
export interface CorsVerdict {
  /** A preflight is answered with 204 and these headers, and goes no further. */
  readonly isPreflight: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** The methods of OTLP, and those that need no permission. */
const methods = ["GET", "POST", "HEAD"];

/** What pages may send if `allowed_headers` is empty, as in the library that the Collector uses. */
const defaultHeaders = ["accept", "content-type", "x-requested-with"];

/**
 * Makes the rules by which requests of browsers are answered; they are those of the Collector. A request of a page that is not allowed is
 * handled like any other, but the browser does not show the page the answer, and sends nothing that needs a preflight.
 */
export function createCors({
  allowed_origins,
  allowed_headers,
  exposed_headers,
  max_age,
}: CorsPolicy): (method: string, headers: IncomingHttpHeaders) => CorsVerdict {
  const allowsAllOrigins = allowed_origins.includes("*");
  const patterns = allowed_origins.map((each) => each.toLowerCase().split("*", 2));
  const names = allowed_headers.length === 0 ? defaultHeaders : allowed_headers.map(lower);
  const allowsAllHeaders = names.includes("*");

  const isOriginAllowed = (origin: string) =>
    allowsAllOrigins || patterns.some((parts) => matches(parts, origin.toLowerCase()));
  const permission = (origin: string) => ({
    "Access-Control-Allow-Origin": allowsAllOrigins ? "*" : origin,
    "Access-Control-Allow-Credentials": "true",
  });

  const preflight = (headers: IncomingHttpHeaders): CorsVerdict["headers"] => {
    const vary = {
      Vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    };
    const { origin } = headers;
    const method = headers["access-control-request-method"] ?? "";
    const wanted = headers["access-control-request-headers"] ?? "";
    const isAllowed =
      origin !== undefined &&
      isOriginAllowed(origin) &&
      [...methods, "OPTIONS"].includes(method.toUpperCase()) &&
      (allowsAllHeaders || listed(wanted).every((name) => names.includes(name)));
    if (!isAllowed) {
      return vary;
    }
    return {
      ...vary,
      ...permission(origin),
      "Access-Control-Allow-Methods": method.toUpperCase(),
      ...(wanted === "" ? {} : { "Access-Control-Allow-Headers": wanted }),
      ...(max_age > 0 ? { "Access-Control-Max-Age": String(max_age) } : {}),
    };
  };

  const actual = (method: string, { origin }: IncomingHttpHeaders): CorsVerdict["headers"] => {
    const vary = { Vary: "Origin" };
    if (origin === undefined || !isOriginAllowed(origin) || !methods.includes(method)) {
      return vary;
    }
    return {
      ...vary,
      ...permission(origin),
      ...(exposed_headers.length === 0
        ? {}
        : { "Access-Control-Expose-Headers": exposed_headers.join(", ") }),
    };
  };

  return (method, headers) => {
    const isPreflight =
      method === "OPTIONS" && (headers["access-control-request-method"] ?? "") !== "";
    return { isPreflight, headers: isPreflight ? preflight(headers) : actual(method, headers) };
  };
}

/** Whether a text is that of a pattern, which was divided at its `*`. */
function matches([prefix = "", suffix]: readonly string[], text: string): boolean {
  return suffix === undefined
    ? text === prefix
    : text.length >= prefix.length + suffix.length &&
        text.startsWith(prefix) &&
        text.endsWith(suffix);
}

function listed(text: string): readonly string[] {
  return text
    .split(",")
    .map((name) => lower(name.trim()))
    .filter((name) => name !== "");
}

function lower(text: string): string {
  return text.toLowerCase();
}
