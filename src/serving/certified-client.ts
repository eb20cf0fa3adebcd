import { TLSSocket } from "node:tls";

/** Asking for a certificate parses it. */
const known = new WeakMap<object, string>();

/**
 * Whose certificate a connection has shown, by its subject and by the DNS names, URIs and e-mail addresses among its alternative names, so that a
 * renewed certificate is of the same client, also that of a renewed authority. Addresses are left out, because they change with the place where a
 * client runs. Undefined without a certificate.
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
  const { subject, subjectAltName = "" } = certificate;
  const names = alternativeNamesIn(subjectAltName).filter(
    (each) => !each.startsWith("IP Address:"),
  );
  const client = JSON.stringify([subject ?? "", ...names.toSorted()]);
  known.set(connection, client);
  return client;
}

/** The alternative names in the notation of Node, which puts a value in quotes if it has a character that could be mistaken for a separator. */
function alternativeNamesIn(text: string): readonly string[] {
  return text.match(/[^:,"]+:(?:"(?:[^"\\]|\\.)*"|[^,"]*)/g)?.map((each) => each.trim()) ?? [];
}
