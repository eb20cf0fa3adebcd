import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { CaptureKeys } from "../../src/cli/capture-keys.ts";
import { CaptureRedactor } from "../../src/cli/capture-redactor.ts";
import { CaptureText } from "../../src/cli/capture-text.ts";
import { CaptureWriter } from "../../src/cli/capture-writer.ts";
import { runProgram } from "../../src/cli/program.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { familiesOf } from "../e2e/dialect-families.ts";
import { type CaptureName, captured, captureFolder, orphanedMarkers } from "../support/captures.ts";
import { runCli, startCollector } from "../support/process.ts";
import { pathOf } from "../support/repository.ts";
import { send } from "../support/send.ts";
import { recordings, requestsOf } from "../support/senders/recordings.ts";
import { fakeHost } from "./fake-host.ts";

let folder = "";
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "record-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const newFolder = () => join(folder, String(++count));
const lateness = ["--config", "yaml:processors::session_activity::allowed_lateness: 1s"];
const deployed = ["--config", pathOf("deploy/config.yaml")];

async function replayed(path: string): Promise<string> {
  const host = fakeHost(["replay", path, ...deployed, ...lateness, "--speed", "max"]);
  expect(await runProgram(host), host.written.stderr).toBe(0);
  return host.written.stdout;
}

/** The evictions and the counters of session_activity. */
function decisionsIn(stdout: string): string {
  const table = stdout.slice(stdout.indexOf("\n\n") + 2);
  return table
    .split("\n")
    .filter((line) => !line.startsWith("openclaw_") || line.startsWith("openclaw_session_activity"))
    .join("\n");
}

interface Request {
  readonly signal: Signal;
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

function rerecorded(requests: readonly Request[]): string {
  const out = newFolder();
  const writer = new CaptureWriter(out);
  const text = new CaptureText(new Uint8Array(32).fill(9));
  const redactor = new CaptureRedactor(new CaptureKeys({ sessions: [], work: [] }), text);
  for (const request of requests) {
    writer.add(request.signal, redactor.redacted(request)!, request.atMs);
  }
  writer.close();
  return out;
}

const openclawCaptures = Object.keys(orphanedMarkers) as CaptureName[];

function requestsOfCapture(name: CaptureName): readonly Request[] {
  const lines = readFileSync(join(captureFolder(name), "index.jsonl"), "utf8")
    .trim()
    .split("\n");
  const times = lines.map((line) => (JSON.parse(line) as { at: number }).at);
  return captured(name).map(({ signal, body }, at) => ({
    signal,
    bytes: body,
    atMs: times[at] ?? 0,
  }));
}

describe("a recording leads to the same evictions and counters as what was recorded", () => {
  for (const name of openclawCaptures) {
    test(`of OpenClaw, ${name}`, async () => {
      const original = await replayed(captureFolder(name));
      const again = await replayed(rerecorded(requestsOfCapture(name)));
      expect(decisionsIn(again)).toBe(decisionsIn(original));
    });
  }
  for (const name of recordings()) {
    test(`of ${name}`, async () => {
      const original = await replayed(pathOf(`test/testdata/senders/${name}`));
      const again = await replayed(rerecorded(requestsOf(name)));
      expect(decisionsIn(again)).toBe(decisionsIn(original));
    });
  }
});

test("of every dialect, what is recorded leads to the same evictions and counters", async () => {
  const requests: Request[] = [];
  let atMs = 1_795_000_000_000;
  const families = familiesOf({
    "session.id": "agent:main:whatsapp:direct:49123456789",
    "gen_ai.conversation.id": "6d0b7e4c-3c8f-4c5e-9f1d-1f2e3d4c5b6a",
    "gen_ai.tool.call.id": "call_Qx2Ab7Cd9EfG",
    "openclaw.runId": "run-1",
    "openclaw.sessionKey": "agent:main:main",
  });
  for (const { dialect, send: sendAll } of families) {
    if (dialect !== "relay") {
      await sendAll({
        endpoint: "",
        async post(signal, bytes) {
          atMs += 20;
          requests.push({ signal, bytes, atMs });
        },
        async untilDecided() {
          atMs += 15_000;
        },
        value: async () => 1,
      });
      atMs += 15_000;
    }
  }
  const plain = newFolder();
  const writer = new CaptureWriter(plain);
  for (const { signal, bytes, atMs: at } of requests) {
    writer.add(signal, bytes, at);
  }
  writer.close();
  const original = await replayed(plain);
  const out = rerecorded(requests);
  expect(original).toContain("markers evicted");
  expect(decisionsIn(await replayed(out))).toBe(decisionsIn(original));
  const all = readdirSync(out).map((file) => readFileSync(join(out, file), "latin1"));
  for (const id of ["49123456789", "6d0b7e4c", "Qx2Ab7Cd9EfG", "agent:main"]) {
    expect(all.join("\n")).not.toContain(id);
  }
});

test("of an attribute that is a number, a text is recorded only if it is a short number", () => {
  const recordedSeq = (stringValue: string) => {
    const redactor = new CaptureRedactor(
      new CaptureKeys({ sessions: [], work: [] }),
      new CaptureText(new Uint8Array(32)),
    );
    const attributes = [{ key: "openclaw.seq", value: { stringValue } }];
    const bytes = otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [{ scopeSpans: [{ spans: [{ attributes }] }] }],
    }).finish();
    const redacted = redactor.redacted({ signal: "traces", bytes })!;
    const [span] =
      otlp.ExportTraceServiceRequest.decode(redacted).resourceSpans[0]?.scopeSpans?.[0]?.spans ??
      [];
    return span?.attributes?.[0]?.value?.stringValue;
  };
  expect(recordedSeq("42")).toBe("42");
  expect(recordedSeq("session-of-anna")).toBeUndefined();
  expect(recordedSeq("491234567890")).toBeUndefined();
});

