import type { EndEvent, StartEvent, WorkKind } from "./activity-event.ts";
import type { SpanRecord } from "./activity-record.ts";
import { lowCardinality } from "./low-cardinality.ts";
import type { RunTree } from "./run-tree.ts";

/** One piece of work as the relay remembers it. */
export interface Work {
  readonly kind: WorkKind;
  readonly traceId: string;
  readonly spanId: string;
  /** What it runs below. Set later when a harness makes itself known after its run. */
  parent: Work | undefined;
  /** How many ancestors it has. */
  readonly depth: number;
  /** Pseudonym. */
  readonly session: string;
  /** Of its start; when its start was never seen, as its end tells. */
  readonly startMs: number;
  readonly seq: number;
  /** OpenClaw's own span id, raw. */
  readonly traceSpanId: string | undefined;
  /** Tool-call id or model-call id, raw. */
  readonly callId: string | undefined;
  /** What starts and ends of it have in common within its tree; holds raw ids. */
  readonly key: string;
  readonly tree: RunTree;
  readonly dimensions: Pick<SpanRecord, "name" | "channel" | "provider" | "model">;
  /** The complete span, once it has ended. */
  ending: SpanRecord | undefined;
}

/** Builds a piece of work that is still open. */
export function createWork(
  event: StartEvent | EndEvent,
  place: {
    readonly traceId: string;
    readonly spanId: string;
    readonly parent: Work | undefined;
    readonly session: string;
    readonly tree: RunTree;
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
    key: keyOf(event),
    tree: place.tree,
    dimensions: present({
      name: lowCardinality(event.name),
      channel: lowCardinality(event.channel),
      provider: lowCardinality(event.provider),
      model: lowCardinality(event.model),
    }),
    ending: undefined,
  };
}

/** What starts and ends of one piece of work share, beside their run id. */
export function keyOf(event: StartEvent | EndEvent): string {
  return isOwner(event)
    ? event.kind
    : `${event.kind}\0${event.callId ?? `${event.name ?? event.provider}\0${event.model}`}`;
}

/** The span that says that `work` is open. */
export function startRecord(work: Work): SpanRecord {
  return {
    signal: "span",
    phase: "start",
    kind: work.kind,
    traceId: work.traceId,
    spanId: work.spanId,
    parentSpanId: work.parent?.spanId ?? "",
    startMs: work.startMs,
    endMs: 0,
    session: work.session,
    seq: work.seq,
    isError: false,
    ...work.dimensions,
  };
}

/** The complete span. It never ends before it began, whatever the clock did. */
export function endRecord(work: Work, event: EndEvent): SpanRecord {
  return {
    ...startRecord(work),
    phase: "end",
    endMs: Math.max(work.startMs, event.atMs),
    seq: event.seq,
    isError: event.isError,
    ...present({
      outcome: lowCardinality(event.outcome),
      errorCategory: lowCardinality(event.errorCategory),
    }),
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

export function isOwner({ kind }: { readonly kind: WorkKind }): boolean {
  return kind === "harness" || kind === "run";
}

function present<K extends string>(
  values: Readonly<Record<K, string | undefined>>,
): Partial<Record<K, string>> {
  const kept: Partial<Record<K, string>> = {};
  for (const key in values) {
    const value = values[key];
    if (value !== undefined) {
      kept[key] = value;
    }
  }
  return kept;
}
