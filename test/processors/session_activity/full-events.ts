import type {
  ActivityEvent,
  DiagnosedEvent,
  EvictedEvent,
  StalledEvent,
} from "../../../src/activity/model/events.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";

const name = Buffer.from("exec");
const values = new LabelValues(10);
const known = values.numberOf(name, 0, name.length);

/** What a record needs besides the event. The tool and the channel of every event below are `exec`. */
export const context = { tools: values, channels: values, hasTraceContext: true };

const sessionRef = 0x0ab1_2345_6789;
const ids = { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2) };
const evidence = {
  verdict: "silent_tool",
  blockedBy: "tool",
  name: known,
  ageMs: 300_000.4,
  silentMs: 130_000.6,
  lastSignal: "tool.start",
  usualP50Ms: 1_500.4,
  usualP99Ms: 9_000,
  ...ids,
} as const;

/** Events with all optional fields. */
export const evicted: EvictedEvent = {
  ...{ type: "evicted", reason: "max_age", confidence: "presumed", atMs: 1, markers: [] },
  ...{ tools: 1, modelCalls: 0, oldestAgeMs: 5, name: known, channel: known, sessionRef },
  ...ids,
};
export const stalled: StalledEvent = {
  ...{ type: "stalled", state: "blocked_tool_call", atMs: 1, channel: known, sessionRef },
  ...{ tools: 2, modelCalls: 1 },
  ...evidence,
};
export const diagnosed: DiagnosedEvent = {
  ...{ type: "diagnosed", claim: "stalled", atMs: 1, channel: known, sessionRef },
  ...evidence,
};

/** One event of each type, in the order of docs/events.md. */
export const fullEvents: readonly ActivityEvent[] = [
  evicted,
  { type: "reconciled", kind: workKinds.tool, lateByMs: 1 },
  { type: "held", cause: "mass_eviction", atMs: 1, markers: 100 },
  stalled,
  { type: "recovered", cause: "progress", atMs: 1, channel: known, sessionRef },
  diagnosed,
];
