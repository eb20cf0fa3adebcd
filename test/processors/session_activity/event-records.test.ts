import { describe, expect, test } from "vitest";
import { claimNames, verdictNames } from "../../../src/activity/model/diagnosis.ts";
import type { DiagnosedEvent, StalledEvent } from "../../../src/activity/model/events.ts";
import { reasons } from "../../../src/activity/model/reasons.ts";
import { toRecord } from "../../../src/processors/session_activity/event-records.ts";
import { context, diagnosed, evicted, fullEvents, stalled } from "./full-events.ts";

const noIds = { traceId: new Uint8Array(16), spanId: new Uint8Array(8) };

/** Evidence without optional fields. */
const bare = { blockedBy: "none", name: 0, channel: 0, atMs: 1, ...noIds } as const;

describe("session.activity.evicted", () => {
  test("has the confidence of its event, not of its reason", () => {
    const event = { ...evicted, reason: "orphaned_no_owner", confidence: "probable" } as const;
    expect(reasons[event.reason].confidence).not.toBe(event.confidence);
    expect(toRecord(event, 1n, context).attributes).toMatchObject({
      "openclaw.reason": "orphaned_no_owner",
      "openclaw.confidence": "probable",
    });
  });
});

describe("session.stalled", () => {
  test("contains the culprit and its evidence, in whole milliseconds", () => {
    expect(toRecord(stalled, 7n, context)).toEqual({
      severityNumber: 13,
      severityText: "WARN",
      timeUnixNano: 7n,
      eventName: "session.stalled",
      body: "A tool is running and has made no progress for a while. It hangs, or it takes long.",
      attributes: {
        "openclaw.state": "blocked_tool_call",
        "openclaw.openTools": 2,
        "openclaw.openModelCalls": 1,
        "openclaw.verdict": "silent_tool",
        "openclaw.blockedBy": "tool",
        "openclaw.ageMs": 300_000,
        "openclaw.silentMs": 130_001,
        "openclaw.usualP50Ms": 1_500,
        "openclaw.usualP99Ms": 9_000,
        "openclaw.lastSignal": "tool.start",
        "gen_ai.tool.name": "exec",
        "openclaw.channel": "exec",
        "openclaw.session.ref": "0ab123456789",
      },
      traceId: stalled.traceId,
      spanId: stalled.spanId,
    });
  });

  test("leaves out unknown values", () => {
    const event: StalledEvent = {
      ...bare,
      ...{ type: "stalled", state: "stalled", verdict: "wedged_run", blockedBy: "run" },
      ...{ tools: 0, modelCalls: 0 },
    };
    const record = toRecord(event, 7n, context);
    expect(record.attributes).toEqual({
      "openclaw.state": "stalled",
      "openclaw.openTools": 0,
      "openclaw.openModelCalls": 0,
      "openclaw.verdict": "wedged_run",
      "openclaw.blockedBy": "run",
    });
    expect(Object.keys(record)).not.toContain("traceId");
  });
});

describe("session.diagnosed", () => {
  test("contains the claim, the verdict and its evidence", () => {
    const { eventName, attributes, traceId, spanId } = toRecord(diagnosed, 7n, context);
    expect({ eventName, attributes, traceId, spanId }).toEqual({
      eventName: "session.diagnosed",
      attributes: {
        "openclaw.claim": "stalled",
        "openclaw.verdict": "silent_tool",
        "openclaw.blockedBy": "tool",
        "openclaw.ageMs": 300_000,
        "openclaw.silentMs": 130_001,
        "openclaw.usualP50Ms": 1_500,
        "openclaw.usualP99Ms": 9_000,
        "openclaw.lastSignal": "tool.start",
        "gen_ai.tool.name": "exec",
        "openclaw.channel": "exec",
        "openclaw.session.ref": "0ab123456789",
      },
      traceId: diagnosed.traceId,
      spanId: diagnosed.spanId,
    });
  });

  for (const [verdict, severityText] of [
    ["waiting_for_person", "INFO"],
    ["silent_tool", "WARN"],
    ["silent_model_call", "WARN"],
    ["retrying", "WARN"],
    ["wedged_run", "WARN"],
    ["progressing", "INFO"],
    ["stale_marker", "WARN"],
    ["queued_only", "INFO"],
    ["unknown", "INFO"],
  ] as const) {
    test(`is ${severityText} for ${verdict}, whatever the claim`, () => {
      for (const claim of claimNames) {
        expect(toRecord({ ...diagnosed, verdict, claim }, 1n, context)).toMatchObject({
          severityText,
          attributes: { "openclaw.verdict": verdict, "openclaw.claim": claim },
        });
      }
    });
  }

  test("has a different body for each verdict", () => {
    const bodies = verdictNames.map(
      (verdict) => toRecord({ ...diagnosed, verdict }, 1n, context).body,
    );
    expect(new Set(bodies).size).toBe(verdictNames.length);
  });

  test("has no trace context without known work", () => {
    const event: DiagnosedEvent = {
      ...bare,
      ...{ type: "diagnosed", verdict: "queued_only", claim: "stuck" },
    };
    const record = toRecord(event, 1n, context);
    expect(record.attributes).toEqual({
      "openclaw.claim": "stuck",
      "openclaw.verdict": "queued_only",
      "openclaw.blockedBy": "none",
    });
    expect(Object.keys(record)).not.toContain("spanId");
  });
});

test("without trace_context no event has a trace id or a span id", () => {
  for (const event of fullEvents) {
    const keys = Object.keys(toRecord(event, 1n, { ...context, hasTraceContext: false }));
    expect(keys.filter((key) => key === "traceId" || key === "spanId")).toEqual([]);
  }
});
