import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";

/** A version of TLS, as the config writes it. */
export type TlsVersion = "1.2" | "1.3";

/** A text that is not to be shown. */
interface Secret {
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

/** The `tls` section of a client, as far as it is about a connection with TLS. Durations in milliseconds. */
export interface ClientTlsSources extends TlsSources {
  readonly insecure_skip_verify: boolean;
  readonly server_name_override?: string | undefined;
  /** 0: files are read once. */
  readonly reload_interval: number;
}

/** Options for `tls.connect` and everything built on it. */
export interface ClientTlsOptions {
  /** Has the authorities, the certificate, the key and the versions. Another object after a reload. */
  readonly secureContext: SecureContext;
  readonly rejectUnauthorized: boolean;
  /** Left out unless the config overrides the host. */
  readonly servername?: string;
}

/** For the start of a client with `insecure_skip_verify`. */
export const unverifiedWarning =
  "The certificate of the server is not verified, because tls.insecure_skip_verify is true. Anybody on the way can read the data; set tls.ca_file instead.";

export interface TlsEvents {
  readonly nowMs: () => number;
  /** Changed files are in use for connections from now on. */
  readonly onReloaded: () => void;
  /** Changed files cannot be used; the ones read before stay in use. `problem` is for an operator. */
  readonly onReloadFailed: (problem: string) => void;
}

/** No chain of certificates is longer; a system's whole pool has 250 KB. */
const maxFileBytes = 1024 * 1024;

/**
 * Reads the certificates and keys of a client. The returned function gives the options of the next connection. Its first call
 * rejects with an `Error` for an operator if something cannot be read or used. Later calls never reject: at most every
 * `reload_interval` they read the files again, and use what has changed if it can be used.
 */
export function createClientTls(
  sources: ClientTlsSources,
  { nowMs, onReloaded, onReloadFailed }: TlsEvents,
): () => Promise<ClientTlsOptions> {
  let current: { readonly texts: TlsTexts; readonly options: ClientTlsOptions } | undefined;
  let nextLookMs = 0;
  let pending: Promise<ClientTlsOptions> | undefined;

  async function load(): Promise<ClientTlsOptions> {
    nextLookMs = nowMs() + sources.reload_interval;
    const texts = await readTexts(sources);
    if (current === undefined || !areEqual(texts, current.texts)) {
      const isReload = current !== undefined;
      current = { texts, options: clientOptionsOf(sources, texts) };
      if (isReload) {
        onReloaded();
      }
    }
    return current.options;
  }

  async function reload(last: ClientTlsOptions): Promise<ClientTlsOptions> {
    try {
      return await load();
    } catch (error) {
      onReloadFailed(error instanceof Error ? error.message : String(error));
      return last;
    }
  }

  return async () => {
    if (pending !== undefined) {
      return pending;
    }
    const isDue = sources.reload_interval > 0 && nowMs() >= nextLookMs;
    if (current !== undefined && !isDue) {
      return current.options;
    }
    pending = current === undefined ? load() : reload(current.options);
    try {
      return await pending;
    } finally {
      pending = undefined;
    }
  };
}

/** The contents of the files and of the texts in the config. */
interface TlsTexts {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

async function readTexts(sources: TlsSources): Promise<TlsTexts> {
  const [ca, cert, key] = await Promise.all([
    textOf("ca_file", sources.ca_file, sources.ca_pem),
    textOf("cert_file", sources.cert_file, sources.cert_pem),
    textOf("key_file", sources.key_file, sources.key_pem),
  ]);
  return { ca, cert, key };
}

async function textOf(
  option: string,
  path: string | undefined,
  pem: Secret | undefined,
): Promise<string | undefined> {
  if (path === undefined) {
    return pem?.reveal();
  }
  try {
    const { size } = await fileAt(option, path);
    if (size > maxFileBytes) {
      throw new UnusableTls(`The ${option} ${path} is larger than 1 MiB, which no certificate is.`);
    }
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof UnusableTls) {
      throw error;
    }
    throw new UnusableTls(`The ${option} ${path} cannot be read (${codeOf(error)}).`, error);
  }
}

/** Reading anything but a file, such as a pipe, may never end. */
async function fileAt(option: string, path: string): Promise<{ readonly size: number }> {
  const stats = await stat(path);
  if (!stats.isFile()) {
    throw new UnusableTls(`The ${option} ${path} is not a file.`);
  }
  return stats;
}

function areEqual(a: TlsTexts, b: TlsTexts): boolean {
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

function clientOptionsOf(sources: ClientTlsSources, texts: TlsTexts): ClientTlsOptions {
  const { insecure_skip_verify, server_name_override: servername } = sources;
  return {
    secureContext: secureContextOf(sources, texts),
    rejectUnauthorized: !insecure_skip_verify,
    ...(servername === undefined ? {} : { servername }),
  };
}

function secureContextOf(sources: TlsSources, { ca, cert, key }: TlsTexts): SecureContext {
  const { min_version, max_version, include_system_ca_certs_pool } = sources;
  const own = ca === undefined ? [] : certificatesIn(ca, nameOf(sources, "ca"));
  if (cert !== undefined) {
    certificatesIn(cert, nameOf(sources, "cert"));
  }
  try {
    return createSecureContext({
      ca: ca === undefined || include_system_ca_certs_pool ? [...own, ...systemPool()] : [...own],
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      minVersion: versions[min_version],
      ...(max_version === undefined ? {} : { maxVersion: versions[max_version] }),
    });
  } catch (error) {
    const reason = reasons.get(codeOf(error)) ?? `cannot be used (${codeOf(error)})`;
    throw new UnusableTls(
      `The ${nameOf(sources, "key")} for the ${nameOf(sources, "cert")} ${reason}.`,
      error,
    );
  }
}

/** The authorities of the system, which the Collector trusts, and those of Node, because a container image often has none. */
function systemPool(): readonly string[] {
  return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
}

/** Each is parsed, because a secure context skips what it cannot read. */
function certificatesIn(text: string, name: string): readonly string[] {
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

/** Something of a `tls` section cannot be used; the message is for an operator. */
class UnusableTls extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "no code";
}
