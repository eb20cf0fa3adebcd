import { TLSSocket } from "node:tls";

/** Asking for a certificate parses it. */
const known = new WeakMap<object, string>();

/**
 * Whose certificate a connection has shown, by the names of its subject and its authority, so that a renewed certificate is of the same client.
 * Undefined without one.
 */
export function certifiedClient(connection: object | undefined): string | undefined {
  if (!(connection instanceof TLSSocket)) {
    return undefined;
  }
  const found = known.get(connection);
  if (found !== undefined) {
    return found;
  }
  const certificate = connection.getPeerX509Certificate();
  if (certificate === undefined) {
    return undefined;
  }
  const client = JSON.stringify([certificate.issuer, certificate.subject]);
  known.set(connection, client);
  return client;
}
