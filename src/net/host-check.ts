import { isIP } from "node:net";

/** What a request says about where it goes: the `Host` header or `:authority`, and the target of the request line. */
export interface RequestTarget {
  readonly host?: string | undefined;
  readonly url?: string | undefined;
}

/**
 * Names by which containers reach the loopback of the machine that runs them. `internal` is reserved for private use, so no page on the
 * internet can have such a name.
 */
const containerHosts = [
  "host.docker.internal",
  "gateway.docker.internal",
  "kubernetes.docker.internal",
  "host.containers.internal",
  "host.lima.internal",
  "host.orb.internal",
];

/**
 * Makes the check against DNS rebinding: a page in a browser on this machine can let its own name point to 127.0.0.1, and then send to a
 * server that only listens there. Such requests have the name of the page as their host. Let in are addresses, `localhost` and names under
 * it, the names of container runtimes for their host, and `allowed`: names, `*.example.com` for all names under one, or `*`.
 *
 * A request without a host is let in: HTTP/1.0 has none, and browsers always send one.
 */
export function createHostCheck(allowed: readonly string[]): (target: RequestTarget) => boolean {
  const names = new Set([...containerHosts, ...allowed.map(normalized)]);
  const suffixes = [".localhost"];
  for (const name of names) {
    if (name.startsWith("*.")) {
      suffixes.push(name.slice(1));
    }
  }
  const isAllowed = (host: string) => {
    const name = normalized(nameIn(host));
    return (
      isIP(name) !== 0 ||
      name === "localhost" ||
      names.has(name) ||
      suffixes.some((suffix) => name.length > suffix.length && name.endsWith(suffix))
    );
  };
  if (names.has("*")) {
    return () => true;
  }
  return ({ host, url }) => {
    const named = [host, hostInTarget(url)].filter((each) => each !== undefined);
    return named.every(isAllowed);
  };
}

/** The host of an absolute-form target, e.g. of `http://host/path`, which takes the place of the `Host` header. */
function hostInTarget(url: string | undefined): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url ?? "")?.[1];
}

/** Without the port, and without the brackets of an IPv6 address. */
function nameIn(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host.trim());
  return bracketed?.[1] ?? host.trim().replace(/:\d*$/, "");
}

/** Case does not matter, nor the dot of a fully qualified name. */
function normalized(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
