import { Negotiator } from "negotiator";

/**
 * Whether a client with this `Accept-Encoding` header accepts gzip and prefers the plain body no more (RFC 9110, 12.5.3). Without a
 * header, or with a weight that is no number, it gets the plain body.
 */
export function prefersGzip(header = ""): boolean {
  // The RFC asks servers to treat this old name as gzip.
  const accepted = header.replaceAll(/\bx-gzip\b/gi, "gzip");
  const client = new Negotiator({ headers: { "accept-encoding": accepted } });
  return client.encoding(["gzip", "identity"], { preferred: ["gzip"] }) === "gzip";
}
