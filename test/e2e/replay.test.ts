import { describe, expect, test } from "vitest";
import { type CaptureName, captured, captureFolder, orphanedMarkers } from "../support/captures.ts";
import { runCli } from "../support/process.ts";

const names = Object.keys(orphanedMarkers) as CaptureName[];

async function replayed(...captures: readonly CaptureName[]) {
  const { exitCode, stdout, stderr } = await runCli([
    "replay",
    ...captures.map(captureFolder),
    "--config",
    "deploy/config.yaml",
    "--config",
    "yaml:processors::session_activity::allowed_lateness: 1s",
    "--speed",
    "max",
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
}

const countedAs = (markers: number) =>
  `openclaw_session_activity_evicted_total{reason="orphaned_no_owner"} ${markers}\n`;

describe("the replay command, over captures of real gateways", () => {
  test("shows the orphan in a table, and the metrics at the end", async () => {
    const stdout = await replayed("v430-orphan-tool");
    const [summary, , header, row, , sum] = stdout.split("\n");
    expect(summary).toMatch(
      /^Replayed 9 requests \(7 metrics, 2 traces\), recorded over \d+\.\d s\.$/,
    );
    expect(header).toMatch(/^TIME +REASON +CONFIDENCE +TOOLS +MODEL CALLS +TOOL +AGE$/);
    // Known from its harness run's count of open items, so nothing tells its name and age.
    expect(row).toMatch(/^\+5\.149s +orphaned_no_owner +presumed +1 +0 +- +-$/);
    expect(sum).toBe("1 marker evicted");
    expect(stdout).toContain(countedAs(1));
    expect(stdout).toContain("# TYPE openclaw_session_activity_evicted_total counter\n");
  });

  test("says so when nothing was evicted", async () => {
    const stdout = await replayed("v610-healthy");
    expect(stdout).toContain("\nNothing was evicted.\n");
    expect(stdout).toContain(countedAs(0));
  });

  test("finds in all captures together as many orphans as their table has", async () => {
    const stdout = await replayed(...names);
    const want = names.reduce((sum, name) => sum + orphanedMarkers[name], 0);
    const requests = names.flatMap(captured).length;
    expect(stdout).toMatch(new RegExp(`^Replayed ${requests} requests `));
    expect(stdout).not.toContain("Refused");
    expect(stdout).toContain(`\n${want} markers evicted\n`);
    expect(stdout).toContain(countedAs(want));
  });
});
