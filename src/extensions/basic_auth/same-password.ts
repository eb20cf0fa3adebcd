import { createHash, timingSafeEqual } from "node:crypto";

/** Compares two texts in a time that does not depend on how much of them is the same. */
export function isSamePassword(a: string, b: string): boolean {
  return timingSafeEqual(digestOf(a), digestOf(b));
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
