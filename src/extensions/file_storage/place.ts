import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Longer paths are cut in messages. */
export const longestShown = 300;

/** A path that the storage uses. */
export interface Place {
  readonly path: string;
  /** The directory that the config names: the path itself or one above it. Everything outside of it belongs to others. */
  readonly storage: string;
  /** The permissions that the directory gets if it is created. */
  readonly mode?: number;
}

/** The path as it is shown in messages. */
export function shown(path: string): string {
  return path.length <= longestShown ? path : `${path.slice(0, longestShown)}…`;
}

/** The path itself if it exists, or the directory above it that does. */
export async function deepestExisting(path: string): Promise<string> {
  for (const each of [path, ...ancestors(path).toReversed()]) {
    if (await exists(each)) {
      return each;
    }
  }
  return dirname(path);
}

/** The directories above a path, from the root on. */
export function ancestors(path: string): readonly string[] {
  const above: string[] = [];
  for (let each = path; dirname(each) !== each; each = dirname(each)) {
    above.unshift(dirname(each));
  }
  return above;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
