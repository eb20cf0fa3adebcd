import { type Claim, claimNames } from "../../model/diagnosis.ts";
import { dialects } from "../../model/dialects.ts";
import { type SignalRow, signalTypes } from "../../model/signal-batch.ts";
import { type WorkKind, workKinds } from "../../model/work.ts";
import { type ActivityRecord, attributeOf, integerOf, textOf } from "../activity-record.ts";
import { addReferences, addSessionEvent, setNamedSpan } from "../event-fields.ts";
import type { LogDialect } from "./log-dialect.ts";
import { relayScopeName } from "./sender-scopes.ts";

const stateKey = "openclaw.state";
const workKindKey = "openclaw.activeWorkKind";
const toolNameKey = "gen_ai.tool.name";
const queueDepthKey = "openclaw.queueDepth";
const evictedToolsKey = "openclaw.evictedTools";
const evictedModelCallsKey = "openclaw.evictedModelCalls";
const reasonKey = "openclaw.reason";
const statusKey = "openclaw.status";
const idleState = "idle";
/** Reasons for being idle that come from the gateway's registry of runs. */
const runCompleted = "run_completed";
const stuckRecovery = "stuck_recovery";
const recoveredStatuses: ReadonlySet<string> = new Set(["aborted", "released"]);
/** A depth + 1 still fits a column. */
const largestCount = 2 ** 31 - 2;

/** What is read of one record. The fields are those of `signalTypes`. */
interface Reading {
  readonly type: SignalRow["type"];
  readonly claimed?: number;
  readonly completed?: number;
}

const malformed: Reading = { type: signalTypes.malformed };

/** How the record of each event name is read. Undefined when nothing follows from it. `depth`: how many messages wait. */
const readers: Readonly<
  Record<string, (record: ActivityRecord, depth: number | undefined) => Reading | undefined>
> = {
  "session.stalled": (_, depth) => claim("stalled", depth),
  "session.stuck": (_, depth) => claim("stuck", depth),
  "session.long_running": (_, depth) => claim("long_running", depth),
  "session.recovery.requested": (_, depth) => claim("recovery", depth),
  "session.recovery.completed": readRecovery,
  "session.state": readState,
  // The message itself waits, even if the record has no depth.
  "message.queued": (_, depth) => ({
    type: signalTypes.queued,
    completed: Math.max(toCompleted(depth), 2),
  }),
  "session.activity.evicted": readEvicted,
};

/**
 * S9, what a gateway reports of its own sessions, under its own event names and through the relay: a session hangs, was
 * recovered, is idle, has so many messages waiting. One signal a record; none for a state without the length of the queue,
 * from which neither an end nor a queue follows. A record that names neither session nor span, or has a value of the wrong
 * type, is malformed.
 */
export const claimEvents: LogDialect = {
  dialect: dialects.sessionClaim.storedId,
  eventNames: Object.keys(readers),
  scopes: [relayScopeName],
  needles: ["session.", "message.queued"],
  consumption: "unless_forwarded",
  read(record, context, signals) {
    const depth = countOf(record, queueDepthKey);
    const reading = depth === "malformed" ? malformed : readers[record.eventName]?.(record, depth);
    if (reading === undefined) {
      return;
    }
    const row = addSessionEvent(reading.type, record, context, signals);
    setNamedSpan(record, row, signals);
    signals.reportedOpen.set(row, reading.claimed ?? 0);
    signals.reportedCompleted.set(row, reading.completed ?? 0);
    if (reading.type === signalTypes.claim) {
      signals.kind.set(row, workKindOf(record));
      const name = Buffer.from(textOf(attributeOf(record.record.attributes, toolNameKey)));
      signals.name.set(row, context.tools.numberOf(name, 0, name.length));
    }
    addReferences(record, context, signals);
    const hasSpan = signals.span0.get(row) !== 0 || signals.span1.get(row) !== 0;
    if (!hasSpan && signals.referencesFrom.get(row) === signals.referencesTo.get(row)) {
      signals.type.set(row, signalTypes.malformed);
    }
  },
};

function claim(name: Claim, depth: number | undefined): Reading {
  return {
    type: signalTypes.claim,
    claimed: claimNames.indexOf(name),
    completed: toCompleted(depth),
  };
}

function toCompleted(depth: number | undefined): number {
  return depth === undefined ? 0 : depth + 1;
}

/** Only a completed recovery counts: one that was skipped, or failed, has recovered nothing. */
function readRecovery(record: ActivityRecord, depth: number | undefined): Reading | undefined {
  const status = textOf(attributeOf(record.record.attributes, statusKey));
  return status === "" || recoveredStatuses.has(status)
    ? { type: signalTypes.recovered, completed: toCompleted(depth) }
    : undefined;
}

/**
 * A session is idle only if its queue is known to be empty, and only if a run has ended or was recovered: OpenClaw 2026.9.6
 * also reports a session idle that has handled a message beside an open run.
 */
function readState(record: ActivityRecord, depth: number | undefined): Reading | undefined {
  const state = textOf(attributeOf(record.record.attributes, stateKey));
  if (state === "") {
    return malformed;
  }
  if (depth === undefined) {
    return undefined;
  }
  const reason = textOf(attributeOf(record.record.attributes, reasonKey));
  const isOfRuns = reason === "" || reason === runCompleted || reason.startsWith(stuckRecovery);
  return state === idleState && depth === 0 && isOfRuns
    ? { type: signalTypes.idle }
    : { type: signalTypes.queued, completed: depth + 1 };
}

function readEvicted(record: ActivityRecord): Reading {
  const tools = countOf(record, evictedToolsKey);
  const modelCalls = countOf(record, evictedModelCallsKey);
  const isMalformed = tools === "malformed" || modelCalls === "malformed";
  return isMalformed || (tools === undefined && modelCalls === undefined)
    ? malformed
    : { type: signalTypes.evictedBySender, claimed: tools ?? 0, completed: modelCalls ?? 0 };
}

/** Undefined when the record does not have it. */
function countOf({ record }: ActivityRecord, key: string): number | "malformed" | undefined {
  const value = attributeOf(record.attributes, key);
  if (value === undefined) {
    return undefined;
  }
  const count = integerOf(value);
  return count !== undefined && count >= 0 && count <= largestCount ? count : "malformed";
}

/** The kind of the work that a claim names. A tool may be named without its kind. */
function workKindOf({ record }: ActivityRecord): WorkKind {
  switch (textOf(attributeOf(record.attributes, workKindKey))) {
    case "tool_call":
      return workKinds.tool;
    case "model_call":
      return workKinds.modelCall;
    case "embedded_run":
      return workKinds.run;
    default:
      return attributeOf(record.attributes, toolNameKey) === undefined
        ? workKinds.other
        : workKinds.tool;
  }
}
