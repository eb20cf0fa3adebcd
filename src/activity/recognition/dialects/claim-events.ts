import { type Claim, claimNames } from "../../model/diagnosis.ts";
import { dialects } from "../../model/dialects.ts";
import { type SignalBatch, type SignalRow, signalTypes } from "../../model/signal-batch.ts";
import { type WorkKind, workKinds } from "../../model/work.ts";
import { type ActivityRecord, attributeOf, integerOf, textOf } from "../activity-record.ts";
import { addReferences, type EventContext, sequenceOf, setNamedSpan } from "../event-fields.ts";
import type { LabelValues } from "../label-values.ts";

/** Diagnostic events of a gateway that the relay passes on under the gateway's own names. */
export const claimEventNames = {
  stalled: "session.stalled",
  stuck: "session.stuck",
  longRunning: "session.long_running",
  recoveryRequested: "session.recovery.requested",
  recoveryCompleted: "session.recovery.completed",
  state: "session.state",
  messageQueued: "message.queued",
  evicted: "session.activity.evicted",
} as const;

const names: readonly string[] = Object.values(claimEventNames);

const stateKey = "openclaw.state";
const workKindKey = "openclaw.activeWorkKind";
const toolNameKey = "gen_ai.tool.name";
const queueDepthKey = "openclaw.queueDepth";
const evictedToolsKey = "openclaw.evictedTools";
const evictedModelCallsKey = "openclaw.evictedModelCalls";
const reasonKey = "openclaw.reason";
const statusKey = "openclaw.status";
const idleState = "idle";
/** Reasons of idleness that come from the gateway's registry of runs. */
const runCompleted = "run_completed";
const stuckRecovery = "stuck_recovery";
const recoveredStatuses: ReadonlySet<string> = new Set(["aborted", "released"]);
/** So that a depth + 1 still fits a column. */
const largestCount = 2 ** 31 - 2;

/** What reading a claim takes besides the record. */
export interface ClaimContext extends EventContext {
  readonly tools: LabelValues;
}

/** What a record says, before it is a row. */
interface Reading {
  readonly type: SignalRow["type"];
  readonly claimed?: number;
  readonly completed?: number;
}

/** Whether an event has a name of S9. Whose it is, its scope decides. */
export function isClaimEvent(eventName: string): boolean {
  return names.includes(eventName);
}

/**
 * S9, what a gateway says of its own session: that it hangs, that it was recovered, that it is idle, how many
 * messages wait. One signal a record; none for a state that says nothing of the queue, for then neither an end nor
 * a queue follows from it. A record that names no session and no span, or whose values are of the wrong type, is
 * malformed.
 */
export function addClaimEvent(
  seen: ActivityRecord,
  context: ClaimContext,
  signals: SignalBatch,
): void {
  const reading = readingOf(seen);
  if (reading === undefined) {
    return;
  }
  const row = signals.add({
    type: reading.type,
    dialect: dialects.sessionClaim.storedId,
    kind: reading.type === signalTypes.claim ? workKindOf(seen) : workKinds.other,
    flags: 0,
    ...context.sender,
    startMs: seen.atMs,
    endMs: seen.atMs,
  });
  setNamedSpan(seen, row, signals);
  signals.seq.set(row, sequenceOf(seen));
  signals.reportedOpen.set(row, reading.claimed ?? 0);
  signals.reportedCompleted.set(row, reading.completed ?? 0);
  if (reading.type === signalTypes.claim) {
    const name = Buffer.from(textOf(attributeOf(seen.record.attributes, toolNameKey)));
    signals.name.set(row, context.tools.numberOf(name, 0, name.length));
  }
  addReferences(seen, context, signals);
  const hasSpan = signals.span0.get(row) !== 0 || signals.span1.get(row) !== 0;
  if (!hasSpan && signals.referencesFrom(row) === signals.referencesTo(row)) {
    signals.type.set(row, signalTypes.malformed);
  }
}

/** Undefined when nothing follows from the record. */
function readingOf(seen: ActivityRecord): Reading | undefined {
  const depth = countOf(seen, queueDepthKey);
  if (depth === "malformed") {
    return { type: signalTypes.malformed };
  }
  const completed = depth === undefined ? 0 : depth + 1;
  switch (seen.eventName) {
    case claimEventNames.stalled:
      return claim("stalled", completed);
    case claimEventNames.stuck:
      return claim("stuck", completed);
    case claimEventNames.longRunning:
      return claim("long_running", completed);
    case claimEventNames.recoveryRequested:
      return claim("recovery", completed);
    case claimEventNames.recoveryCompleted:
      return recoveryOf(seen, completed);
    case claimEventNames.state:
      return stateOf(seen, depth);
    case claimEventNames.messageQueued:
      // Without a depth: the message itself waits.
      return { type: signalTypes.queued, completed: Math.max(completed, 2) };
    case claimEventNames.evicted:
      return evictedThere(seen);
    default:
      return undefined;
  }
}

function claim(name: Claim, completed: number): Reading {
  return { type: signalTypes.claim, claimed: claimNames.indexOf(name), completed };
}

/** A recovery that was skipped, or failed, has recovered nothing. */
function recoveryOf(seen: ActivityRecord, completed: number): Reading | undefined {
  const status = textOf(attributeOf(seen.record.attributes, statusKey));
  return status === "" || recoveredStatuses.has(status)
    ? { type: signalTypes.recovered, completed }
    : undefined;
}

/**
 * Only a queue that is known to be empty makes a session idle, and only the end of a run, or a recovery, says that no
 * run is open: 2026.9.6 reports a session idle, too, when it has handled a message beside a run that goes on.
 */
function stateOf(seen: ActivityRecord, depth: number | undefined): Reading | undefined {
  const state = textOf(attributeOf(seen.record.attributes, stateKey));
  if (state === "") {
    return { type: signalTypes.malformed };
  }
  if (depth === undefined) {
    return undefined;
  }
  const reason = textOf(attributeOf(seen.record.attributes, reasonKey));
  const isOfRuns = reason === "" || reason === runCompleted || reason.startsWith(stuckRecovery);
  return state === idleState && depth === 0 && isOfRuns
    ? { type: signalTypes.idle }
    : { type: signalTypes.queued, completed: depth + 1 };
}

function evictedThere(seen: ActivityRecord): Reading {
  const tools = countOf(seen, evictedToolsKey);
  const modelCalls = countOf(seen, evictedModelCallsKey);
  const isMalformed = tools === "malformed" || modelCalls === "malformed";
  return isMalformed || (tools === undefined && modelCalls === undefined)
    ? { type: signalTypes.malformed }
    : { type: signalTypes.evictedBySender, claimed: tools ?? 0, completed: modelCalls ?? 0 };
}

/** Undefined when it is not there. */
function countOf(seen: ActivityRecord, key: string): number | "malformed" | undefined {
  const value = attributeOf(seen.record.attributes, key);
  if (value === undefined) {
    return undefined;
  }
  const count = integerOf(value);
  return count !== undefined && count >= 0 && count <= largestCount ? count : "malformed";
}

/** Of the work that a claim names. A tool may be named without its kind. */
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
