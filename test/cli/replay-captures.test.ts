import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runProgram } from "../../src/cli/program.ts";
import { fakeHost } from "./fake-host.ts";

const deployed = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "deploy", "config.yaml");
const recordedAtMs = 1_795_000_000_000;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "replay-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const ids = {
  trace: "5e551014000000000000000000000001",
  run: "5e55101400000001",
  tool: "5e55101400000002",
};

interface SpanTimes {
  readonly startMs: number;
  /** Absent: the span is still open. */
  readonly endMs?: number;
}

function span(name: string, spanId: string, times: SpanTimes) {
  const nano = (ms: number) => String(BigInt(recordedAtMs + ms) * 1_000_000n);
  return {
    traceId: ids.trace,
    spanId,
    ...(spanId === ids.run ? {} : { parentSpanId: ids.run }),
    name,
    startTimeUnixNano: nano(times.startMs),
    ...(times.endMs === undefined ? {} : { endTimeUnixNano: nano(times.endMs) }),
    attributes: [
      { key: "openclaw.sessionKey", value: { stringValue: "agent:main:secret-session" } },
      { key: "gen_ai.tool.name", value: { stringValue: "exec" } },
    ],
  };
}

const tracesOf = (...spans: readonly object[]) =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

/** A run that ends after 2 s while its tool, which was announced at its start, does not. */
function recordOrphan(): void {
  writeFileSync(
    join(folder, "1-traces.json"),
    tracesOf(
      span("openclaw.run", ids.run, { startMs: 0 }),
      span("openclaw.tool.execution", ids.tool, { startMs: 100 }),
    ),
  );
  writeFileSync(
    join(folder, "2-traces.json"),
    tracesOf(span("openclaw.run", ids.run, { startMs: 0, endMs: 2_000 })),
  );
  writeFileSync(join(folder, "3-metrics.json"), "{ not JSON");
  const entries = [
    { id: "1", at: recordedAtMs, signal: "traces" },
    { id: "2", at: recordedAtMs + 2_000, signal: "traces" },
    { id: "3", at: recordedAtMs + 120_000, signal: "metrics" },
  ];
  writeFileSync(
    join(folder, "index.jsonl"),
    entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""),
  );
}

async function replayed(...args: readonly string[]) {
  const host = fakeHost(["replay", folder, "--config", deployed, ...args]);
  const exitCode = await runProgram(host);
  return { exitCode, ...host.written };
}

test("an orphan in a recording is listed at the time it was noticed, and counted", async () => {
  recordOrphan();
  const { exitCode, stdout, stderr } = await replayed("--speed", "max");
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    // Its service says nothing of its process.
    stderr: expect.stringMatching(/^[^\n]* share one state[^\n]*\n$/),
  });
  const [summary, refused, , header, row, , sum] = stdout.split("\n");
  expect(summary).toBe("Replayed 3 requests (2 traces, 1 metrics), recorded over 120.0 s.");
  expect(refused).toBe("Refused: 1 of metrics: The body is not valid JSON at line 1, column 3.");
  expect(header?.split(/\s{2,}/)).toEqual([
    "TIME",
    "REASON",
    "CONFIDENCE",
    "TOOLS",
    "MODEL CALLS",
    "TOOL",
    "AGE",
  ]);
  // The run ended at 2 s and the tool had 10 s more.
  expect(row).toMatch(/^\+12\.000s +orphaned_no_owner +confirmed +1 +0 +exec +1[12]\.\d+s$/);
  expect(sum).toBe("1 marker evicted");
  expect(stdout).toContain(
    'openclaw_session_activity_evicted_total{reason="orphaned_no_owner"} 1\n',
  );
});

test("nothing of what identifies a session is printed", async () => {
  recordOrphan();
  const { stdout, stderr } = await replayed("--speed", "max");
  for (const secret of ["secret-session", ids.trace, ids.run, ids.tool]) {
    expect(stdout + stderr).not.toContain(secret);
  }
});

test("what falls due after the last request still happens, for as long as it is told to settle", async () => {
  recordOrphan();
  rmSync(join(folder, "index.jsonl"));
  const bodies = ["1-traces.json", "2-traces.json"].map((name) => join(folder, name));
  const settling = async (duration: string) => {
    const host = fakeHost(["replay", ...bodies, "-c", deployed, "--settle", duration]);
    await runProgram(host);
    return host.written.stdout;
  };
  expect(await settling("9s")).toContain("Nothing was evicted.");
  expect(await settling("11s")).toContain("1 marker evicted");
});

describe("the pace", () => {
  test("is the recorded one divided by the speed", async () => {
    recordOrphan();
    const host = fakeHost(["replay", folder, "--config", deployed, "--speed", "10"]);
    const waits: number[] = [];
    const { clock } = host;
    const after = clock.after.bind(clock);
    clock.after = (delayMs, run) => {
      waits.push(delayMs);
      const cancel = after(delayMs, run);
      queueMicrotask(() => clock.advance(delayMs));
      return cancel;
    };
    expect(await runProgram(host)).toBe(0);
    expect(waits).toEqual([200, 11_800]);
  });
});

test("a wrong config and a missing capture are both told", async () => {
  const host = fakeHost(["replay", join(folder, "nope"), "--config", join(folder, "no.yaml")]);
  expect(await runProgram(host)).toBe(1);
  expect(host.written.stderr).toContain("no.yaml");
  expect(host.written.stderr).toContain("there is no such file or folder.");
});
