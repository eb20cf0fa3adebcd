import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { externalTool } from "../support/external-tool.ts";
import { scrape } from "../support/metrics-page.ts";
import { type RunningCollector, runCli, startCollector } from "../support/process.ts";
import { textOf } from "../support/repository.ts";

// Runs the commands of the README, so that they work as printed.

const curl = externalTool("curl", "the Debian package curl");
const shell = externalTool("sh", "a POSIX shell");

/** The shell block of the README that contains `text`. */
function block(text: string): string {
  const blocks = [...textOf("README.md").matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code);
  const found = blocks.find((code) => code?.includes(text));
  if (found === undefined) {
    throw new Error(`README.md has no shell block with ${text}.`);
  }
  return found;
}

describe.skipIf(curl.isSkipped || shell.isSkipped)("the turn that the README sends by hand", () => {
  let collector: RunningCollector;
  beforeAll(async () => {
    collector = await startCollector({
      overrides: ["processors::session_activity::allowed_lateness: 1s"],
    });
  });
  afterAll(async () => void (await collector.stop()));

  test("is a run that ends without its tool, which is evicted", async () => {
    const commands = block("openclaw.tool.execution").replaceAll(
      "http://127.0.0.1:4318",
      collector.endpoints.otlp,
    );
    expect(shell.run(["-c", commands])).toMatchObject({ code: 0, output: "{}{}{}" });
    await collector.waitForLog('"session.activity.evicted": 1');
    const page = await scrape(collector.endpoints.prometheus);
    expect(
      page.sum("openclaw_session_activity_evicted_total", { reason: "orphaned_no_owner" }),
    ).toBe(1);
    const { stdout } = await collector.stop();
    expect(stdout).toMatch(/^session\.activity\.evicted .*=orphaned_no_owner/m);
  });
});

test("the config that the README gives a second collector is valid", async () => {
  const inline = [...block("14318").matchAll(/--config '(yaml:.+)'/g)].map(([, yaml = ""]) => yaml);
  expect(inline).toHaveLength(6);
  const args = ["deploy/config.yaml", ...inline].flatMap((source) => ["--config", source]);
  const printed = await runCli(["print-config", ...args]);
  expect(printed).toMatchObject({ exitCode: 0, stderr: "" });
  for (const port of ["4317", "4318", "9464", "8888", "13133"]) {
    expect(printed.stdout).not.toMatch(new RegExp(`127\\.0\\.0\\.1:${port}\\b`));
  }
});
