import type { ActivityGraph } from "./activity-graph.ts";
import { groupFlags } from "./group-table.ts";
import { type EvictionReason, workKinds } from "./kinds.ts";
import { spanStates } from "./span-table.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Takes markers out of the tracked state: tells of them, fences their group, closes their rows. */
export class Evictions {
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;

  constructor(graph: ActivityGraph, ledger: WorkLedger) {
    this.#graph = graph;
    this.#ledger = ledger;
  }

  /** Evicts open markers of one group. */
  evict(group: number, markers: readonly number[], reason: EvictionReason, atMs: number): void {
    this.fence(group, markers);
    this.tell(markers, reason, this.#graph.groups.channel.get(group), atMs);
    this.close(markers, reason, atMs);
  }

  /** Closes the rows of markers that have been told of. */
  close(markers: readonly number[], reason: EvictionReason, atMs: number): void {
    for (const span of markers) {
      this.#ledger.evict(span, reason, atMs);
    }
  }

  /** Starts from before an eviction come too late from now on. */
  fence(group: number, orphans: readonly number[]): void {
    const { spans, groups, traces } = this.#graph;
    const ownerEndMs = groups.hasFlag(group, groupFlags.loose)
      ? traces.ownerEndMs.get(groups.trace.get(group))
      : groups.ownerEndMs.get(group);
    const lastStartMs = orphans.reduce(
      (latest, span) => Math.max(latest, spans.startMs.get(span)),
      groups.cutoffMs.get(group),
    );
    groups.cutoffMs.set(group, Math.max(lastStartMs, ownerEndMs));
  }

  /**
   * One event for markers that go together. `guess`: as many more are known by number only. Must come
   * before their rows are closed.
   */
  tell(
    markers: readonly number[],
    reason: EvictionReason,
    channel: number,
    atMs: number,
    guess?: { readonly owner: number; readonly guessed: number },
  ): void {
    const { spans, traces } = this.#graph;
    let tools = guess?.guessed ?? 0;
    let oldest = -1;
    let oldestAgeMs = -1;
    let name = 0;
    let oldestToolAgeMs = -1;
    for (const span of markers) {
      const ageMs = this.#ageMs(span, atMs);
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
    const context = oldest !== -1 ? oldest : (guess?.owner ?? -1);
    const trace = context === -1 ? -1 : spans.trace.get(context);
    this.#ledger.events.push({
      type: "evicted",
      reason,
      atMs,
      tools,
      modelCalls: markers.length - (tools - (guess?.guessed ?? 0)),
      ...(oldest === -1 ? {} : { oldestAgeMs }),
      name,
      channel,
      traceId: toBytes([
        traces.id0.get(trace),
        traces.id1.get(trace),
        traces.id2.get(trace),
        traces.id3.get(trace),
      ]),
      spanId: toBytes([spans.id0.get(context), spans.id1.get(context)]),
    });
  }

  /** How old a marker was: by our clock while it is open, by its sender's when it came finished. */
  #ageMs(span: number, atMs: number): number {
    const { spans } = this.#graph;
    return spans.state.get(span) === spanStates.open
      ? atMs - spans.endMs.get(span)
      : Math.max(0, spans.endMs.get(span) - spans.startMs.get(span));
  }
}

function toBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setInt32(index * 4, word);
  });
  return bytes;
}
