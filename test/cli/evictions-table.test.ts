import { expect, test } from "vitest";
import { evictionsIn, evictionsTable } from "../../src/cli/evictions-table.ts";
import { encodeLogEvents } from "../../src/otlp/encode.ts";

const startUnixMs = 1_795_000_000_000;

test("evictions are read from log records, other records are passed over", () => {
  const event = (eventName: string, attributes: Record<string, string | number | boolean>) => ({
    timeUnixNano: BigInt(startUnixMs + 2_500) * 1_000_000n,
    eventName,
    severityNumber: 13,
    severityText: "WARN",
    body: "Work of a session was evicted.",
    attributes,
  });
  const bytes = encodeLogEvents({
    resource: { "service.name": "gateway" },
    scope: { name: "s", version: "1" },
    events: [
      event("session.stalled", { "openclaw.reason": "none" }),
      event("session.activity.evicted", {
        "openclaw.reason": "orphaned_no_owner",
        "openclaw.confidence": "confirmed",
        "openclaw.evictedTools": 2,
        "openclaw.evictedModelCalls": 1,
        "openclaw.oldestAgeMs": 4_250,
        "gen_ai.tool.name": "exec",
      }),
      event("session.activity.evicted", { "openclaw.reason": "max_age" }),
    ],
  });
  expect(evictionsIn(bytes, startUnixMs)).toEqual([
    {
      atMs: 2_500,
      reason: "orphaned_no_owner",
      confidence: "confirmed",
      tools: 2,
      modelCalls: 1,
      toolName: "exec",
      oldestAgeMs: 4_250,
    },
    {
      atMs: 2_500,
      reason: "max_age",
      confidence: "",
      tools: 0,
      modelCalls: 0,
      toolName: "",
      oldestAgeMs: undefined,
    },
  ]);
});

test("the table has a line per eviction and a sum", () => {
  const table = evictionsTable([
    {
      atMs: 9_100,
      reason: "orphaned_no_owner",
      confidence: "confirmed",
      tools: 1,
      modelCalls: 0,
      toolName: "exec",
      oldestAgeMs: 2_512,
    },
    {
      atMs: 43_200_000,
      reason: "max_age",
      confidence: "presumed",
      tools: 0,
      modelCalls: 1,
      toolName: "",
      oldestAgeMs: undefined,
    },
  ]);
  expect(table).toBe(
    [
      "TIME         REASON             CONFIDENCE  TOOLS  MODEL CALLS  TOOL  AGE",
      "+9.100s      orphaned_no_owner  confirmed   1      0            exec  2.512s",
      "+43200.000s  max_age            presumed    0      1            -     -",
      "",
      "2 markers evicted",
      "",
    ].join("\n"),
  );
});

test("no eviction is said in words", () => {
  expect(evictionsTable([])).toBe("Nothing was evicted.\n");
});
