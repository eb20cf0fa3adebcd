import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The text of a file of the system below `root`, or an empty one if it is missing or may not be read. */
export function readText(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return "";
  }
}
