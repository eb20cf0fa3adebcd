import { z } from "zod";
import { certificateProblems, isSet, ownCertificateKeys, pemFile } from "./tls-keys.ts";
import { duration, opaque } from "./units.ts";
import { unsupported } from "./unsupported.ts";

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
      ca_file: pemFile(
        "File with the certificates of the authorities that are trusted, as PEM. Without it, those of the system and of Node.",
      ),
      ca_pem: opaque().optional().describe("The same as text."),
      ...ownCertificateKeys("client"),
      cert_pem: opaque().optional().describe("The same as text."),
      key_pem: opaque().optional().describe("The same as text. It is never shown."),
      reload_interval: duration({ min: "0s", max: "576h" })
        .prefault("10s")
        .describe(
          "How often, at the most, a new connection looks whether the files have changed. 0s: never.",
        ),
      client_ca_file: unsupported(
        "is for servers, which verify their clients with it; write ca_file for the authorities that this client trusts.",
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
  const problems = [...certificateProblems(config, "a client certificate")];
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
