import { Negotiator } from "negotiator";

/**
 * Whether a client that sent this `Accept-Encoding` header takes gzip, and likes it no less than the
 * plain body (RFC 9110, 12.5.3). No header means plain, and so does a weight that is no number.
 */
export function prefersGzip(header = ""): boolean {
  // An old name for the same coding, which the RFC asks servers to take as such.
  const accepted = header.replaceAll(/\bx-gzip\b/gi, "gzip");
  const client = new Negotiator({ headers: { "accept-encoding": accepted } });
  return client.encoding(["gzip", "identity"], { preferred: ["gzip"] }) === "gzip";
}
