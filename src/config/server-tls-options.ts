import { z } from "zod";
import { certificateProblems, isSet, ownCertificateKeys, pemFile } from "./tls-keys.ts";
import { duration, opaque } from "./units.ts";
import { unsupported } from "./unsupported.ts";

/**
 * `tls` of everything that listens; keys and defaults are the Collector's, except that changed files are read again unless
 * `reload_interval` is 0s. Without the section there is no TLS. `src/net/server-tls.ts` reads what it names.
 */
export function serverTlsOptions() {
  return z
    .strictObject({
      ...ownCertificateKeys("server"),
      cert_pem: opaque().optional().describe("The certificate as text."),
      key_pem: opaque().optional().describe("The key as text. It is never shown."),
      client_ca_file: pemFile(
        "File with the certificates of the authorities of clients, as PEM. With it, a client must show a certificate of one of them.",
      ),
      client_ca_file_reload: z
        .boolean()
        .optional()
        .describe(
          "Whether a changed client_ca_file is used while running. Without it, as reload_interval says for the other files; true with a reload_interval of 0s looks every 10s.",
        ),
      ca_file: pemFile(
        "Read and checked, as by the Collector, and without effect on a server: client_ca_file decides which clients are let in.",
      ),
      ca_pem: opaque().optional().describe("The same as text."),
      include_system_ca_certs_pool: z
        .boolean()
        .prefault(false)
        .describe(
          "Whether the authorities of the system may certify clients beside client_ca_file.",
        ),
      reload_interval: duration({ min: "0s", max: "576h" })
        .prefault("10s")
        .describe(
          "How often to look whether the files have changed; new connections use them then. 0s: never.",
        ),
      ...unsupportedTlsKeys,
      ...clientOnlyKeys,
    })
    .check((context) => {
      for (const [path, message] of serverProblems(context.value)) {
        context.issues.push({ code: "custom", input: undefined, path: [path], message });
      }
    })
    .optional()
    .describe("Serves over TLS. Without it, everything is readable on the way.");
}

/** Keys of the Collector's `tls` that this program does not have. */
const unsupportedTlsKeys = {
  cipher_suites: unsupported(
    'is not supported: the choice is that of Node; narrow it with min_version: "1.3" or, for all connections, with NODE_OPTIONS=--tls-cipher-list=…. Remove it.',
  ),
  curve_preferences: unsupported("is not supported: the choice is that of Node. Remove it."),
  tpm: unsupported(
    "is not supported: a private key is read from key_file or key_pem, not from a TPM. Remove it.",
  ),
};

const clientOnlyKeys = {
  insecure: unsupported(
    "is for clients; a server without TLS has no tls section. Remove one of the two.",
  ),
  insecure_skip_verify: unsupported(
    "is for clients. Remove it; a server verifies clients only with client_ca_file.",
  ),
  server_name_override: unsupported("is for clients. Remove it."),
};

function serverProblems(config: {
  readonly [key: string]: unknown;
}): readonly (readonly [path: string, message: string])[] {
  const problems = [...certificateProblems(config, "a server certificate")];
  const isWithout = ["cert_file", "cert_pem", "key_file", "key_pem"].every(
    (key) => !isSet(config[key]),
  );
  if (isWithout) {
    problems.push([
      "cert_file",
      "is missing; a server needs cert_file and key_file (or cert_pem and key_pem). Without TLS, remove the tls section.",
    ]);
  }
  if (!isSet(config["client_ca_file"])) {
    const unused = ["ca_file", "ca_pem", "client_ca_file_reload", "include_system_ca_certs_pool"];
    for (const key of unused.filter((each) => isSet(config[each]) && config[each] !== false)) {
      problems.push([
        key,
        "has no effect on a server without client_ca_file. Write client_ca_file to verify the certificates of clients, or remove it.",
      ]);
    }
  }
  return problems;
}
