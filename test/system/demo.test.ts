import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { pathOf } from "../support/repository.ts";

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill("SIGKILL");
});

describe.skipIf(process.platform !== "linux")("the demo", { timeout: 120_000 }, () => {
  test("shows the orphan, its event and its count, leaks nothing and leaves nothing running", async () => {
    const demo = startDemo();
    const { exitCode, output } = await demo.ended();
    expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
    expect(valuesOf(output, `openclaw_session_activity_open{kind="tool"}`)).toEqual([0, 1, 0]);
    expect(
      valuesOf(output, `openclaw_session_activity_evicted_total{reason="orphaned_no_owner"}`),
    ).toEqual([0, 0, 1]);
    expect(output).toContain("EventName: session.activity.evicted");
    expect(output).toContain("openclaw.evictedTools: Int(1)");
    expect(output).toContain("gen_ai.tool.name: Str(exec)");
    expect(output).toMatch(/otelcol_receiver_accepted_spans\{[^}]*\} 15\n/);
    expect(output).not.toContain("agent:main:");
    expect(output.split("\n").length).toBeLessThanOrEqual(60);
    expect(demo.collectors()).toEqual([]);
  });

  test.for(["SIGINT", "SIGTERM"] as const)(
    "stops the collector when %s interrupts it",
    async (signal) => {
      const demo = startDemo();
      await demo.until("2  A turn");
      expect(demo.collectors()).toHaveLength(1);
      demo.kill(signal);
      const { exitCode, output } = await demo.ended();
      expect(exitCode).toBe(130);
      expect(output).toContain("Interrupted. The collector was stopped.");
      expect(demo.collectors()).toEqual([]);
    },
  );
});

function startDemo() {
  const mark = `demo-test-${process.pid}-${performance.now()}`;
  const running = spawn("npm", ["run", "--silent", "demo"], {
    cwd: pathOf("."),
    env: { ...process.env, DEMO_TEST_MARK: mark },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  child = running;
  let output = "";
  for (const stream of [running.stdout, running.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const close = once(running, "close");
  return {
    /** To the whole group, as a terminal does. */
    kill: (signal: NodeJS.Signals) => process.kill(-(running.pid ?? 0), signal),
    async until(text: string) {
      while (!output.includes(text)) {
        await Promise.race([once(running.stdout, "data"), close]);
        if (running.exitCode !== null && !output.includes(text)) {
          throw new Error(`The demo ended early: ${output}`);
        }
      }
    },
    async ended() {
      const [exitCode] = await close;
      return { exitCode, output };
    },
    /** Collectors that this demo started and that still run, by the environment they inherited. */
    collectors: () =>
      readdirSync("/proc").filter(
        (pid) =>
          /^\d+$/.test(pid) &&
          fileOf(`/proc/${pid}/cmdline`).includes("src/main.ts") &&
          fileOf(`/proc/${pid}/environ`).includes(mark),
      ),
  };
}

function fileOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // It has ended meanwhile.
  }
}

function valuesOf(output: string, series: string): number[] {
  return output
    .split("\n")
    .filter((line) => line.includes(series))
    .map((line) => Number(line.slice(line.lastIndexOf(" "))));
}
