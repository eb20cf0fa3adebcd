import type { SignalBatch } from "../../model/signal-batch.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

/** Traces, and sessions, that are remembered to have waited for a person. */
const maxRemembered = 1000;

/**
 * Where a person was waited for, and when that was last reported. Unlike `Pauses` it also knows waits in runs that arrive
 * only when they have ended.
 */
export class RecentWaits {
  readonly #store: ActivityStore;
  /** The oldest first. */
  readonly #inTraces = new Map<string, number>();
  readonly #inSessions = new Map<string, number>();
  /** When a wait that was forgotten had been reported last. */
  #lostMs = Number.NEGATIVE_INFINITY;

  constructor(store: ActivityStore) {
    this.#store = store;
  }

  snapshot(io: SnapshotStream): void {
    this.#lostMs = io.number(this.#lostMs);
    for (const waits of [this.#inTraces, this.#inSessions]) {
      const keys = io.texts([...waits.keys()]);
      const atMs = io.numbers([...waits.values()]);
      for (const [at, key] of io.isLoading ? keys.entries() : []) {
        waits.set(key, atMs[at] ?? 0);
      }
    }
  }

  /** A wait for a person, of a span or of a session, has begun or ended. */
  add(batch: SignalBatch, row: number, nowMs: number): void {
    const process = batch.process.get(row);
    if (batch.span0.get(row) !== 0 || batch.span1.get(row) !== 0) {
      const { trace0, trace1, trace2, trace3 } = batch;
      const words = [trace0, trace1, trace2, trace3].map((word) => word.get(row));
      this.#add(this.#inTraces, [process, ...words].join(":"), nowMs);
    }
    const to = batch.referencesTo(row);
    for (let reference = batch.referencesFrom(row); reference < to; reference++) {
      const words = [batch.referenceHi(reference), batch.referenceLo(reference)];
      this.#add(this.#inSessions, [process, ...words].join(":"), nowMs);
    }
  }

  /** Whether the trace of a run, or its session, was reported to wait, or to wait no longer, at `sinceMs` or later. */
  concerns(run: number, sinceMs: number): boolean {
    if (this.#lostMs >= sinceMs) {
      return true; // It may have been this one.
    }
    const { spans, traces, references } = this.#store;
    const trace = spans.trace.get(run);
    const { process, id0, id1, id2, id3 } = traces;
    const key = [process, id0, id1, id2, id3].map((word) => word.get(trace)).join(":");
    if ((this.#inTraces.get(key) ?? Number.NEGATIVE_INFINITY) >= sinceMs) {
      return true;
    }
    const group = this.#store.groupOf(run);
    for (const [session, atMs] of this.#inSessions) {
      const [of = 0, hi = 0, lo = 0] = session.split(":").map(Number);
      const reference = atMs >= sinceMs ? references.find(of, hi, lo) : -1;
      if (reference !== -1 && references.group.get(reference) === group) {
        return true;
      }
    }
    return false;
  }

  #add(waits: Map<string, number>, key: string, nowMs: number): void {
    waits.delete(key);
    waits.set(key, nowMs);
    for (const [oldest, atMs] of waits.size > maxRemembered ? waits : []) {
      waits.delete(oldest);
      this.#lostMs = Math.max(this.#lostMs, atMs);
      break;
    }
  }
}
