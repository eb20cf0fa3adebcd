import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

let folder = "";
const pids: number[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "npm-parent-"));
});
afterEach(() => {
  for (const pid of pids.splice(0)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  }
  rmSync(folder, { recursive: true });
});

/** A collector below a process that dies of SIGHUP, as npm does. */
async function start(env: Readonly<Record<string, string>>) {
  const config = `yaml:{
    receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
    exporters: { debug: },
    service: {
      telemetry: { metrics: { level: none } },
      pipelines: { traces: { receivers: [otlp], exporters: [debug] } },
    },
  }`;
  const args = [join(root, "src/main.ts"), "--config", config];
  const code = `require("node:child_process").spawn(process.execPath, ${JSON.stringify(args)}, { stdio: "inherit" })`;
  const { npm_lifecycle_event: _, ...own } = process.env;
  const parent = spawn(process.execPath, ["-e", code], { env: { ...own, ...env } });
  let log = "";
  parent.stderr.on("data", (part: Buffer) => {
    log += part.toString();
  });
  const said = async (text: string) => {
    while (!log.includes(text)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await said("Everything is ready.");
  const pid = Number(/Starting activity-collector\..*"pid": (\d+)/.exec(log)?.[1]);
  pids.push(pid);
  return { parent, pid, said };
}

for (const signal of ["SIGHUP", "SIGKILL"] as const) {
  test(`a collector of npm start stops in order when npm has ended by ${signal}`, async () => {
    const { parent, pid, said } = await start({ npm_lifecycle_event: "start" });
    expect(pid).not.toBe(parent.pid);
    parent.kill(signal);
    await said("npm, which started the collector, has ended, so the collector stops.");
    await said("Shutdown complete.");
  });
}

test("SIGHUP to the pid in the first line of the log reloads, and another parent than npm may end", async () => {
  const { parent, pid, said } = await start({});
  const ended = once(parent, "exit");
  parent.kill("SIGKILL");
  await ended;
  process.kill(pid, "SIGHUP");
  await said("The configuration was reloaded. It has not changed.");
  process.kill(pid, "SIGTERM");
  await said("Shutdown complete.");
});
