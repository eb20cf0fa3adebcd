import { cut } from "./cut.ts";

/** Where a value was written. */
export interface Position {
  /** The file as the user named it; `--set KEY`, `--config yaml:KEY` or `<yaml N>` for the N-th `--config`, given inline. */
  readonly file: string;
  /** 1-based; left out when the file as a whole is meant. */
  readonly line?: number;
  readonly column?: number;
}

/** Keys and list indices from the root of the config. */
export type ConfigPath = readonly (string | number)[];

/** One mistake in the config. `message` completes the sentence that begins with the path. */
export interface ConfigProblem {
  readonly at: Position | undefined;
  readonly path: ConfigPath;
  readonly message: string;
}

/** `deploy/config.yaml:12:5`. */
export function formatPosition(at: Position): string {
  // In one option of the command line there is nothing to look for.
  return at.line === undefined || at.file.startsWith("--")
    ? at.file
    : `${at.file}:${at.line}:${at.column ?? 1}`;
}

/** `service.pipelines.traces.receivers[0]`: as a user would write it; unusual keys in brackets and quotes. */
export function formatPath(path: ConfigPath): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      const shown = cut(part);
      if (!/^[^\s.[\]"']+$/.test(part)) return `[${JSON.stringify(shown)}]`;
      return index === 0 ? shown : `.${shown}`;
    })
    .join("");
}

/** Longer than any message that quotes values of the usual length. */
const longestMessage = 2_000;

/** `file:line:column path: message` */
export function formatProblem(problem: ConfigProblem): string {
  const where = [
    problem.at === undefined ? "" : formatPosition(problem.at),
    problem.path.length === 0 ? "" : formatPath(problem.path),
  ].filter((part) => part !== "");
  const message = cut(problem.message, longestMessage);
  return where.length === 0 ? message : `${where.join(" ")}: ${message}`;
}

/** The problems in the order of their positions in the files, without duplicates. */
export function inReadingOrder(
  problems: readonly ConfigProblem[],
  files: readonly string[],
): readonly ConfigProblem[] {
  const rank = (problem: ConfigProblem) =>
    problem.at === undefined
      ? -1
      : (files.indexOf(problem.at.file) + files.length + 1) % (files.length + 1);
  const seen = new Set<string>();
  return problems
    .filter((problem) => {
      const text = formatProblem(problem);
      return !seen.has(text) && seen.add(text);
    })
    .toSorted(
      (a, b) =>
        rank(a) - rank(b) ||
        (a.at?.file ?? "").localeCompare(b.at?.file ?? "", "en") ||
        (a.at?.line ?? 0) - (b.at?.line ?? 0) ||
        (a.at?.column ?? 0) - (b.at?.column ?? 0),
    );
}
