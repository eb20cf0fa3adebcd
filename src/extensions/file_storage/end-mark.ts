import { join } from "node:path";
import type { Disk, DiskFile } from "./disk.ts";
import { endMarkName } from "./file-names.ts";
import { decodeFileHeader, encodeFileHeader, fileHeaderBytes } from "./format.ts";

export interface EndMarkOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly clock: { unixMs(): number };
}

/**
 * Remembers in a file of its own how far the log is on the disk, so that the next start notices when the end of the log is gone. It is
 * written after the sync, so it never claims more than the log has. A mark that cannot be written is no failure: without one, or with
 * an old one, less is noticed. It keeps the open file and three numbers.
 */
export class EndMark {
  readonly #options: EndMarkOptions;
  #file: DiskFile | undefined;
  /** The number that the file has, and the one that it shall have. */
  #marked = 0;
  #wanted = 0;
  /** What it was given meanwhile, if it waits for a snapshot. */
  #held: number | undefined;
  #running: Promise<void> | undefined;

  constructor(options: EndMarkOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Opens or creates the file. It must not say more than this number from then on. Never rejects. */
  async open(sequence: number): Promise<void> {
    const { disk, directory } = this.#options;
    const path = join(directory, endMarkName);
    await this.close();
    this.#marked = await readEndMark(this.#options);
    this.#wanted = Math.min(this.#marked, sequence);
    this.#file = await disk
      .open(path)
      .catch(() => disk.create(path))
      .catch(() => undefined);
    this.#start();
    await this.#running;
  }

  /** The records before this number are on the disk. The file says so soon. */
  set(sequence: number): void {
    if (this.#held !== undefined) {
      this.#held = Math.max(this.#held, sequence);
    } else if (sequence > this.#wanted) {
      this.#wanted = sequence;
      this.#start();
    }
  }

  /** What it is given counts only after `release`, because the log is of no use without a snapshot that is being written. */
  hold(): void {
    this.#held = this.#wanted;
  }

  /** The snapshot is complete, or has failed, and the log with it. */
  release(isComplete: boolean): void {
    const held = this.#held ?? 0;
    this.#held = undefined;
    if (isComplete) {
      this.set(held);
    }
  }

  /** Closes the file when it says what it shall. Never rejects. */
  async close(): Promise<void> {
    await this.#running;
    await this.#file?.close();
    this.#file = undefined;
  }

  #start(): void {
    if (this.#file !== undefined && this.#marked !== this.#wanted) {
      this.#running ??= this.#write(this.#file);
    }
  }

  async #write(file: DiskFile): Promise<void> {
    while (this.#marked !== this.#wanted) {
      const sequence = this.#wanted;
      const { clock } = this.#options;
      const bytes = encodeFileHeader({ kind: "end", number: 0, sequence, unixMs: clock.unixMs() });
      await file.write([bytes], 0).catch(() => {});
      this.#marked = sequence;
    }
    this.#running = undefined;
  }
}

/** The number of the first record that was not on the disk when the mark was written; 0 if there is none, or none that can be read. */
export async function readEndMark({
  disk,
  directory,
}: Pick<EndMarkOptions, "disk" | "directory">): Promise<number> {
  let file: DiskFile | undefined;
  try {
    file = await disk.open(join(directory, endMarkName));
    const bytes = new Uint8Array(fileHeaderBytes);
    const decoded = decodeFileHeader(bytes.subarray(0, await file.read(bytes, 0)));
    return decoded.status === "ok" && decoded.header.kind === "end" ? decoded.header.sequence : 0;
  } catch {
    return 0;
  } finally {
    await file?.close();
  }
}