test("the command records what the real process receives, in files that only the user may read", async () => {
  const out = newFolder();
  const collector = await startCollector({
    command: ["record", "--out", out],
    overrides: ["extensions::bearer_token_auth: {token: a-secret-token}"],
  });
  const requests = requestsOfCapture("v430-orphan-tool");
  for (const { signal, bytes } of requests) {
    expect((await send(collector.endpoints.otlp, signal, bytes)).status).toBe(200);
  }
  const bad = await send(collector.endpoints.otlp, "traces", Buffer.from("not protobuf"));
  expect(bad.status).toBe(400);
  collector.kill("SIGINT");
  const { exitCode, stdout } = await collector.ended();
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    "Left out requests that were refused or could not be decoded (1 undecodable).",
  );
  expect(stdout).toMatch(
    /^Recorded 9 requests \((?:7 metrics, 2 traces|2 traces, 7 metrics)\) in /m,
  );
  expect(stdout).toContain("Look through it before you send it");

  const files = readdirSync(out);
  expect(files.length).toBe(requests.length + 3);
  expect(statSync(out).mode & 0o777).toBe(0o700);
  for (const file of files) {
    expect(statSync(join(out, file)).mode & 0o777, file).toBe(0o600);
  }
  const all = files.map((file) => readFileSync(join(out, file), "latin1")).join("\n");
  expect(all).not.toContain("agent:main");
  expect(all).not.toContain("a-secret-token");
  expect(parse(readFileSync(join(out, "config.yaml"), "utf8"))).toHaveProperty("service.pipelines");
  expect(JSON.parse(readFileSync(join(out, "about.json"), "utf8"))).toMatchObject({
    version: expect.any(String),
    requests: requests.length,
    requests_left_out: { undecodable: 1 },
  });

  const { stdout: text } = await runCli([
    "replay",
    out,
    "--config",
    join(out, "config.yaml"),
    ...lateness,
    "--speed",
    "max",
  ]);
  expect(text).toContain("Replayed 9 requests");
});

