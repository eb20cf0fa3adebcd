import type { SnapshotStream } from "../store/snapshot.ts";

/** Per process, the names of tools that have come when they were asked for. */
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

  /** A tool of this name came when it was asked for. 0 is no name. */
  add(process: number, name: number): void {
    if (name !== 0) {
      const known = this.#names.get(process) ?? new Set();
      this.#names.set(process, known.add(name));
    }
  }

  has(process: number, name: number): boolean {
    return this.#names.get(process)?.has(name) === true;
  }

  *names(): Generator<number> {
    for (const names of this.#names.values()) {
      yield* names;
    }
  }

  forgetProcess(process: number): void {
    this.#names.delete(process);
  }
}
