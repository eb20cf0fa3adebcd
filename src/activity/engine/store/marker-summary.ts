import type { MarkerSummary } from "../../model/events.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "./activity-store.ts";

const unknownAge = -1;

/** What the event of evicted markers reports of them, by their ages. A marker of unknown age counts as the youngest. */
export function summaryOf(
  store: ActivityStore,
  markers: readonly number[],
  agesMs: readonly (number | undefined)[],
): MarkerSummary {
  const { spans } = store;
  let tools = 0;
  let oldest = -1;
  let oldestAgeMs = Number.NEGATIVE_INFINITY;
  let name = 0;
  let oldestToolAgeMs = Number.NEGATIVE_INFINITY;
  for (const [at, span] of markers.entries()) {
    const ageMs = agesMs[at] ?? unknownAge;
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
    ...(oldestAgeMs < 0 ? {} : { oldestAgeMs }),
    name,
    ...traceContextOf(store, oldest),
  };
}

/** The ids of a span as in OTLP; all zeros for -1. */
export function traceContextOf(
  { spans, traces }: ActivityStore,
  span: number,
): { readonly traceId: Uint8Array; readonly spanId: Uint8Array } {
  const trace = span === -1 ? -1 : spans.trace.get(span);
  const words = [
    traces.id0.get(trace),
    traces.id1.get(trace),
    traces.id2.get(trace),
    traces.id3.get(trace),
    spans.id0.get(span),
    spans.id1.get(span),
  ];
  const bytes = new Uint8Array(24);
  let at = 0;
  for (const word of words) {
    bytes[at++] = word >>> 24;
    bytes[at++] = word >>> 16;
    bytes[at++] = word >>> 8;
    bytes[at++] = word;
  }
  return { traceId: bytes.slice(0, 16), spanId: bytes.slice(16) };
}
