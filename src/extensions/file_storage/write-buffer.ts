import { Group } from "./format.ts";
import type { GroupEnd, LogSegment, Placed } from "./log-segment.ts";

/**
 * The records of a log on their way to the disk. It keeps two groups, one that is being written and one that is filled meanwhile, each
 * of at most 32 MiB.
 */
export class WriteBuffer {
  #filling = new Group();
  #spare = new Group();
  /** The write in progress. */
  #flight: Placed | undefined;

  /** How many records wait for the next write. */
  get count(): number {
    return this.#filling.count;
  }

  /** The length of the next write's frame. */
  get byteLength(): number {
    return this.#filling.byteLength;
  }

  /** Copies a record for the next write. Returns `false` and does nothing if there is no room for it. */
  add(record: Uint8Array): boolean {
    return this.#filling.add(record);
  }

  /**
   * Writes the records added so far to the end of a segment; records that are added meanwhile wait for the next call. One call at a
   * time. Rejects with the system's error, and forgets the records then, too.
   */
  async write(segment: LogSegment, end: GroupEnd): Promise<Placed> {
    const group = this.#filling;
    const placed = segment.place(group, end);
    this.#flight = placed;
    this.#filling = this.#spare;
    try {
      await placed.file.write(placed.parts, placed.position);
      return placed;
    } finally {
      this.#flight = undefined;
      group.clear();
      this.#spare = group;
    }
  }

  /** As `write`, but blocks, throws, and also completes the write in progress. */
  writeNow(segment: LogSegment, end: GroupEnd): Placed {
    if (this.#flight !== undefined) {
      // The same bytes at the same position, so the order of the two writes does not matter.
      const { file, parts, position } = this.#flight;
      file.writeNow(parts, position);
    }
    const placed = segment.place(this.#filling, end);
    placed.file.writeNow(placed.parts, placed.position);
    this.#filling.clear();
    return placed;
  }
}
