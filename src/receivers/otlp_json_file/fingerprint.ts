import { hash } from "node:crypto";
import type { ReadAt } from "./line-reader.ts";

/**
 * The beginning of a file, up to where it was read. A file whose beginning has changed was replaced, even if it has the inode of
 * another one: systems use an inode again as soon as its file is gone.
 */
export interface Fingerprint {
  readonly length: number;
  readonly hash: string;
}

/** Long enough for the first ids and times behind the attributes of a resource, which are the same in every file of a sender. */
export const maxFingerprintBytes = 16 * 1024;

export const noFingerprint: Fingerprint = { length: 0, hash: "" };

/** `undefined` when the file is shorter. */
export async function fingerprintOf(
  readAt: ReadAt,
  length: number,
): Promise<Fingerprint | undefined> {
  if (length === 0) {
    return noFingerprint;
  }
  const bytes = new Uint8Array(length);
  return (await readAt(bytes, 0)) < length ? undefined : { length, hash: hash("sha256", bytes) };
}

/** Whether the file still begins as it did. */
export async function beginsAs(readAt: ReadAt, expected: Fingerprint): Promise<boolean> {
  return (await fingerprintOf(readAt, expected.length))?.hash === expected.hash;
}
