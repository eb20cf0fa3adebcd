import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { externalTool } from "../support/external-tool.ts";
import { pathOf, textOf } from "../support/repository.ts";

const analyze = externalTool("systemd-analyze", "systemd");
const system = "deploy/systemd/openclaw-activity-collector.service";
const user = "deploy/systemd/user/openclaw-activity-collector.service";
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "activity-collector-systemd-"));
  mkdirSync(join(folder, "runtime"));
  chmodSync(join(folder, "runtime"), 0o700);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Whatever is printed is a finding: unknown keys leave the exit code at 0. */
function verify(unit: string, options: { readonly asUser: boolean }): string {
  const copy = join(folder, "openclaw-activity-collector.service");
  // The program is not installed where the tests run; any that exists does for the check.
  writeFileSync(copy, unit.replaceAll("/usr/local/bin/activity-collector", process.execPath));
  return analyze.run(["verify", ...(options.asUser ? ["--user"] : []), "--man=no", copy], {
    env: { XDG_RUNTIME_DIR: join(folder, "runtime") },
  }).output;
}

describe.skipIf(analyze.isSkipped)("systemd accepts the units without a remark", () => {
  test("the system unit", () => {
    expect(verify(textOf(system), { asUser: false })).toBe("");
  });

  test("the user unit", () => {
    expect(verify(textOf(user), { asUser: true })).toBe("");
  });

  test("a misspelt key would be found", () => {
    const misspelt = textOf(system).replace("NoNewPrivileges=", "NoNewPrivilege=");
    expect(verify(misspelt, { asUser: false })).toContain("NoNewPrivilege");
  });

  test("the system unit is exposed to less than 2.0 of 10", () => {
    const args = ["security", "--offline=yes", "--threshold=20", "--no-pager"];
    expect(analyze.run([...args, pathOf(system)])).toMatchObject({ code: 0 });
    const open = join(folder, "open.service");
    writeFileSync(open, "[Service]\nExecStart=/bin/true\n");
    expect(analyze.run([...args, open]).code).not.toBe(0);
  });
});

describe("both units", () => {
  for (const path of [system, user]) {
    const lines = textOf(path).split("\n");

    test(`${path} checks the config before it starts`, () => {
      const start = lines.find((line) => line.startsWith("ExecStart="))?.slice("ExecStart=".length);
      const check = lines.find((line) => line.startsWith("ExecStartPre="));
      expect(check).toBe(`ExecStartPre=${start?.replace(" run ", " validate ")}`);
    });

    test(`${path} asks for nothing that Node.js cannot do`, () => {
      const keys = lines.map((line) => line.split("=", 1)[0]);
      expect(keys).not.toContain("MemoryDenyWriteExecute");
      expect(keys).not.toContain("WatchdogSec");
      expect(lines).toContain("Type=exec");
    });
  }

  test("the gateway's restart leaves the user service alone", () => {
    const keys = textOf(user)
      .split("\n")
      .map((line) => line.split("=", 1)[0]);
    expect(keys).toContain("Before");
    for (const key of ["PartOf", "BindsTo", "Requires"]) {
      expect(keys).not.toContain(key);
    }
  });
});
