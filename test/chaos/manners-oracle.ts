import type { Contradiction } from "./contradiction.ts";

/** How a process ended, and what it had said. */
export interface LastWords {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What it was sent, in order; empty when it ended by itself. */
  readonly asked: readonly string[];
  readonly stderr: string;
}

const complaints: readonly (readonly [RegExp, string])[] = [
  [/please report/i, "a bug"],
  [/uncaught|unhandled/i, "an exception that nobody caught"],
  [/FATAL ERROR|heap out of memory/i, "a full heap"],
  [/^\s+at .+[:(]\d+:\d+\)?$/m, "a stack trace"],
  [/MaxListenersExceededWarning|DeprecationWarning/, "a warning of Node"],
];

/** A process ends when it is asked to, as it was asked, and has said nothing that a bug would say, and no id of a sender. */
export function judgeLife(
  { exitCode, signal, asked, stderr }: LastWords,
  canaries: readonly string[],
): readonly Contradiction[] {
  const contradictions: Contradiction[] = [];
  const last = asked.at(-1);
  const how = signal ?? `code ${exitCode}`;
  if (last === undefined) {
    contradictions.push({
      about: "process",
      what: `the collector ended by itself with ${how}: ${stderr.slice(-2_000)}`,
    });
  } else if (!isEndFor(last, { exitCode, signal, stderr })) {
    contradictions.push({
      about: "process",
      what: `the collector got ${last} and ended with ${how}: ${stderr.slice(-2_000)}`,
    });
  }
  for (const [pattern, what] of complaints) {
    const found = pattern.exec(stderr);
    if (found !== null) {
      contradictions.push({
        about: "log",
        what: `the log speaks of ${what}: ${lineAt(stderr, found.index)}`,
      });
    }
  }
  for (const canary of canaries) {
    const at = stderr.indexOf(canary);
    if (at !== -1) {
      contradictions.push({
        about: "leak",
        what: `an id or a secret is in the log: ${lineAt(stderr, at)}`,
      });
    }
  }
  return contradictions;
}

/**
 * After SIGTERM the code is 0, or 3 when the deadline came before a backend had all that the collector had derived: the log says so. What
 * senders were told is at a backend none the less, which is looked at elsewhere.
 */
function isEndFor(
  asked: string,
  { exitCode, signal, stderr }: Pick<LastWords, "exitCode" | "signal" | "stderr">,
): boolean {
  if (asked === "SIGKILL") {
    return signal === "SIGKILL" || exitCode === 0;
  }
  const isTold = stderr.includes("Shutdown complete, with failures");
  return exitCode === 0 || (exitCode === 3 && isTold && !stderr.includes("State was not stored"));
}

function lineAt(text: string, at: number): string {
  const from = text.lastIndexOf("\n", at - 1) + 1;
  const to = text.indexOf("\n", at);
  return text.slice(from, to === -1 ? undefined : to).slice(0, 600);
}
