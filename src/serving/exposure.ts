import { existsSync } from "node:fs";
import { isLoopback } from "../net/loopback.ts";
import type { Protection } from "./protection.ts";

/** A line about a server that others than programs on this machine can reach. */
export interface Exposure {
  readonly level: "warn" | "info";
  readonly message: string;
}

/** What is wrong with a server at a bound address, if anything. */
export function exposureOf(
  address: string,
  { hasAuthentication, hasTls }: Protection,
  { isContainer }: { readonly isContainer: boolean },
): Exposure | undefined {
  if (isLoopback(address)) {
    return undefined;
  }
  if (hasAuthentication) {
    return hasTls
      ? undefined
      : {
          level: "warn",
          message:
            "Clients authenticate without TLS, so their credentials are readable on the way. Add tls, unless something in front of this server has it.",
        };
  }
  if (hasTls) {
    return undefined;
  }
  if (isContainer) {
    // There is no other address at which the outside of a container reaches it.
    return {
      level: "info",
      message:
        "This server is open to every client that reaches its container, without TLS and authentication. Publish its port on 127.0.0.1 or to a private network only, or add tls and auth.",
    };
  }
  return {
    level: "warn",
    message: isUnspecified(address)
      ? `Using the ${address} address exposes this server to every network interface, without TLS and authentication. Listen on 127.0.0.1 if all clients are on this machine, or add tls and auth.`
      : "This server is exposed to a network, without TLS and authentication. Listen on 127.0.0.1 if all clients are on this machine, or add tls and auth.",
  };
}

function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** Whether the program runs in a container, by the marks that the runtimes leave. */
export function isInContainer(
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean = isThere,
): boolean {
  return (
    env["KUBERNETES_SERVICE_HOST"] !== undefined ||
    env["container"] !== undefined ||
    exists("/.dockerenv") ||
    exists("/run/.containerenv")
  );
}

/** Under `--permission`, a look at a file that may not be read throws. */
function isThere(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    return false;
  }
}
