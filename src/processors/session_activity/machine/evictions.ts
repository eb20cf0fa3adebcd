import { type EvictionReason, toWorkKind } from "../kinds.ts";
import type { EvictedMarker } from "./activity-event.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import { groupFlags } from "./group-table.ts";
import { ageMsOf, summaryOf, traceContextOf } from "./marker-summary.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** Markers that are known by number only. */
export interface Guess {
  readonly count: number;
  /** A run they belong to, or -1. */
  readonly owner: number;
  readonly isInferred: boolean;
}

/** Takes markers out of the tracked state: tells of them, fences their group, closes their rows. */
export class Evictions {
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #tellsMarkers: boolean;

  /** `tellsMarkers`: events carry each marker. */
  constructor(graph: ActivityGraph, ledger: WorkLedger, tellsMarkers: boolean) {
    this.#graph = graph;
    this.#ledger = ledger;
    this.#tellsMarkers = tellsMarkers;
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
    const lastStartSeq = orphans.reduce(
      (latest, span) => Math.max(latest, spans.seq.get(span)),
      groups.cutoffSeq.get(group),
    );
    this.fenceAt(
      group,
      Math.max(lastStartMs, ownerEndMs),
      Math.max(lastStartSeq, groups.ownerEndSeq.get(group)),
    );
  }

  /** Starts of the group up to this moment, by the sender's clock and order, come too late from now on. */
  fenceAt(group: number, cutoffMs: number, cutoffSeq: number): void {
    const { groups } = this.#graph;
    groups.cutoffMs.set(group, Math.max(groups.cutoffMs.get(group), cutoffMs));
    groups.cutoffSeq.set(group, Math.max(groups.cutoffSeq.get(group), cutoffSeq));
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
    guess?: Guess,
  ): void {
    const summary = summaryOf(this.#graph, markers, atMs);
    this.#ledger.events.push({
      type: "evicted",
      reason,
      isInferred: guess?.isInferred ?? false,
      atMs,
      channel,
      ...summary,
      tools: summary.tools + (guess?.count ?? 0),
      ...(markers.length === 0 ? traceContextOf(this.#graph, guess?.owner ?? -1) : {}),
      markers: this.#tellsMarkers ? markers.map((span) => this.#markerOf(span, atMs)) : [],
    });
  }

  #markerOf(span: number, atMs: number): EvictedMarker {
    const { spans } = this.#graph;
    return {
      kind: toWorkKind(spans.kind.get(span)),
      ...traceContextOf(this.#graph, span),
      parentSpanId: traceContextOf(this.#graph, spans.parentOf(span)).spanId,
      startMs: spans.startMs.get(span),
      ageMs: ageMsOf(this.#graph, span, atMs),
      name: spans.name.get(span),
    };
  }
}
