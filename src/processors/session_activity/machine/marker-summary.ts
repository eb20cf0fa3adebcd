import { workKinds } from "../kinds.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import { spanStates } from "./span-table.ts";

/** What an event says of several markers. */
export interface MarkerSummary {
  readonly tools: number;
  readonly modelCalls: number;
  /** Absent when there is no marker. */
  readonly oldestAgeMs?: number;
  /** Interned tool name of the oldest tool, 0 for none. */
  readonly name: number;
  /** Of the oldest marker; zeros when there is none. */
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

/** Ages are by arrival while a marker is open, by its sender's clock when it came finished. */
export function summaryOf(
  graph: ActivityGraph,
  markers: readonly number[],
  atMs: number,
): MarkerSummary {
  const { spans } = graph;
  let tools = 0;
  let oldest = -1;
  let oldestAgeMs = -1;
  let name = 0;
  let oldestToolAgeMs = -1;
  for (const span of markers) {
    const ageMs = ageMsOf(graph, span, atMs);
    if (ageMs > oldestAgeMs) {
      oldestAgeMs = ageMs;
      oldest = span;
    }
    if (spans.kind.get(span) === workKinds.tool) {
      tools++;
      if (ageMs > oldestToolAgeMs) {
        oldestToolAgeMs = ageMs;
        name = spans.name.get(span);
      }
    }
  }
  return {
    tools,
    modelCalls: markers.length - tools,
    ...(oldest === -1 ? {} : { oldestAgeMs }),
    name,
    ...traceContextOf(graph, oldest),
  };
}

/** The ids of a span as OTLP has them; zeros for -1. */
export function traceContextOf(
  { spans, traces }: ActivityGraph,
  span: number,
): { readonly traceId: Uint8Array; readonly spanId: Uint8Array } {
  const trace = span === -1 ? -1 : spans.trace.get(span);
  return {
    traceId: toBytes([
      traces.id0.get(trace),
      traces.id1.get(trace),
      traces.id2.get(trace),
      traces.id3.get(trace),
    ]),
    spanId: toBytes([spans.id0.get(span), spans.id1.get(span)]),
  };
}

/** How old a marker was at `atMs`. */
export function ageMsOf({ spans }: ActivityGraph, span: number, atMs: number): number {
  return spans.state.get(span) === spanStates.open
    ? atMs - spans.startedAtMs.get(span)
    : Math.max(0, spans.endMs.get(span) - spans.startMs.get(span));
}

function toBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  let at = 0;
  for (const word of words) {
    bytes[at++] = word >>> 24;
    bytes[at++] = word >>> 16;
    bytes[at++] = word >>> 8;
    bytes[at++] = word;
  }
  return bytes;
}
