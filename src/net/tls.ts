import type { SecureContext } from "node:tls";
import {
  areEqual,
  contextOptionsOf,
  readTexts,
  type TlsSources,
  type TlsTexts,
} from "./tls-files.ts";

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

function clientOptionsOf(sources: ClientTlsSources, texts: TlsTexts): ClientTlsOptions {
  const { insecure_skip_verify, server_name_override: servername } = sources;
  return {
    secureContext: contextOptionsOf(sources, texts).context,
    rejectUnauthorized: !insecure_skip_verify,
    ...(servername === undefined ? {} : { servername }),
  };
}
