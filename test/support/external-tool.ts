import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that is not an npm package, so it may be missing on a contributor's machine. */
export interface ExternalTool {
  /** For `test.skipIf`. Never true with CI=true, where a missing tool must fail instead. */
  readonly isSkipped: boolean;
  /** Runs it to its end, at most 60 s. Both outputs are joined, because tools disagree on where findings go. */
  run(
    args: readonly string[],
    options?: {
      readonly input?: string;
      readonly cwd?: string;
      readonly env?: Readonly<Record<string, string>>;
    },
  ): { readonly code: number | null; readonly output: string; readonly errors: string };
}

/** Says once on stderr when tests will be skipped, and what to install. */
export function externalTool(name: string, from: string): ExternalTool {
  const isFound = (process.env["PATH"] ?? "")
    .split(delimiter)
    .some((folder) => isExecutable(join(folder, name)));
  const isSkipped = !isFound && process.env["CI"] !== "true";
  if (isSkipped) {
    process.stderr.write(`Skipping tests that need ${name}: not found. Install ${from}.\n`);
  }
  return {
    isSkipped,
    run(args, options = {}) {
      const { status, stdout, stderr, error } = spawnSync(name, args, {
        encoding: "utf8",
        timeout: 60_000,
        ...(options.input === undefined ? {} : { input: options.input }),
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        env: { ...process.env, ...options.env },
      });
      if (error !== undefined) {
        throw new Error(`${name} could not be run. Install ${from}.`, { cause: error });
      }
      return { code: status, output: stdout + stderr, errors: stderr };
    },
  };
}

/**
 * For `describe.skipIf` of tests that need a privilege which not every machine gives. Says on stderr when they are skipped, and why.
 * Never true with CI=true, where they must fail instead.
 */
export function isSkippedWithout(what: string, reasons: readonly string[]): boolean {
  const isSkipped = reasons.length > 0 && process.env["CI"] !== "true";
  if (isSkipped) {
    process.stderr.write(`Skipping tests that need ${what}:\n${reasons.join("\n")}\n`);
  }
  return isSkipped;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
