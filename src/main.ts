#!/usr/bin/env node
import { randomBytes } from "node:crypto";
import type { Host } from "./cli/host.ts";
import { nodeVersionProblem } from "./node-version.ts";

// An older Node cannot link the other modules, so nothing else is imported before.
const problem = nodeVersionProblem(process.versions.node);
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
const { runProgram } = await import("./cli/program.ts");
const { createProcessMemory } = await import("./memory/process-memory.ts");
const { keepProcessAlive, systemClock } = await import("./system-clock.ts");

const parentCheckMs = 500;

// The reader of our output may exit, e.g. `… | head`. That is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", () => {});
}

const host: Host = {
  args: process.argv.slice(2),
  pid: process.pid,
  env: process.env,
  clock: systemClock,
  random: Math.random,
  randomBytes,
  memory: createProcessMemory(),
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  onStopSignal(run) {
    const onTerm = () => run("SIGTERM");
    const onInt = () => run("SIGINT");
    process.on("SIGTERM", onTerm).on("SIGINT", onInt);
    return () => process.off("SIGTERM", onTerm).off("SIGINT", onInt);
  },
  onReloadSignal(run) {
    process.on("SIGHUP", run);
    return () => process.off("SIGHUP", run);
  },
  onNpmGone(run) {
    // npm passes SIGTERM and SIGINT on, but dies of SIGHUP and SIGKILL. An operator would not expect the ports to stay in use then.
    if (process.env["npm_lifecycle_event"] !== "start") {
      return () => {};
    }
    const parent = process.ppid;
    const cancel = systemClock.every(parentCheckMs, () => {
      if (process.ppid !== parent) {
        cancel();
        run();
      }
    });
    return cancel;
  },
  onUncaught(run) {
    const onError = (error: unknown) => run(error);
    process.on("uncaughtException", onError).on("unhandledRejection", onError);
    return () => process.off("uncaughtException", onError).off("unhandledRejection", onError);
  },
  keepAlive: keepProcessAlive,
  exitNow: (code) => process.exit(code),
};

process.exitCode = await runProgram(host);
// Nothing is left to do; a forgotten handle must not keep the process alive.
systemClock.after(1_000, () => process.exit());
