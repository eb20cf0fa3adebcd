import { spawn } from "node:child_process";
import { pathOf } from "./repository.ts";

/** A TypeScript file of the tests that runs in a process of its own. */
export interface Child {
  readonly pid: number;
  /** All it has said so far on stdout. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when it has said this on stdout; rejects when it ends without. */
  said(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended and all it said is read. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
}

/** Starts a file, by its path from the root of the repository; it is killed with the test runner. */
export function startChild(
  path: string,
  args: readonly string[],
  options: {
    /** Commands of a shell that come first, e.g. a limit. */
    readonly shell?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Child {
  const node = pathOf("node_modules/.bin/node");
  const command = [node, pathOf(path), ...args];
  const [program, ...rest] =
    options.shell === undefined
      ? command
      : ["sh", "-c", `${options.shell}; exec "$0" "$@"`, ...command];
  const child = spawn(program ?? node, rest, {
    cwd: pathOf(""),
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of [...listeners]) {
      listener();
    }
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    notify();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  let hasEnded = false;
  const ended = new Promise<{ exitCode: number | null; signal: string | null }>((resolve) => {
    child.once("close", (exitCode, signal) => {
      process.off("exit", killAtExit);
      hasEnded = true;
      resolve({ exitCode, signal });
      notify();
    });
  });
  return {
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (stdout.includes(text)) {
            listeners.delete(look);
            resolve();
          } else if (hasEnded) {
            listeners.delete(look);
            reject(
              new Error(`${path} ended without saying "${text}". It said:\n${stdout}${stderr}`),
            );
          }
        };
        listeners.add(look);
        look();
      }),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
