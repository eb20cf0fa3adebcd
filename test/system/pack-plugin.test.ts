import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import manifest from "../../openclaw-plugin/package.json" with { type: "json" };
import { pathOf } from "../support/repository.ts";

const env = {
  ...process.env,
  PATH: [pathOf("node_modules/node/bin"), process.env["PATH"]].join(delimiter),
};

let folder = "";

function run(command: string, args: readonly string[], cwd: string) {
  const done = spawnSync(command, [...args], { cwd, env, encoding: "utf8", timeout: 240_000 });
  return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "activity-relay-pack-"));
  // Packing builds first.
  const pack = run("npm", ["pack", "--pack-destination", folder], pathOf("openclaw-plugin"));
  expect(pack).toMatchObject({ exitCode: 0 });
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "no tarball";
  const install = ["install", "--offline", "--no-audit", "--no-fund", `./${tarball}`];
  expect(run("npm", install, folder)).toMatchObject({ exitCode: 0 });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the installed plugin has the files that its manifest names", () => {
  const installed = join(folder, "node_modules", manifest.name);
  const named = [manifest.exports["."], ...manifest.openclaw.extensions];
  expect(named.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
});

test("the installed plugin sends by itself, with what it has of the collector's sources", () => {
  const recording = join(folder, "recording.jsonl");
  cpSync(pathOf("test/testdata/openclaw/events-9x.jsonl"), recording);
  const args = ["--no-install", "openclaw-activity-replay", recording, "--speed", "0"];
  expect(run("npx", [...args, "--endpoint", "http://127.0.0.1:9"], folder)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("62 not delivered"),
  });
});
