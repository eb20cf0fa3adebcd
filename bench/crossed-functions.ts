import type { ScriptCoverage } from "./coverage.ts";

/** A function of the program, as `path:name:offset` relative to its `src`. */
export type Crossed = ReadonlySet<string>;

/** The functions of the program that were called. Neither the top level of a file counts, nor generated code. */
export function crossedFunctions(coverage: readonly ScriptCoverage[]): Crossed {
  const crossed = new Set<string>();
  for (const { url, functions } of coverage) {
    const path = /^file:.*?\/src\/(?!.*\/generated)(.*)$/.exec(url)?.[1];
    if (path !== undefined && !url.includes("/node_modules/")) {
      for (const { functionName, ranges } of functions) {
        const [{ startOffset, count } = { startOffset: 0, count: 0 }] = ranges;
        if (count > 0 && (functionName !== "" || startOffset > 0)) {
          crossed.add(`${path}:${functionName}:${startOffset}`);
        }
      }
    }
  }
  return crossed;
}

/** The functions that all of several walks crossed, which leaves out work beside a single one. */
export function inEach(walks: readonly Crossed[]): Crossed {
  const [first, ...others] = walks;
  return new Set([...(first ?? [])].filter((each) => others.every((walk) => walk.has(each))));
}

/** `12 functions in 3 files` */
export function sizeOf(crossed: Crossed): string {
  return `${crossed.size} functions in ${new Set([...crossed].map(pathOf)).size} files`;
}

/** The number of functions by the folder of their file, the most first. */
export function byFolder(crossed: Crossed): readonly (readonly [folder: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const each of crossed) {
    const folder = pathOf(each).split("/").slice(0, -1).join("/") || ".";
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** The names of the functions by file, the file with the most first. */
export function byFile(
  crossed: Crossed,
): readonly (readonly [path: string, names: readonly string[]])[] {
  const names = new Map<string, string[]>();
  for (const each of crossed) {
    const path = pathOf(each);
    const name = each.slice(path.length + 1, each.lastIndexOf(":"));
    names.set(path, [...(names.get(path) ?? []), name || "=>"]);
  }
  return [...names].sort(([, a], [, b]) => b.length - a.length);
}

function pathOf(crossed: string): string {
  return crossed.slice(0, crossed.indexOf(":"));
}