describe("the command refuses", () => {
  async function refused(args: readonly string[]) {
    const host = fakeHost(["record", ...args, ...deployed]);
    return { exitCode: await runProgram(host), stderr: host.written.stderr };
  }

  test("a folder that has something in it", async () => {
    writeFileSync(join(folder, "something"), "");
    expect(await refused(["--out", folder])).toEqual({
      exitCode: 1,
      stderr: `Cannot record into ${folder}. It is not empty. Name a folder that does not exist yet.\n`,
    });
  });

  test.each([
    ["a file", () => join(folder, "file"), "It is a file. Name a folder", "EEXIST"],
    ["below a file", () => join(folder, "file", "x"), "A part of the path is a file.", "ENOTDIR"],
    ["below a device", () => "/dev/null/x", "A part of the path is a file.", "ENOTDIR"],
    ["in /proc", () => "/proc/none", "No folder can be created there.", "ENOENT"],
    ["deep in /proc", () => "/proc/self/none/x", "No folder can be created there.", "ENOENT"],
    ["nowhere", () => "", "No folder can be created there.", "ENOENT"],
    [
      "a name that is too long",
      () => join(folder, "x".repeat(300)),
      "is too long.",
      "ENAMETOOLONG",
    ],
  ])("%s, and says what to do", async (_, out, why, code) => {
    writeFileSync(join(folder, "file"), "");
    const { exitCode, stderr } = await refused(["--out", out()]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Cannot record into ${out()}. `);
    expect(stderr).toContain(why);
    expect(stderr).toContain(`(${code})`);
  });

  test("to record beside a collector that has its ports, and leaves the folder free for the next try", async () => {
    const running = await startCollector();
    const out = newFolder();
    const { port } = new URL(running.endpoints.otlp);
    writeFileSync(
      join(folder, "beside.yaml"),
      `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {debug: {}}
service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}`,
    );
    const config = ["--config", join(folder, "beside.yaml")];
    const beside = await runCli(["record", "--out", out, ...config]);
    expect(beside.exitCode).toBe(1);
    expect(beside.stderr).toContain("the address is already in use");
    expect(beside.stdout).toBe("");
    expect(existsSync(out)).toBe(false);
    running.kill("SIGTERM");
    await running.ended();
  });

  test("to record without a folder, for no time, or into nothing", async () => {
    expect((await refused([])).exitCode).toBe(2);
    expect((await refused(["--out", newFolder(), "--duration", "10"])).exitCode).toBe(2);
    expect((await refused(["--out", newFolder(), "--max-size", "1KiB"])).exitCode).toBe(2);
  });
});

test("a recording that is complete is a success, though the backend is down", {
  timeout: 60_000,
}, async () => {
  const out = newFolder();
  const collector = await startCollector({
    command: ["record", "--out", out],
    overrides: [
      "exporters::otlp_http: {endpoint: 'http://127.0.0.1:1'}",
      "service::pipelines::traces::exporters: [otlp_http]",
      "service::shutdown_timeout: 1s",
    ],
  });
  const spans = requestsOfCapture("v430-orphan-tool").find(({ signal }) => signal === "traces");
  await send(collector.endpoints.otlp, "traces", spans!.bytes);
  collector.kill("SIGINT");
  const { exitCode, stdout, stderr } = await collector.ended(20_000);
  expect(stderr).toContain("Shutdown complete, with failures");
  expect(stdout).toContain("Recorded 1 request (1 traces)");
  expect(exitCode).toBe(0);
});

test("the command ends when the time is over", { timeout: 60_000 }, async () => {
  const out = join(folder, "it's the end");
  const timed = await startCollector({
    command: ["record", "--out", out, "--duration", "1s"],
  });
  const { exitCode, stdout } = await timed.ended(20_000);
  expect(exitCode).toBe(0);
  // A command that a shell takes as it is printed.
  const command = /Replay it with: activity-collector (replay .*)/.exec(stdout)?.[1] ?? "";
  const words = execFileSync("sh", ["-c", `printf '%s\\n' ${command}`], { encoding: "utf8" });
  expect(words.split("\n").slice(0, 4)).toEqual([
    "replay",
    out,
    "--config",
    join(out, "config.yaml"),
  ]);
});

test("the command ends when the room is used up", { timeout: 60_000 }, async () => {
  const full = await startCollector({
    command: ["record", "--out", newFolder(), "--max-size", "64KiB"],
  });
  const spans = requestsOfCapture("e2e-430").filter(({ signal }) => signal === "traces");
  for (let round = 0; round < 20; round++) {
    for (const { signal, bytes } of spans) {
      await send(full.endpoints.otlp, signal, bytes).catch(() => undefined);
    }
  }
  const { exitCode, stdout } = await full.ended(20_000);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("It ended because --max-size was reached.");
});
