import { Float64Column, Int32Column } from "../../../otlp/columns.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { LinkedLists } from "../store/linked-lists.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { KeyIndex, TableRows } from "../store/table-rows.ts";

const cellsPerCall = 8;

/**
 * Keeps the calls whose tool was evicted because it did not arrive; it may arrive late. At most `most`, each for `ttlMs`: at the
 * bound the oldest is forgotten, and its tool counts as new when it arrives. A queue of rows: a ring, in which a taken call
 * keeps its place, would forget at another moment after a restart, because a snapshot holds no places of taken calls.
 */
export class EvictedRequests {
  readonly #store: ActivityStore;
  readonly #limits: { readonly ttlMs: number; readonly most: number };
  /** The rows in use, the oldest first. */
  readonly #order = new LinkedLists(1);
  readonly #process = new Int32Column();
  readonly #key0 = new Int32Column();
  readonly #key1 = new Int32Column();
  readonly #index: KeyIndex;
  readonly #evictedAtMs = new Float64Column();
  /** Trace and span of the run that asked: their rows may be gone before the call is. */
  readonly #trace0 = new Int32Column();
  readonly #trace1 = new Int32Column();
  readonly #trace2 = new Int32Column();
  readonly #trace3 = new Int32Column();
  readonly #run0 = new Int32Column();
  readonly #run1 = new Int32Column();
  readonly #rows = new TableRows([
    this.#process,
    this.#key0,
    this.#key1,
    this.#evictedAtMs,
    this.#trace0,
    this.#trace1,
    this.#trace2,
    this.#trace3,
    this.#run0,
    this.#run1,
  ]);
  /** Finished tools that were evicted before they arrived, until they are decided → by how much they were late. */
  readonly lateByMs = new Map<number, number>();

  constructor(store: ActivityStore, limits: { readonly ttlMs: number; readonly most: number }) {
    this.#store = store;
    this.#limits = limits;
    this.#index = new KeyIndex([this.#key0, this.#key1, this.#process], store.hash);
  }

  snapshot(io: SnapshotStream): void {
    const rows: number[] = [];
    for (let row = this.#order.first(0); row !== -1; row = this.#order.after(row)) {
      rows.push(row);
    }
    const keys = io.texts(
      rows.map((row) => {
        const words = [this.#process.get(row), this.#key0.get(row), this.#key1.get(row)];
        return words.join(":");
      }),
    );
    const cells = io.numbers(
      rows.flatMap((row) => [
        this.#evictedAtMs.get(row),
        this.#run0.get(row),
        this.#run1.get(row),
        this.#process.get(row),
        this.#trace0.get(row),
        this.#trace1.get(row),
        this.#trace2.get(row),
        this.#trace3.get(row),
      ]),
    );
    const late = io.numbers([...this.lateByMs].flat());
    if (!io.isLoading) {
      return;
    }
    for (const [at, key] of keys.entries()) {
      const [process = 0, key0 = 0, key1 = 0] = key.split(":").map(Number);
      const row = this.#addRow(process, key0, key1);
      const from = at * cellsPerCall;
      const [atMs = 0, run0 = 0, run1 = 0, , trace0 = 0, trace1 = 0, trace2 = 0, trace3 = 0] =
        cells.slice(from, from + cellsPerCall);
      this.#evictedAtMs.set(row, atMs);
      this.#run0.set(row, run0);
      this.#run1.set(row, run1);
      this.#trace0.set(row, trace0);
      this.#trace1.set(row, trace1);
      this.#trace2.set(row, trace2);
      this.#trace3.set(row, trace3);
    }
    for (let at = 0; at < late.length; at += 2) {
      this.lateByMs.set(late[at] ?? -1, late[at + 1] ?? 0);
    }
  }

  /** The tool of a call that `run` was asked for was evicted. The call belongs to the process of the run. */
  add(run: number, key0: number, key1: number, atMs: number): void {
    const { spans, traces } = this.#store;
    const trace = spans.trace.get(run);
    const process = traces.process.get(trace);
    const known = this.#index.find(key0, key1, process, 0, 0);
    if (known !== -1) {
      this.#remove(known);
    }
    const row = this.#addRow(process, key0, key1);
    this.#evictedAtMs.set(row, atMs);
    this.#run0.set(row, spans.id0.get(run));
    this.#run1.set(row, spans.id1.get(run));
    this.#trace0.set(row, traces.id0.get(trace));
    this.#trace1.set(row, traces.id1.get(trace));
    this.#trace2.set(row, traces.id2.get(trace));
    this.#trace3.set(row, traces.id3.get(trace));
    if (this.#rows.size > this.#limits.most) {
      this.#remove(this.#order.first(0));
    }
  }

  /** The hashes of the calls, as `key0:key1`. */
  *hashes(): Generator<string> {
    for (let row = this.#order.first(0); row !== -1; row = this.#order.after(row)) {
      yield `${this.#key0.get(row)}:${this.#key1.get(row)}`;
    }
  }

  has(process: number, key0: number, key1: number): boolean {
    return this.#index.find(key0, key1, process, 0, 0) !== -1;
  }

  /** The tool of a call arrived: returns by how much it is late, once. Undefined when it was not evicted. */
  take(process: number, key0: number, key1: number, nowMs: number): number | undefined {
    const row = this.#index.find(key0, key1, process, 0, 0);
    if (row === -1) {
      return undefined;
    }
    const { traces, spans, owners } = this.#store;
    const trace = traces.find(
      process,
      this.#trace0.get(row),
      this.#trace1.get(row),
      this.#trace2.get(row),
      this.#trace3.get(row),
    );
    const run = trace === -1 ? -1 : spans.find(trace, this.#run0.get(row), this.#run1.get(row));
    const owner = run === -1 ? -1 : spans.owner.get(run);
    if (owner !== -1 && owners.unnamed.get(owner) > 0) {
      owners.unnamed.set(owner, owners.unnamed.get(owner) - 1); // It has a name now.
    }
    this.#remove(row);
    return nowMs - this.#evictedAtMs.get(row);
  }

  /** Forgets the calls that are too old. Must be called before anything happens at `nowMs`. */
  dropExpired(nowMs: number): void {
    for (
      let row = this.#order.first(0);
      row !== -1 && this.#evictedAtMs.get(row) + this.#limits.ttlMs <= nowMs;
      row = this.#order.first(0)
    ) {
      this.#remove(row);
    }
  }

  /** Must be called before the numbers of the processes are used for others. */
  forgetProcesses(processes: ReadonlySet<number>): void {
    for (let row = processes.size === 0 ? -1 : this.#order.first(0); row !== -1; ) {
      const next = this.#order.after(row);
      if (processes.has(this.#process.get(row))) {
        this.#remove(row);
      }
      row = next;
    }
  }

  #addRow(process: number, key0: number, key1: number): number {
    const row = this.#rows.take();
    this.#process.set(row, process);
    this.#key0.set(row, key0);
    this.#key1.set(row, key1);
    this.#index.add(row);
    this.#order.admit(row);
    this.#order.push(0, row);
    return row;
  }

  #remove(row: number): void {
    this.#index.remove(row);
    this.#order.remove(row);
    this.#rows.release(row);
  }
}
