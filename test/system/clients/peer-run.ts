import { spawn } from "node:child_process";
import { pathOf } from "../../support/repository.ts";
import type { Protocol } from "./peers.ts";

export interface PeerRun {
  readonly exitCode: number | null;
  /** All it printed, which is nothing when its SDK has nothing to complain of. */
  readonly output: string;
}

/**
 * Runs a built program to its end with nothing of our environment but the path, so that `env` is all its SDK is told. `runner` is a command that runs it, with
 * its own arguments. Killed after a minute.
 */
export function runPeer(
  command: readonly string[],
  protocol: Protocol,
  env: Readonly<Record<string, string>>,
  runner: readonly string[] = [],
): Promise<PeerRun> {
  const [program = "", ...args] = [...runner, ...command, protocol];
  const child = spawn(program, args, {
    cwd: pathOf(".cache/clients"),
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: pathOf(".cache/clients"),
      LANG: "C.UTF-8",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, output });
    });
  });
}
