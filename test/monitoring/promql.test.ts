import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { committedDashboard, interpolate, queriesOf } from "../support/dashboard.ts";
import { externalTool } from "../support/external-tool.ts";
import { pathOf } from "../support/repository.ts";

const promtool = externalTool("promtool", "the Debian package prometheus");
const dashboard = committedDashboard("session-activity.json");
const chosen = {
  job: "j",
  instance: "a|b",
  reason: "orphaned_no_owner|max_age",
  __rate_interval: "2m",
  __range: "30m",
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "activity-collector-promql-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, stringify(content, { lineWidth: 0 }));
  return path;
}

/** A dashboard's query is not a rule, but a recording rule around it is, which promtool can check and run. */
function asRules(): { rules: string; recordOf: (panelId: number, refId: string) => string } {
  const recordOf = (panelId: number, refId: string) => `panel_${panelId}_${refId}`;
  const rules = queriesOf(dashboard).map(({ panel, target }) => ({
    record: recordOf(panel.id, target.refId),
    expr: interpolate(target.expr, chosen),
  }));
  const annotations = dashboard.annotations.list.map(({ expr }, index) => ({
    record: `annotation_${index}`,
    expr: interpolate(expr, chosen),
  }));
  return {
    rules: write("rules.yml", { groups: [{ name: "g", rules: [...rules, ...annotations] }] }),
    recordOf,
  };
}

describe.skipIf(promtool.isSkipped)("promtool", () => {
  test("finds nothing wrong with the alert rules", () => {
    const file = pathOf("monitoring/rules/openclaw-activity-collector.rules.yml");
    expect(promtool.run(["check", "rules", "--lint=all", "--lint-fatal", file])).toMatchObject({
      code: 0,
      errors: "",
    });
  });

  test("sees every alert fire when it should and stay silent when it should", () => {
    const file = pathOf("monitoring/rules/openclaw-activity-collector.rules.test.yml");
    const { code, output } = promtool.run(["test", "rules", file]);
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining("SUCCESS") });
  });

  test("can parse every query and annotation of the dashboard", () => {
    const { code, output } = promtool.run(["check", "rules", asRules().rules]);
    expect({ code, output }).toMatchObject({ code: 0 });
  });

  test("computes from the queries what the panels say they show", () => {
    const { rules, recordOf } = asRules();
    const metric = (name: string, labels: string) =>
      `openclaw_session_activity_${name}{job="j", instance="a"${labels === "" ? "" : `, ${labels}`}}`;
    const diagnosed = (verdict: string, claim: string) =>
      `openclaw_session_diagnosed_total{job="j", instance="a", verdict="${verdict}", claim="${claim}"}`;
    const file = write("test.yml", {
      rule_files: [rules],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: [
            [`up{job="j", instance="a", endpoint="activity"}`, "1x60"],
            [`up{job="j", instance="a", endpoint="telemetry"}`, "0x60"],
            [metric("evicted_total", `reason="orphaned_no_owner"`), "0+2x60"],
            [metric("evicted_total", `reason="session_ended"`), "0+5x60"],
            // Another job's series must not be counted.
            [
              `openclaw_session_activity_evicted_total{job="x", instance="a", reason="max_age"}`,
              "0+9x60",
            ],
            [metric("reconciled_total", `kind="tool"`), "0+0.7x60"],
            [metric("reconciled_total", `kind="run"`), "0+3x60"],
            [metric("open", `kind="run"`), "1x60"],
            [metric("open", `kind="tool"`), "3x60"],
            [metric("open", `kind="model_call"`), "2x60"],
            [metric("oldest_age_seconds", `kind="run"`), "900x60"],
            [metric("oldest_age_seconds", `kind="tool"`), "120x60"],
            [metric("sessions", `state="active", blocked_by="none"`), "5x60"],
            [metric("sessions", `state="stalled", blocked_by="model_call"`), "2x60"],
            [diagnosed("stale_marker", "stalled"), "0+3x60"],
            [diagnosed("silent_tool", "none"), "0+6x60"],
          ].map(([series, values]) => ({ series, values })),
          promql_expr_test: [
            // Half of the pages answer.
            [1, "A", "{}", 0.5],
            // Two a minute for half an hour; session_ended is not chosen.
            [2, "A", "{}", 60],
            [3, "A", "{}", 5],
            [4, "A", "{}", 120],
            // 0.7 of 7 a minute: all reasons count, runs do not.
            [5, "A", "{}", 0.1],
            [6, "A", "{}", 7],
            [14, "A", `{state="stalled", blocked_by="model_call"}`, 2],
            // Three a minute.
            [50, "A", `{verdict="stale_marker", claim="stalled"}`, 0.05],
            [51, "A", `{verdict="silent_tool"}`, 0.1],
            [12, "A", `{kind="tool"}`, 3],
            [13, "A", `{kind="run"}`, 900],
          ].map(([panel, refId, labels, value]) => {
            const record = recordOf(Number(panel), String(refId));
            const isOne = labels === "{}";
            return {
              expr: isOne ? `round(${record}, 0.001)` : `round(${record}${labels}, 0.001)`,
              eval_time: "50m",
              exp_samples: [{ labels, value }],
            };
          }),
        },
      ],
    });
    const { code, output } = promtool.run(["test", "rules", file]);
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining("SUCCESS") });
  });
});
