import { glob, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Config } from "./config.ts";

/** A regular file that the config includes. */
export interface FoundFile {
  readonly path: string;
  readonly facts: FileFacts;
}

export interface FileFacts {
  /** Device and inode: the same after a rename, and no other file has it at the same time. */
  readonly identity: string;
  readonly sizeBytes: number;
  /** When the content changed last. */
  readonly changedNs: bigint;
  /** When the content, the name or the permissions changed last. Unlike the other time, no program can set it. */
  readonly touchedNs: bigint;
  /** Whether no directory has the file any more. */
  readonly isDeleted: boolean;
}

/** The included files, those first that changed least recently, so that a rotated file comes before its successor. */
export async function findFiles({
  include,
  exclude,
}: Pick<Config, "include" | "exclude">): Promise<readonly FoundFile[]> {
  const found = new Map<string, FoundFile>();
  const patterns = include.map((pattern) => resolve(pattern));
  const options = { exclude: exclude.map((pattern) => resolve(pattern)) };
  for await (const path of glob(patterns, options)) {
    const facts = await factsAt(path);
    // A link to a file that is included itself is no second file.
    if (facts !== undefined && !found.has(facts.identity)) {
      found.set(facts.identity, { path, facts });
    }
  }
  return [...found.values()].sort(byAge);
}

/** `undefined` when no regular file is there. A pipe is none: opening it would wait for its writer. */
export async function factsAt(path: string): Promise<FileFacts | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return stats.isFile() ? factsOf(stats) : undefined;
  } catch {
    return undefined; // It was removed or may not be looked at; then it cannot be read either.
  }
}

export function factsOf(stats: {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly nlink: bigint;
}): FileFacts {
  return {
    identity: `${stats.dev}:${stats.ino}`,
    sizeBytes: Number(stats.size),
    changedNs: stats.mtimeNs,
    touchedNs: stats.ctimeNs,
    isDeleted: stats.nlink === 0n,
  };
}

/** Whether nothing shows that the file has changed. */
export function areSame(a: FileFacts, b: FileFacts): boolean {
  return a.sizeBytes === b.sizeBytes && a.changedNs === b.changedNs && a.touchedNs === b.touchedNs;
}

function byAge(a: FoundFile, b: FoundFile): number {
  if (a.facts.changedNs !== b.facts.changedNs) {
    return a.facts.changedNs < b.facts.changedNs ? -1 : 1;
  }
  return a.path < b.path ? -1 : 1;
}
