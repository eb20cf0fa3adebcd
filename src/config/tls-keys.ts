import { z } from "zod";

/** Keys of `tls` that a client and a server have. `owner` is whose certificate it is about, e.g. `client`. */
export function ownCertificateKeys(owner: string) {
  return {
    cert_file: pemFile(`File with the ${owner}'s certificate and its chain, as PEM.`),
    key_file: pemFile(
      `File with the private key of the ${owner}'s certificate, as PEM without a passphrase.`,
    ),
    min_version: tlsVersion().prefault("1.2").describe("The oldest version of TLS to accept."),
    max_version: tlsVersion().optional().describe("The newest version of TLS to accept."),
  };
}

/** What contradicts itself in the keys that a client and a server have. `whose` is e.g. `a client certificate`. */
export function certificateProblems(
  config: { readonly [key: string]: unknown },
  whose: string,
): readonly (readonly [path: string, message: string])[] {
  const problems: [string, string][] = [];
  for (const part of ["ca", "cert", "key"]) {
    if (isSet(config[`${part}_file`]) && isSet(config[`${part}_pem`])) {
      problems.push([`${part}_pem`, `is set beside ${part}_file; keep one of them.`]);
    }
  }
  const hasCert = isSet(config["cert_file"]) || isSet(config["cert_pem"]);
  const hasKey = isSet(config["key_file"]) || isSet(config["key_pem"]);
  if (hasCert && !hasKey) {
    problems.push(["key_file", `is missing; ${whose} needs its private key.`]);
  }
  if (hasKey && !hasCert) {
    problems.push(["cert_file", "is missing; a private key is used with its certificate only."]);
  }
  if (config["min_version"] === "1.3" && config["max_version"] === "1.2") {
    problems.push(["max_version", "must not be older than min_version."]);
  }
  return problems;
}

export function isSet(value: unknown): boolean {
  return value !== undefined;
}

export function pemFile(description: string) {
  return z
    .string()
    .min(1)
    .meta({ title: "path", examples: ["/etc/collector/ca.pem"] })
    .optional()
    .describe(description);
}

/** Versions that RFC 8996 forbids have their own message, because the Collector still takes them. */
function tlsVersion() {
  return z.enum(["1.2", "1.3"], {
    error: ({ input }) =>
      input === "1.0" || input === "1.1"
        ? `is "${input}", which is not safe (RFC 8996) and not supported; write "1.2" or "1.3".`
        : 'must be "1.2" or "1.3", with the quotes.',
  });
}
