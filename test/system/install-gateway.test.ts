import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { pathOf } from "../support/repository.ts";
import { installOpenClaw } from "./gateway/install.ts";

test.each([
  // Newer versions ask two questions; the flags answer them.
  { version: "2026.9.6", flags: ["--force", "--accept-capabilities"] },
  { version: "2026.4.30-beta.1", flags: [] },
])("openclaw $version installs the packed relay", async ({ version, flags }) => {
  const openclaw = await installOpenClaw(version);
  const home = mkdtempSync(join(tmpdir(), "gateway-install-"));
  try {
    const env = {
      ...process.env,
      PATH: `${dirname(openclaw.node)}:${process.env["PATH"]}`,
      HOME: home,
      OPENCLAW_STATE_DIR: home,
      OPENCLAW_CONFIG_PATH: join(home, "openclaw.json"),
      VITEST: "",
      NODE_ENV: "",
    };
    const cli = (...args: readonly string[]) =>
      execFileSync(openclaw.node, [join(openclaw.folder, "openclaw.mjs"), ...args], {
        env,
        cwd: home,
        encoding: "utf8",
        timeout: 240_000,
      });
    writeFileSync(
      join(home, "openclaw.json"),
      JSON.stringify({ gateway: { mode: "local" }, update: { checkOnStart: false } }),
    );
    execFileSync("npm", ["pack", "--pack-destination", home], {
      cwd: pathOf("openclaw-plugin"),
      stdio: "pipe",
    });
    const packed = readdirSync(home).find((name) => name.endsWith(".tgz"))!;

    const said = cli("plugins", "install", join(home, packed), ...flags);
    const inspected = cli("plugins", "inspect", "activity-relay");

    expect(said).toContain("Installed plugin: activity-relay");
    expect(inspected).toMatch(/Status: (loaded|enabled)/);
    expect(inspected).toContain("Version: 0.1.0");
    expect(JSON.parse(readFileSync(join(home, "openclaw.json"), "utf8")).plugins.entries).toEqual({
      "activity-relay": { enabled: true },
    });
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
});
