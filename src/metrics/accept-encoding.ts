/**
 * Whether a client that sent this `Accept-Encoding` header takes gzip, and likes it no less than the
 * plain body (RFC 9110, 12.5.3). No header means plain.
 */
export function prefersGzip(header: string | undefined): boolean {
  const weights = new Map<string, number>();
  for (const part of (header ?? "").split(",")) {
    const [coding = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    if (coding !== "") {
      weights.set(coding, weightOf(parameters));
    }
  }
  const any = weights.get("*") ?? 0;
  const gzip = weights.get("gzip") ?? weights.get("x-gzip") ?? any;
  return gzip > 0 && gzip >= (weights.get("identity") ?? 0);
}

/** A malformed weight counts as none given: the coding was named, after all. */
function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
  const value = Number.parseFloat(weight?.replace(/^q\s*=/, "") ?? "1");
  return Number.isNaN(value) ? 1 : value;
}
