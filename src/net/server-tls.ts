import type { Server, TlsOptions } from "node:tls";
import {
  areEqual,
  contextOptionsOf,
  namesOf,
  readTexts,
  type TlsSources,
  type TlsTexts,
  textOf,
} from "./tls-files.ts";

/** The `tls` section of a server. Durations in milliseconds. */
export interface ServerTlsSources extends TlsSources {
  /** A client must have a certificate of one of these authorities. */
  readonly client_ca_file?: string | undefined;
  /** Whether a changed `client_ca_file` is used; by default whenever the other files are read again. */
  readonly client_ca_file_reload?: boolean | undefined;
  /** 0: files are read once. */
  readonly reload_interval: number;
}

export interface ServerTlsEvents {
  /** A timer, of which the returned function is the end. */
  readonly after: (delayMs: number, run: () => void) => () => void;
  /** Changed files are in use for connections from now on. */
  readonly onReloaded: () => void;
  /** Changed files cannot be used; the ones read before stay in use. `problem` is for an operator. */
  readonly onReloadFailed: (problem: string) => void;
}

/** TLS for a server that is about to listen: `https`, or `http2` with `ALPNProtocols: ["h2"]`. */
export interface ServerTls {
  /** For `createServer` or `createSecureServer`. */
  readonly options: TlsOptions;
  /** Whether clients must show a certificate. */
  readonly verifiesClients: boolean;
  /** Lets new connections use changed files until the returned function is called. */
  follow(server: Pick<Server, "setSecureContext">): () => void;
}

/** For a `client_ca_file` that is read again while the other files are not. */
const clientCaIntervalMs = 10_000;

/**
 * Reads the certificate and the key of a server, and the authorities of its clients. Rejects with an `Error` for an operator if something
 * cannot be read or used. While a server is followed, the files are read again every `reload_interval`, and what has changed is used for new
 * connections if it can be used.
 */
export async function openServerTls(
  sources: ServerTlsSources,
  { after, onReloaded, onReloadFailed }: ServerTlsEvents,
): Promise<ServerTls> {
  const reloadsOwn = sources.reload_interval > 0;
  const reloadsClientCa =
    sources.client_ca_file !== undefined && (sources.client_ca_file_reload ?? reloadsOwn);
  const intervalMs = reloadsOwn ? sources.reload_interval : clientCaIntervalMs;
  let current = await readServerTexts(sources);
  let options = serverOptionsOf(sources, current);

  /** What has changed and may be used, or undefined. */
  async function changed(): Promise<ServerTexts | undefined> {
    const read = await readServerTexts(sources);
    const texts = {
      own: reloadsOwn ? read.own : current.own,
      clientCa: reloadsClientCa ? read.clientCa : current.clientCa,
    };
    const isSame = areEqual(texts.own, current.own) && texts.clientCa === current.clientCa;
    return isSame ? undefined : texts;
  }

  async function reload(server: Pick<Server, "setSecureContext">): Promise<void> {
    try {
      const texts = await changed();
      if (texts !== undefined) {
        options = serverOptionsOf(sources, texts);
        server.setSecureContext(options);
        current = texts;
        onReloaded();
      }
    } catch (error) {
      onReloadFailed(error instanceof Error ? error.message : String(error));
    }
  }

  return {
    get options() {
      return options;
    },
    verifiesClients: sources.client_ca_file !== undefined,
    follow(server) {
      let isFollowed = reloadsOwn || reloadsClientCa;
      let cancel = () => {};
      const look = () => {
        if (isFollowed) {
          cancel = after(intervalMs, () => void reload(server).finally(look));
        }
      };
      look();
      return () => {
        isFollowed = false;
        cancel();
      };
    },
  };
}

interface ServerTexts {
  readonly own: TlsTexts;
  readonly clientCa: string | undefined;
}

async function readServerTexts(sources: ServerTlsSources): Promise<ServerTexts> {
  const [own, clientCa] = await Promise.all([
    readTexts(sources),
    textOf("client_ca_file", sources.client_ca_file),
  ]);
  return { own, clientCa };
}

/**
 * As in the Collector, `ca_file` is read, but only `client_ca_file` decides which clients are let in, with the authorities of the system
 * if `include_system_ca_certs_pool` asks for them.
 */
function serverOptionsOf(sources: ServerTlsSources, { own, clientCa }: ServerTexts): TlsOptions {
  const { client_ca_file } = sources;
  const names = { ...namesOf(sources), ca: `client_ca_file ${client_ca_file}` };
  if (own.ca !== undefined) {
    contextOptionsOf(sources, own);
  }
  const { options } = contextOptionsOf(sources, { ...own, ca: clientCa }, names);
  const { ca, ...withoutCa } = options;
  return clientCa === undefined
    ? withoutCa
    : {
        ...withoutCa,
        ...(ca === undefined ? {} : { ca }),
        requestCert: true,
        rejectUnauthorized: true,
      };
}
