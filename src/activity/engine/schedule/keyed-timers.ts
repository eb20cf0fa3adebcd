import type { SnapshotStream } from "../store/snapshot.ts";
import { TimingWheel } from "./timing-wheel.ts";

/**
 * A timing wheel whose deadlines may move either way until they fire, also while they are in the `DueQueue`: an entry there whose
 * deadline has moved since is no longer current, and is ignored. Keeps at most one deadline for each item (the row of a table,
 * which bounds them).
 */
export class KeyedTimers extends TimingWheel {
  /** Items whose current deadline is in the due queue → that deadline. */
  readonly #queued = new Map<number, number>();

  override snapshot(io: SnapshotStream): void {
    super.snapshot(io, io.number(this.items));
    const queued = io.numbers([...this.#queued].flat());
    for (let at = 0; io.isLoading && at < queued.length; at += 2) {
      this.#queued.set(queued[at] ?? -1, queued[at + 1] ?? 0);
    }
  }

  /** Sets the deadline of an item unless it has an earlier one. */
  schedule(item: number, dueMs: number): void {
    const current = this.currentOf(item);
    if (current === undefined || current > dueMs) {
      this.set(item, dueMs);
    }
  }

  override postpone(item: number, dueMs: number): void {
    const current = this.currentOf(item);
    if (current === undefined || current < dueMs) {
      this.set(item, dueMs);
    }
  }

  override cancel(item: number): void {
    this.#queued.delete(item);
    super.cancel(item);
  }

  /** The deadline of an item; undefined when it has none. */
  currentOf(item: number): number | undefined {
    const queuedMs = this.#queued.get(item);
    return queuedMs === undefined && this.isSet(item) ? super.dueMsOf(item) : queuedMs;
  }

  /** Whether an entry of the due queue is current. */
  isCurrent(item: number, dueMs: number): boolean {
    return this.#queued.get(item) === dueMs;
  }

  /** Removes the deadline of an item whose entry was taken from the due queue. False when the entry is not current. */
  fire(item: number, dueMs: number): boolean {
    return this.#queued.get(item) === dueMs && this.#queued.delete(item);
  }

  override due(untilMs: number, into: number[]): void {
    const before = into.length;
    super.due(untilMs, into);
    for (let at = before; at < into.length; at++) {
      const item = into[at] ?? -1;
      this.#queued.set(item, super.dueMsOf(item));
    }
  }
}
