import { z } from "zod";
import { duration, opaque } from "./units.ts";

/**
 * `tls` of a component that connects to a server; keys and defaults are the Collector's, except that changed files are read again
 * unless `reload_interval` is 0s. `src/net/tls.ts` reads what it names.
 */
export function clientTlsOptions() {
  return z
    .strictObject({
      insecure: z
        .boolean()
        .prefault(false)
        .describe(
          "Whether to connect without TLS. Everything, headers included, is then readable on the way.",
        ),
      insecure_skip_verify: z
        .boolean()
        .prefault(false)
        .describe(
          "Whether to accept any certificate of the server. For tests only: it may be anybody's.",
        ),
      server_name_override: z
        .string()
        .min(1)
        .optional()
        .describe(
          "The name that the server's certificate must have, instead of the host of the endpoint.",
        ),
      include_system_ca_certs_pool: z
        .boolean()
        .prefault(false)
        .describe("Whether the authorities of the system are trusted in addition to ca_file."),
      ca_file: file(
        "File with the certificates of the authorities that are trusted, as PEM. Without it, those of the system and of Node.",
      ),
      ca_pem: opaque().optional().describe("The same as text."),
      cert_file: file("File with the client's certificate and its chain, as PEM."),
      cert_pem: opaque().optional().describe("The same as text."),
      key_file: file(
        "File with the private key of the client's certificate, as PEM without a passphrase.",
      ),
      key_pem: opaque().optional().describe("The same as text. It is never shown."),
      min_version: version().prefault("1.2").describe("The oldest version of TLS to accept."),
      max_version: version().optional().describe("The newest version of TLS to accept."),
      reload_interval: duration({ min: "0s", max: "576h" })
        .prefault("10s")
        .describe(
          "How often, at the most, a new connection looks whether the files have changed. 0s: never.",
        ),
    })
    .check((context) => {
      const report = (path: string, message: string) =>
        context.issues.push({ code: "custom", input: undefined, path: [path], message });
      for (const [path, message] of contradictionsOf(context.value)) {
        report(path, message);
      }
    })
    .prefault({})
    .describe("How the connection is secured. TLS is on unless insecure is true.");
}

function contradictionsOf(config: {
  readonly [key: string]: unknown;
}): readonly (readonly [path: string, message: string])[] {
  const problems: [string, string][] = [];
  for (const part of ["ca", "cert", "key"]) {
    if (isSet(config[`${part}_file`]) && isSet(config[`${part}_pem`])) {
      problems.push([`${part}_pem`, `is set beside ${part}_file; keep one of them.`]);
    }
  }
  const hasCert = isSet(config["cert_file"]) || isSet(config["cert_pem"]);
  const hasKey = isSet(config["key_file"]) || isSet(config["key_pem"]);
  if (hasCert && !hasKey) {
    problems.push(["key_file", "is missing; a client certificate needs its private key."]);
  }
  if (hasKey && !hasCert) {
    problems.push(["cert_file", "is missing; a private key is used with its certificate only."]);
  }
  if (config["min_version"] === "1.3" && config["max_version"] === "1.2") {
    problems.push(["max_version", "must not be older than min_version."]);
  }
  if (config["insecure"] === true) {
    const unused = unusedWithoutTls(config);
    if (unused !== undefined) {
      problems.push([
        unused,
        "has no effect, because insecure is true and turns TLS off. Remove one of the two.",
      ]);
    }
  }
  return problems;
}

/** The first option of a `tls` section that is set and has no effect on a connection without TLS. */
export function unusedWithoutTls(config: { readonly [key: string]: unknown }): string | undefined {
  return [
    "insecure_skip_verify",
    "server_name_override",
    "include_system_ca_certs_pool",
    "ca_file",
    "ca_pem",
    "cert_file",
    "cert_pem",
    "key_file",
    "key_pem",
    "max_version",
  ].find((key) => isSet(config[key]) && config[key] !== false);
}

function isSet(value: unknown): boolean {
  return value !== undefined;
}

function file(description: string) {
  return z
    .string()
    .min(1)
    .meta({ title: "path", examples: ["/etc/collector/ca.pem"] })
    .optional()
    .describe(description);
}

/** Versions that RFC 8996 forbids have their own message, because the Collector still takes them. */
function version() {
  return z.enum(["1.2", "1.3"], {
    error: ({ input }) =>
      input === "1.0" || input === "1.1"
        ? `is "${input}", which is not safe (RFC 8996) and not supported; write "1.2" or "1.3".`
        : 'must be "1.2" or "1.3", with the quotes.',
  });
}
