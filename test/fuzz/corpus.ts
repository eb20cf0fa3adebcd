import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathOf } from "../support/repository.ts";

const folder = pathOf("test/testdata/fuzz");

/** The inputs on which a target once failed, by the name of their file. */
export function findingsOf(target: string): readonly (readonly [string, Uint8Array])[] {
  const path = join(folder, target);
  return existsSync(path)
    ? readdirSync(path)
        .toSorted()
        .map((name) => [name, Uint8Array.from(readFileSync(join(path, name)))] as const)
    : [];
}

/** The targets that have findings. */
export function targetsWithFindings(): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Keeps a finding for every later test. Returns its path. */
export function keepFinding(target: string, input: Uint8Array): string {
  const name = createHash("sha256").update(input).digest("hex").slice(0, 12);
  const path = join(folder, target, name);
  mkdirSync(join(folder, target), { recursive: true });
  writeFileSync(path, input);
  return path;
}
