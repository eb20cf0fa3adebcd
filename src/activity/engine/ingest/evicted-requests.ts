import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

interface EvictedRequest {
  readonly evictedAtMs: number;
  /** Process and trace, and the run that asked: their rows may be given up before. */
  readonly trace: readonly number[];
  readonly run0: number;
  readonly run1: number;
}

const cellsPerRequest = 8;

/** Tools that were evicted because they were asked for and did not come, by call: they may come yet. */
export class EvictedRequests {
  readonly #store: ActivityStore;
  readonly #limits: { readonly ttlMs: number; readonly most: number };
  /** The oldest first. */
  readonly #all = new Map<string, EvictedRequest>();
  /** Tools that came, until it is decided how they ended → by how much they were late. */
  readonly #lateByMs = new Map<number, number>();

  /** They are forgotten after `ttlMs`; of more than `most` the oldest are. */
  constructor(store: ActivityStore, limits: { readonly ttlMs: number; readonly most: number }) {
    this.#store = store;
    this.#limits = limits;
  }

  snapshot(io: SnapshotStream): void {
    const keys = io.texts([...this.#all.keys()]);
    const cells = io.numbers(
      [...this.#all.values()].flatMap(({ evictedAtMs, trace, run0, run1 }) => [
        evictedAtMs,
        run0,
        run1,
        ...trace,
      ]),
    );
    const late = io.numbers([...this.#lateByMs].flat());
    if (!io.isLoading) {
      return;
    }
    for (const [at, key] of keys.entries()) {
      const from = at * cellsPerRequest;
      const [evictedAtMs = 0, run0 = 0, run1 = 0, ...trace] = cells.slice(
        from,
        from + cellsPerRequest,
      );
      this.#all.set(key, { evictedAtMs, trace, run0, run1 });
    }
    for (let at = 0; at < late.length; at += 2) {
      this.#lateByMs.set(late[at] ?? -1, late[at + 1] ?? 0);
    }
  }

  /** The tool of a call that `run` was asked for was evicted. */
  add(key: string, run: number, atMs: number): void {
    const { spans, traces } = this.#store;
    const row = spans.trace.get(run);
    const trace = [traces.process, traces.id0, traces.id1, traces.id2, traces.id3].map((column) =>
      column.get(row),
    );
    this.#all.delete(key);
    this.#all.set(key, {
      evictedAtMs: atMs,
      trace,
      run0: spans.id0.get(run),
      run1: spans.id1.get(run),
    });
    if (this.#all.size > this.#limits.most) {
      this.#forgetFirst();
    }
  }

  has(key: string): boolean {
    return this.#all.has(key);
  }

  /** The tool of a call came: by how much it is late, once. Undefined when it was not evicted. */
  take(key: string, nowMs: number): number | undefined {
    const evicted = this.#all.get(key);
    if (evicted === undefined) {
      return undefined;
    }
    this.#all.delete(key);
    const { traces, spans, owners } = this.#store;
    const [process = 0, id0 = 0, id1 = 0, id2 = 0, id3 = 0] = evicted.trace;
    const trace = traces.find(process, id0, id1, id2, id3);
    const run = trace === -1 ? -1 : spans.find(trace, evicted.run0, evicted.run1);
    const owner = run === -1 ? -1 : spans.owner.get(run);
    if (owner !== -1 && owners.unnamed.get(owner) > 0) {
      owners.unnamed.set(owner, owners.unnamed.get(owner) - 1); // It has a name now.
    }
    return nowMs - evicted.evictedAtMs;
  }

  /** A finished tool came that had been evicted. */
  setLateness(span: number, lateByMs: number): void {
    this.#lateByMs.set(span, lateByMs);
  }

  /** By how much a finished tool was late, if it had been evicted before it came; asked once. */
  takeLateness(span: number): number | undefined {
    const lateByMs = this.#lateByMs.get(span);
    this.#lateByMs.delete(span);
    return lateByMs;
  }

  /** Forgets those that have been remembered long enough. Must be called before anything happens at `nowMs`. */
  dropExpired(nowMs: number): void {
    for (const [, { evictedAtMs }] of this.#all) {
      if (evictedAtMs + this.#limits.ttlMs > nowMs) {
        return;
      }
      this.#forgetFirst();
    }
  }

  /** The number of a process is given up. */
  forgetProcess(process: number): void {
    for (const [key, { trace }] of this.#all) {
      if (trace[0] === process) {
        this.#all.delete(key);
      }
    }
  }

  #forgetFirst(): void {
    for (const key of this.#all.keys()) {
      this.#all.delete(key);
      return;
    }
  }
}
