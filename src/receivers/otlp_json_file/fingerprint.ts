import { hash } from "node:crypto";
import type { ReadAt } from "./read-at.ts";

/** A piece of a file as it was when it was read. */
export interface Piece {
  readonly at: number;
  readonly length: number;
  readonly hash: string;
}

/**
 * Pieces of what was read of a file; none if nothing was read. A file that does not have all of them any more was truncated or
 * replaced, even if it has the inode of the other one: systems use an inode again as soon as its file is gone.
 */
export type Fingerprint = readonly Piece[];

export function pieceOf(bytes: Uint8Array, at: number): Piece {
  return { at, length: bytes.length, hash: hashOf(bytes) };
}

/** 128 bits: plenty for content that differs by chance, and one is stored with every line. */
export function hashOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "base64url").slice(0, 22);
}

/** Whether the file has all pieces still. */
export async function hasAll(readAt: ReadAt, fingerprint: Fingerprint): Promise<boolean> {
  for (const { at, length, hash } of fingerprint) {
    const bytes = new Uint8Array(length);
    if ((await readAt(bytes, at)) < length || hashOf(bytes) !== hash) {
      return false;
    }
  }
  return true;
}
