import type { Host, StopSignal } from "../../src/cli/host.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeMemory } from "../support/fake-memory.ts";

export interface FakeHost extends Host {
  readonly clock: FakeClock;
  readonly written: { stdout: string; stderr: string };
  /** Codes the process was ended with at once. */
  readonly exits: number[];
  signal(signal: StopSignal): void;
  /** SIGHUP. */
  hangUp(): void;
  uncaught(error: unknown): void;
  /** Resolves when `text` is on stderr. */
  said(text: string): Promise<void>;
}

/** A process that is none. */
export function fakeHost(args: readonly string[], env: Host["env"] = {}): FakeHost {
  const written = { stdout: "", stderr: "" };
  const exits: number[] = [];
  const waiting = new Set<() => void>();
  let onSignal = (_: StopSignal) => {};
  let onReload = () => {};
  let onUncaught = (_: unknown) => {};
  return {
    args,
    env,
    written,
    exits,
    clock: new FakeClock(),
    random: () => 0.5,
    randomBytes: (length) => new Uint8Array(length).fill(7),
    memory: fakeMemory(),
    stdout: (text) => {
      written.stdout += text;
    },
    stderr: (text) => {
      written.stderr += text;
      for (const check of [...waiting]) {
        check();
      }
    },
    onStopSignal(run) {
      onSignal = run;
      return () => {
        onSignal = () => {};
      };
    },
    onReloadSignal(run) {
      onReload = run;
      return () => {
        onReload = () => {};
      };
    },
    pid: 1,
    onNpmGone: () => () => {},
    onUncaught(run) {
      onUncaught = run;
      return () => {
        onUncaught = () => {};
      };
    },
    keepAlive: () => () => {},
    exitNow: (code) => exits.push(code),
    signal: (signal) => onSignal(signal),
    hangUp: () => onReload(),
    uncaught: (error) => onUncaught(error),
    said: (text) =>
      new Promise((resolve) => {
        const check = () => {
          if (written.stderr.includes(text)) {
            waiting.delete(check);
            resolve();
          }
        };
        waiting.add(check);
        check();
      }),
  };
}
