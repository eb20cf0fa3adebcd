import { spawn } from "node:child_process";
import { pathOf } from "../support/repository.ts";

export interface AgentOptions {
  /** Heartbeats, which have tests of their own, are off unless this sets an interval. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long a command may take; default 10 s. */
  readonly commandTimeoutMs?: number;
  /** The application; default `apps/agent.ts`. */
  readonly app?: string;
}

export interface AgentEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `apps/agent.ts`, or a copy of it, in a process of its own under the preload. */
export interface Agent {
  /** Resolves when it has executed each command. Rejects when it ends instead, or takes too long. */
  command(...commands: readonly string[]): Promise<void>;
  /** Everything it printed so far. */
  stdout(): string;
  /** Resolves when it has printed `text` on standard error, within 10 s. */
  stderrContains(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended. Killed after 20 s. */
  ended(): Promise<AgentEnd>;
}

export function startAgent(options: AgentOptions = {}): Agent {
  const child = spawn(
    pathOf("node_modules/.bin/node"),
    [
      "--import",
      pathOf("src/preload/register.ts"),
      options.app ?? pathOf("test/preload/apps/agent.ts"),
    ],
    {
      cwd: pathOf("."),
      env: { PATH: process.env["PATH"], ACTIVITY_HEARTBEAT_INTERVAL: "0", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  let stdout = "";
  let stderr = "";
  let end: AgentEnd | undefined;
  const listeners = new Set<() => void>();
  const notify = () => [...listeners].forEach((listener) => void listener());
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    notify();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    notify();
  });
  child.stdin.on("error", () => {}); // It may have ended; `command` reports that.
  child.once("close", (exitCode, signal) => {
    end = { exitCode, signal, stdout, stderr };
    notify();
  });
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  child.once("close", () => process.off("exit", killAtExit));

  const until = (isReached: () => boolean, timeoutMs: number) =>
    new Promise<void>((resolve, reject) => {
      const check = () => {
        if (isReached()) {
          clearTimeout(timer);
          listeners.delete(check);
          resolve();
        } else if (end !== undefined) {
          clearTimeout(timer);
          listeners.delete(check);
          reject(new Error(`The application ended.\n${stdout}${stderr}`));
        }
      };
      const timer = setTimeout(() => {
        listeners.delete(check);
        child.kill("SIGKILL");
        reject(new Error(`Not within ${timeoutMs} ms.\n${stdout}${stderr}`));
      }, timeoutMs);
      listeners.add(check);
      check();
    });

  return {
    async command(...commands) {
      for (const command of commands) {
        const before = stdout.length;
        child.stdin.write(`${command}\n`);
        await until(
          () => stdout.slice(before).includes(`did ${command}\n`),
          options.commandTimeoutMs ?? 10_000,
        );
      }
    },
    stdout: () => stdout,
    stderrContains: (text) => until(() => stderr.includes(text), 10_000),
    kill: (signal) => void child.kill(signal),
    async ended() {
      await until(() => end !== undefined, 20_000);
      return end!;
    },
  };
}
