import type { ActivityEvent, EvictedMarker } from "../../model/events.ts";
import { type ActivityLimits, mostSearched } from "../../model/limits.ts";
import { type Confidence, type EvictionReason, reasons } from "../../model/reasons.ts";
import { toWorkKind } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { summaryOf, traceContextOf } from "../store/marker-summary.ts";
import type { OpenWork } from "../store/open-work.ts";
import { runElsewhere } from "../store/other-processes.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import { spanFlags } from "../store/span-table.ts";

/** Why and when markers of one session are evicted. */
export interface Eviction {
  readonly reason: EvictionReason;
  /** Where it is not that of the reason. */
  readonly confidence?: Confidence;
  /** Interned channel of the session, 0 for none. */
  readonly channel: number;
  readonly atMs: number;
}

/** Tools that have no row of their own. */
export interface UnnamedMarkers {
  readonly count: number;
  /** The span that the event names: a run they belong to, or the one of them that is known; -1 for none. */
  readonly about: number;
  /** Interned name of the tool that was requested first, 0 where none was. */
  readonly name: number;
}

/** What it needs of the engine. */
interface EvictionsParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly events: ActivityEvent[];
}

/** Evicts markers: emits one event for those that go together, and closes their rows. Keeps nothing. */
export class Evictions {
  readonly #parts: EvictionsParts;

  constructor(parts: EvictionsParts) {
    this.#parts = parts;
  }

  /** The channel of a span's session, 0 for none. */
  channelOf(span: number): number {
    const group = this.#parts.store.groupOf(span);
    return group === -1 ? 0 : this.#parts.store.groups.channel.get(group);
  }

  /** Evicts open markers of one session. */
  evict(markers: readonly number[], eviction: Eviction): void {
    this.emit(markers, eviction);
    this.close(markers, eviction.reason, eviction.atMs);
  }

  /** Closes the rows of markers whose event was emitted. */
  close(markers: readonly number[], reason: EvictionReason, atMs: number): void {
    for (const span of markers) {
      this.#parts.openWork.evict(span, reason, atMs);
    }
  }

  /**
   * Emits one event for markers that go together, whose rows are not closed yet, and for `unnamed` tools. Those of which it is a guess that
   * they are markers, or that what they belong to is a run, have an event of their own: they are presumed to be orphans, whatever the
   * reason.
   */
  emit(markers: readonly number[], eviction: Eviction, unnamed?: UnnamedMarkers): void {
    const guessed = markers.filter((marker) => this.#isGuess(marker, eviction.reason));
    if (guessed.length === 0) {
      this.#emitOne(markers, eviction, unnamed);
      return;
    }
    const isOneOf = new Set(guessed);
    const sure = markers.filter((marker) => !isOneOf.has(marker));
    if (sure.length > 0 || unnamed !== undefined) {
      this.#emitOne(sure, eviction, unnamed);
    }
    this.#emitOne(guessed, { ...eviction, confidence: "presumed" });
  }

  #emitOne(markers: readonly number[], eviction: Eviction, unnamed?: UnnamedMarkers): void {
    const { store, limits, events } = this.#parts;
    const { reason, channel, atMs } = eviction;
    const agesMs: (number | undefined)[] = [];
    for (const span of markers) {
      agesMs.push(this.#ageMsOf(span, atMs));
    }
    const summary = summaryOf(store, markers, agesMs);
    const about = markers[0] ?? unnamed?.about ?? -1;
    const group = about === -1 ? -1 : store.groupOf(about);
    events.push({
      type: "evicted",
      reason,
      confidence: eviction.confidence ?? reasons[reason].confidence,
      atMs,
      ...store.shownOf(group),
      channel,
      ...summary,
      tools: summary.tools + (unnamed?.count ?? 0),
      ...(markers.length === 0
        ? { name: unnamed?.name ?? 0, ...traceContextOf(store, unnamed?.about ?? -1) }
        : {}),
      markers: limits.includesMarkers
        ? markers.map((span, at) => this.#markerOf(span, agesMs[at] ?? 0))
        : [],
    });
  }

  /** By arrival while it is open, by its sender's clock when it arrived finished. */
  #ageMsOf(span: number, atMs: number): number | undefined {
    const { spans, downtime } = this.#parts.store;
    return spans.state.get(span) === spanStates.open
      ? downtime.elapsedMs(spans.startedAtMs.get(span), atMs)
      : this.#parts.openWork.durations.ofFinished(span, atMs);
  }

  #markerOf(span: number, ageMs: number): EvictedMarker {
    const { spans } = this.#parts.store;
    return {
      kind: toWorkKind(spans.kind.get(span)),
      ...traceContextOf(this.#parts.store, span),
      parentSpanId: traceContextOf(this.#parts.store, spans.parentOf(span)).spanId,
      startMs: spans.startMs.get(span),
      ageMs,
      name: spans.name.get(span),
    };
  }

  /**
   * Whether it is a guess that a span is a marker, that the nearest run above it is a run, or, where that arrived from another process of the
   * trace, that its end ends the work of this one.
   */
  #isGuess(marker: number, reason: EvictionReason): boolean {
    const { store, limits } = this.#parts;
    const { spans, tree } = store;
    if (spans.hasFlag(marker, spanFlags.guessed)) {
      return true;
    }
    if (reason !== "orphaned_no_owner") {
      return false; // The end of a run is no reason.
    }
    const own = tree.runAbove(marker);
    if (own !== -1 || !limits.holdsAcrossProcesses) {
      return own !== -1 && spans.hasFlag(own, spanFlags.guessed);
    }
    const elsewhere = runElsewhere(store, marker, mostSearched(limits));
    return (
      elsewhere >= 0 && (limits.presumesElsewhere || spans.hasFlag(elsewhere, spanFlags.guessed))
    );
  }
}
