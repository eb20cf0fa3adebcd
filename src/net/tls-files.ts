import { X509Certificate } from "node:crypto";
import {
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type SecureContextOptions,
} from "node:tls";
import { readRegularFile, unreadableWords } from "../files/regular-file.ts";

/** A version of TLS, as the config writes it. */
export type TlsVersion = "1.2" | "1.3";

/** A text that is not to be shown. */
export interface Secret {
  reveal(): string;
}

/** Where certificates and keys are. Of each pair at most one is set. */
export interface TlsSources {
  readonly ca_file?: string | undefined;
  readonly ca_pem?: Secret | undefined;
  readonly cert_file?: string | undefined;
  readonly cert_pem?: Secret | undefined;
  readonly key_file?: string | undefined;
  readonly key_pem?: Secret | undefined;
  readonly include_system_ca_certs_pool: boolean;
  readonly min_version: TlsVersion;
  readonly max_version?: TlsVersion | undefined;
}

/** The contents of the files and of the texts in the config. */
export interface TlsTexts {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** No chain of certificates is longer; a system's whole pool has 250 KB. */
const maxFileBytes = 1024 * 1024;

/** Something of a `tls` section cannot be used; the message is for an operator. */
export class UnusableTls extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** Reads what a `tls` section names. Rejects with an {@link UnusableTls}. */
export async function readTexts(sources: TlsSources): Promise<TlsTexts> {
  const [ca, cert, key] = await Promise.all([
    textOf("ca_file", sources.ca_file, sources.ca_pem),
    textOf("cert_file", sources.cert_file, sources.cert_pem),
    textOf("key_file", sources.key_file, sources.key_pem),
  ]);
  return { ca, cert, key };
}

/** The text of an option's file, or else the text of the option beside it. */
export async function textOf(
  option: string,
  path: string | undefined,
  pem?: Secret | undefined,
): Promise<string | undefined> {
  if (path === undefined) {
    return pem?.reveal();
  }
  try {
    return new TextDecoder().decode(await readRegularFile(path, maxFileBytes));
  } catch (error) {
    throw new UnusableTls(`The ${option} ${path} ${unreadableWords(error)}`, error);
  }
}

/** Whether two readings found the same. */
export function areEqual(a: TlsTexts, b: TlsTexts): boolean {
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

/** Options of a secure context, which is made once to see that they can be used. Throws an {@link UnusableTls}. */
export function contextOptionsOf(
  sources: TlsSources,
  { ca, cert, key }: TlsTexts,
  names: PartNames = namesOf(sources),
): { readonly options: SecureContextOptions; readonly context: SecureContext } {
  const { min_version, max_version, include_system_ca_certs_pool } = sources;
  const own = ca === undefined ? [] : certificatesIn(ca, names.ca);
  if (cert !== undefined) {
    certificatesIn(cert, names.cert);
  }
  const options: SecureContextOptions = {
    ca: ca === undefined || include_system_ca_certs_pool ? [...own, ...systemPool()] : [...own],
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    minVersion: versions[min_version],
    ...(max_version === undefined ? {} : { maxVersion: versions[max_version] }),
  };
  try {
    return { options, context: createSecureContext(options) };
  } catch (error) {
    const reason = reasons.get(codeOf(error)) ?? `cannot be used (${codeOf(error)})`;
    throw new UnusableTls(`The ${names.key} for the ${names.cert} ${reason}.`, error);
  }
}

/** What the parts are called in messages. */
export interface PartNames {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function namesOf(sources: TlsSources): PartNames {
  return {
    ca: nameOf(sources, "ca"),
    cert: nameOf(sources, "cert"),
    key: nameOf(sources, "key"),
  };
}

/** The authorities of the system, which the Collector trusts, and those of Node, because a container image often has none. */
function systemPool(): readonly string[] {
  return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
}

/** Each is parsed, because a secure context skips what it cannot read. */
export function certificatesIn(text: string, name: string): readonly string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) {
    throw new UnusableTls(
      `The ${name} has no certificate; it must have a part that begins with -----BEGIN CERTIFICATE-----.`,
    );
  }
  for (const [index, pem] of found.entries()) {
    try {
      new X509Certificate(pem);
    } catch (error) {
      throw new UnusableTls(`Certificate ${index + 1} of the ${name} cannot be read.`, error);
    }
  }
  return found;
}

function nameOf(sources: TlsSources, part: "ca" | "cert" | "key"): string {
  const path = sources[`${part}_file`];
  return path === undefined ? `${part}_pem` : `${part}_file ${path}`;
}

const versions = { "1.2": "TLSv1.2", "1.3": "TLSv1.3" } as const;

const reasons = new Map([
  ["ERR_OSSL_X509_KEY_VALUES_MISMATCH", "does not belong to it"],
  ["ERR_OSSL_PEM_NO_START_LINE", "has no private key that can be read"],
  ["ERR_OSSL_UNSUPPORTED", "has no private key that can be read"],
  ["ERR_OSSL_BAD_DECRYPT", "has a passphrase; use a key without one"],
  ["ERR_MISSING_PASSPHRASE", "has a passphrase; use a key without one"],
  ["ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED", "has a passphrase; use a key without one"],
]);

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "an unknown error";
}
