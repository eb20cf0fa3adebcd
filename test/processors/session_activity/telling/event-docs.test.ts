import { describe, expect, test } from "vitest";
import { workKinds } from "../../../../src/processors/session_activity/kinds.ts";
import type { ActivityEvent } from "../../../../src/processors/session_activity/machine/activity-event.ts";
import { LabelValues } from "../../../../src/processors/session_activity/signals/label-values.ts";
import { toRecord } from "../../../../src/processors/session_activity/telling/event-records.ts";
import { textOf } from "../../../support/repository.ts";

const name = Buffer.from("exec");
const values = new LabelValues(10);
const known = values.numberOf(name, 0, name.length);
const ids = { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(1) };
const summary = { tools: 1, modelCalls: 0, oldestAgeMs: 5, name: known, channel: known, ...ids };

/** One of each, with all that it may have. */
const events: readonly ActivityEvent[] = [
  { type: "evicted", reason: "max_age", isInferred: false, atMs: 1, markers: [], ...summary },
  { type: "reconciled", kind: workKinds.tool, lateByMs: 1 },
  { type: "held", cause: "mass_eviction", atMs: 1, markers: 100 },
  { type: "stalled", state: "blocked_tool_call", atMs: 1, silentMs: 1, ...summary },
  { type: "recovered", cause: "progress", atMs: 1, channel: known },
];

/** What the page says of each event: its severity and its attributes. */
const documented = textOf("docs/events.md")
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    eventName: /^`(.+)`$/m.exec(section)?.[1],
    severityText: /Severity ([A-Z]+)\./.exec(section)?.[1],
    attributes: [...section.matchAll(/^\| `([a-z].*?)`/gm)].map(([, key]) => key).sort(),
  }));

describe("docs/events.md", () => {
  test("has every event, its severity and its attributes, and no other", () => {
    const told = events.map((event) => {
      const options = { tools: values, channels: values, hasTraceContext: true };
      const { eventName, severityText, attributes } = toRecord(event, 1n, options);
      return { eventName, severityText, attributes: Object.keys(attributes).sort() };
    });
    expect(documented).toEqual(told);
  });
});
