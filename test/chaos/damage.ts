import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Chance } from "../system/kill/chance.ts";

/** What becomes of the files of the storage while no process has them. */
export const damages = [
  /** The end of the log is cut off, as by a file system that lost it. */
  "cut log",
  /** A byte somewhere in the log has changed. */
  "changed log",
  /** A byte somewhere in a snapshot has changed. */
  "changed snapshot",
  /** A part of the log is gone. */
  "removed log",
  /** The log ends with zeros, as after a power cut. */
  "zeros after the log",
  /** A snapshot is gone. */
  "removed snapshot",
  /** What tells how long the log was is gone. */
  "removed end",
] as const;
export type Damage = (typeof damages)[number];

/** The files of which one is damaged. */
const kinds = {
  "cut log": /^log-\d+$/,
  "changed log": /^log-\d+$/,
  "changed snapshot": /^snapshot-\d+$/,
  "removed log": /^log-\d+$/,
  "zeros after the log": /^log-\d+$/,
  "removed snapshot": /^snapshot-\d+$/,
  "removed end": /^end$/,
} as const satisfies Record<Damage, RegExp>;

/** Damages one file below a directory of journals. Returns what it did; undefined when no file is of that kind. */
export function damageFile(directory: string, damage: Damage, chance: Chance): string | undefined {
  const kind = kinds[damage];
  const files = filesBelow(directory)
    .filter(({ name, path }) => kind.test(name) && statSync(path).size > 64)
    .toSorted((a, b) => a.path.localeCompare(b.path));
  const file = files[chance.below(files.length)];
  if (file === undefined) {
    return undefined;
  }
  const { size } = statSync(file.path);
  const at = 64 + chance.below(size - 64);
  switch (damage) {
    case "cut log":
      truncateSync(file.path, at);
      break;
    case "changed log":
    case "changed snapshot":
      changeByte(file.path, at);
      break;
    case "removed log":
    case "removed snapshot":
    case "removed end":
      rmSync(file.path);
      break;
    case "zeros after the log":
      appendFileSync(file.path, Buffer.alloc(4096));
      break;
    default: {
      const never: never = damage;
      return never;
    }
  }
  return `${damage}: ${file.journal} ${file.name}, byte ${at} of ${size}`;
}

function filesBelow(
  directory: string,
): { readonly journal: string; readonly name: string; readonly path: string }[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: journal }) =>
      readdirSync(join(directory, journal)).map((name) => ({
        journal,
        name,
        path: join(directory, journal, name),
      })),
    );
}

function changeByte(path: string, at: number): void {
  const file = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 0x40;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}
