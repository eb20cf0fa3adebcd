import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
/** The package needs a newer Node than the one `npm` may find first. */
const env = {
  ...process.env,
  PATH: [join(root, "node_modules", "node", "bin"), process.env["PATH"]].join(delimiter),
};

let folder = "";

function run(command: string, args: readonly string[], cwd: string) {
  const done = spawnSync(command, [...args], { cwd, env, encoding: "utf8", timeout: 240_000 });
  return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "activity-collector-pack-"));
  // Packing builds first.
  expect(run("npm", ["pack", "--pack-destination", folder], root)).toMatchObject({ exitCode: 0 });
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "no tarball";
  const installed = run("npm", ["install", "--no-audit", "--no-fund", `./${tarball}`], folder);
  expect(installed).toMatchObject({ exitCode: 0 });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the installed package tells its version", () => {
  expect(run("npx", ["--no-install", "activity-collector", "--version"], folder)).toMatchObject({
    exitCode: 0,
    stdout: `${manifest.version}\n`,
  });
});

test("the installed package brings a config that it finds valid", () => {
  const config = join("node_modules", manifest.name, "deploy", "config.yaml");
  const args = ["--no-install", "activity-collector", "validate", "--config", config];
  expect(run("npx", args, folder)).toMatchObject({ exitCode: 0 });
});

test("the package holds what runs and what explains it, and no sources or tests", () => {
  const packed = readdirSync(join(folder, "node_modules", manifest.name));
  expect(packed).toEqual(expect.arrayContaining(["dist", "deploy", "README.md", "package.json"]));
  expect(packed.filter((name) => ["src", "test", "bench", "scripts"].includes(name))).toEqual([]);
});
