import { OldestFirstMap } from "../../../collections/oldest-first-map.ts";
import type { SignalBatch } from "../../model/signal-batch.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

/** Traces, and sessions, whose waits are remembered: of each at most this many. */
const maxRemembered = 1000;

/**
 * Keeps in which traces and sessions a person was waited for, and when that was last reported. Unlike `Pauses` it also knows
 * waits in runs that arrive only when they have ended. At most 1000 traces and 1000 sessions; at the bound the one reported
 * longest ago is forgotten, and `concerns` answers yes for every run since then.
 */
export class RecentWaits {
  readonly #store: ActivityStore;
  /** The oldest first. */
  readonly #inTraces = new OldestFirstMap<string, number>(maxRemembered);
  readonly #inSessions = new OldestFirstMap<string, number>(maxRemembered);
  /** The latest report among the waits that were forgotten. */
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

  /** The sessions, each as `process:hi:lo`. */
  sessions(): Iterable<string> {
    return this.#inSessions.keys();
  }

  /** A wait for a person, of a span or of a session, has begun or ended. */
  add(batch: SignalBatch, row: number, nowMs: number): void {
    const process = batch.process.get(row);
    if (batch.span0.get(row) !== 0 || batch.span1.get(row) !== 0) {
      const { trace0, trace1, trace2, trace3 } = batch;
      const words = [trace0, trace1, trace2, trace3].map((word) => word.get(row));
      this.#add(this.#inTraces, [process, ...words].join(":"), nowMs);
    }
    const to = batch.referencesTo.get(row);
    for (let reference = batch.referencesFrom.get(row); reference < to; reference++) {
      const words = [batch.referenceHi.get(reference), batch.referenceLo.get(reference)];
      this.#add(this.#inSessions, [process, ...words].join(":"), nowMs);
    }
  }

  /** Whether a wait in the trace or the session of a run was reported at `sinceMs` or later, or may have been. */
  concerns(run: number, sinceMs: number): boolean {
    if (this.#lostMs >= sinceMs) {
      return true; // The forgotten wait may have been of this run.
    }
    const { spans, traces, references } = this.#store;
    const trace = spans.trace.get(run);
    const { process, id0, id1, id2, id3 } = traces;
    const key = [process, id0, id1, id2, id3].map((word) => word.get(trace)).join(":");
    if ((this.#inTraces.get(key) ?? Number.NEGATIVE_INFINITY) >= sinceMs) {
      return true;
    }
    const group = this.#store.groupOf(run);
    for (const [session, atMs] of this.#inSessions.entries()) {
      const [of = 0, hi = 0, lo = 0] = session.split(":").map(Number);
      const waiting = atMs >= sinceMs ? references.groupOf(of, hi, lo) : -1;
      if (waiting !== -1 && waiting === group) {
        return true;
      }
    }
    return false;
  }

  #add(waits: OldestFirstMap<string, number>, key: string, nowMs: number): void {
    const lostMs = waits.set(key, nowMs);
    this.#lostMs = Math.max(this.#lostMs, lostMs ?? Number.NEGATIVE_INFINITY);
  }
}
