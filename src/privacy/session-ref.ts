import { createHmac } from "node:crypto";

/** How many hex digits a reference has: 48 bits. Two of 100 000 sessions have the same one with a chance of 1 in 56 000. */
export const sessionRefDigits = 12;

/**
 * The reference under which a session, or another id of a sender, may leave the collector: the first 12 hex digits of
 * HMAC-SHA-256 (RFC 2104) over the value. Without the key no one can find the value by trying, and with the key everybody gets
 * the same reference. Nothing else is hashed beside the value, so that openssl gets it, too:
 *
 *     printf %s "$VALUE" | openssl dgst -sha256 -hmac "$KEY" | sed 's/.*= //' | cut -c1-12
 *
 * Texts are taken as UTF-8. A call takes some microseconds: callers remember what they have hashed.
 */
export function sessionRef(key: string | Uint8Array, value: string | Uint8Array): string {
  return createHmac("sha256", key).update(value).digest("hex").slice(0, sessionRefDigits);
}
