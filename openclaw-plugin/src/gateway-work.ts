import type { WorkEvent, WorkKind } from "./gateway-event.ts";
import { lowCardinality } from "./low-cardinality.ts";
import type { SpanRecord } from "./relay-record.ts";

/** The part of a `RunTree` that its work uses. */
export interface WorkTree {
  readonly id: string;
  /** The newest tool that starts sub-agents, open or ended. */
  readonly spawner: Work | undefined;
  /** Removes work from the open work, because it ended or is forgotten. */
  close(work: Work): void;
}

/** One piece of work as the relay remembers it. */
export interface Work {
  readonly kind: WorkKind;
  readonly traceId: string;
  readonly spanId: string;
  /** The work it runs below. It is set later when the event of a harness arrives after that of its run. */
  parent: Work | undefined;
  /** How many ancestors it has. */
  readonly depth: number;
  /** Pseudonym. */
  readonly session: string;
  /** When it started: from its start event or, if that never arrived, from its end event. */
  readonly startMs: number;
  readonly seq: number;
  /** OpenClaw's own span id, raw. */
  readonly traceSpanId: string | undefined;
  /** Tool-call id or model-call id, raw. */
  readonly callId: string | undefined;
  /** The same for its start and its end within its tree; contains raw ids. */
  readonly key: string;
  readonly tree: WorkTree;
  readonly name: string | undefined;
  readonly channel: string | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** The complete span, once it has ended. */
  ending: SpanRecord | undefined;
  /** When its progress was last sent, by the clock of the events. */
  progressMs: number;
}

/** Builds a piece of work that is still open. */
export function createWork(
  event: WorkEvent,
  place: {
    readonly traceId: string;
    readonly spanId: string;
    readonly parent: Work | undefined;
    readonly session: string;
    readonly tree: WorkTree;
  },
): Work {
  return {
    kind: event.kind,
    traceId: place.traceId,
    spanId: place.spanId,
    parent: place.parent,
    depth: place.parent === undefined ? 0 : place.parent.depth + 1,
    session: place.session,
    startMs: event.type === "start" ? event.atMs : event.atMs - Math.max(0, event.durationMs ?? 0),
    seq: event.seq,
    traceSpanId: event.traceSpanId,
    callId: event.callId,
    key: event.key,
    tree: place.tree,
    name: lowCardinality(event.name),
    channel: lowCardinality(event.channel),
    provider: lowCardinality(event.provider),
    model: lowCardinality(event.model),
    ending: undefined,
    progressMs: Number.NEGATIVE_INFINITY,
  };
}

/** The live span of open work. */
export function startRecord(work: Work): SpanRecord {
  return recordOf(work, undefined);
}

/** The live span of open work that made progress. */
export function progressRecord(work: Work, seq: number): SpanRecord {
  return { ...startRecord(work), isProgress: true, seq };
}

/** The complete span. It never ends before it began, even if the clock was set back. */
export function endRecord(work: Work, event: WorkEvent): SpanRecord {
  return recordOf(work, event);
}

// One literal for both, so that all records have one shape: there are thousands of them per second.
function recordOf(work: Work, event: WorkEvent | undefined): SpanRecord {
  return {
    signal: "span",
    phase: event === undefined ? "start" : "end",
    isProgress: false,
    kind: work.kind,
    traceId: work.traceId,
    spanId: work.spanId,
    parentSpanId: work.parent?.spanId ?? "",
    startMs: work.startMs,
    endMs: event === undefined ? 0 : Math.max(work.startMs, event.atMs),
    session: work.session,
    seq: event === undefined ? work.seq : event.seq,
    isError: event?.isError ?? false,
    name: work.name,
    outcome: lowCardinality(event?.outcome),
    errorCategory: lowCardinality(event?.errorCategory),
    channel: work.channel,
    provider: work.provider,
    model: work.model,
  };
}

/** The run or harness run it belongs to; itself when it is one. */
export function ownerOf(work: Work): Work | undefined {
  let at: Work | undefined = work;
  while (at !== undefined && !isOwner(at)) {
    at = at.parent;
  }
  return at;
}

/** Whether `work` is `of` or belongs to it: to a tool, or to a run or harness run, but not to a sub-agent below. */
export function isOfRun(work: Work, of: Work): boolean {
  let at: Work | undefined = work;
  while (at !== undefined && at !== of) {
    at = isTop(at) ? undefined : at.parent;
  }
  return at !== undefined;
}

function isTop({ kind, parent }: Work): boolean {
  return kind === "harness" || (kind === "run" && parent?.kind !== "harness");
}

export function isOwner({ kind }: { readonly kind: WorkKind }): boolean {
  return kind === "harness" || kind === "run";
}
