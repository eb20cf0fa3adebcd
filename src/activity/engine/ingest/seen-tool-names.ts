import { maxToolNames } from "../../model/work.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

/**
 * Keeps a set of tool names for each process that is remembered: the last `maxToolNames` that were new; `forgetProcess` drops the
 * names of the others.
 */
export class SeenToolNames {
  readonly #names = new Map<number, Set<number>>();

  snapshot(io: SnapshotStream): void {
    const cells = io.numbers(
      [...this.#names].flatMap(([process, names]) => [...names].flatMap((name) => [process, name])),
    );
    for (let at = 0; io.isLoading && at < cells.length; at += 2) {
      this.add(cells[at] ?? 0, cells[at + 1] ?? 0);
    }
  }

  /** Adds the name of a tool that arrived. Name 0 means none and is ignored. */
  add(process: number, name: number): void {
    if (name !== 0) {
      const known = this.#names.get(process) ?? new Set();
      this.#names.set(process, known.add(name));
      for (const oldest of known.size > maxToolNames ? known : []) {
        known.delete(oldest);
        break;
      }
    }
  }

  has(process: number, name: number): boolean {
    return this.#names.get(process)?.has(name) === true;
  }

  /** Must be called before the number of a process is used for another one. */
  forgetProcess(process: number): void {
    this.#names.delete(process);
  }
}
