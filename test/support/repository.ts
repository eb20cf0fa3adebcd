import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The absolute path of a file or folder named from the root of the repository. */
export function pathOf(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

export function textOf(path: string): string {
  return readFileSync(pathOf(path), "utf8");
}
