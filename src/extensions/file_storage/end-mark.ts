import { join } from "node:path";
import type { Disk, DiskFile } from "./disk.ts";
import { endMarkName } from "./file-names.ts";
import {
  decodeFileHeader,
  encodeFileHeader,
  type FileHeader,
  fileHeaderBytes,
  type KeptState,
} from "./format.ts";

export interface EndMarkOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly clock: { unixMs(): number };
  /** From what the recovery has recovered the state. */
  readonly recovered: KeptState;
}

/** What the file says. */
export interface EndMarkContent {
  /** The number of the first record that was not on the disk when it was written. */
  readonly sequence: number;
  /** Absent in a file of an earlier version. */
  readonly kept?: KeptState;
}

/** A header at the beginning of each of two sectors, written in turn, so that an interrupted write costs the older one. */
const slotsAt = [0, 512] as const;

/** The number of the snapshot where there is none. */
export const noSnapshot = -1;

/**
 * Remembers in a file of its own how far the log is on the disk, and from what the state can be recovered, so that the next start notices
 * when a part of that is gone. It is written after the sync, so it never claims more than there is. Other files say in their headers that
 * it is beside them, so its own loss is noticed, too: it is on the disk before they are written, and is removed after them. A mark that
 * cannot be written is no failure: then it is not kept, and less is noticed. It keeps the open file and six numbers.
 */
export class EndMark {
  readonly #options: EndMarkOptions;
  #file: DiskFile | undefined;
  /** How often it was written, and where the next write goes. */
  #writes = 0;
  #slot = 0;
  /** What the file says, and what it shall say. */
  #marked: EndMarkContent = { sequence: 0 };
  #wanted: Required<EndMarkContent>;
  /** The log is on the disk up to this record. */
  #logEnd = 0;
  /** What `logFrom` becomes when the log is on the disk up to the newest snapshot. */
  #nextLogFrom: number | undefined;
  /** What it was given meanwhile, if it waits for a snapshot. */
  #held: number | undefined;
  #running: Promise<void> | undefined;
  /** Whether the last write has failed. */
  #hasFailed = false;

  constructor(options: EndMarkOptions) {
    this.#options = options;
    this.#wanted = { sequence: 0, kept: options.recovered };
  }

  /** Whether there is a file, with a content that survives a power cut. */
  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Opens or creates the file. It must not say more than this number from then on. Never rejects. */
  async open(sequence: number): Promise<void> {
    const { disk, directory } = this.#options;
    const path = join(directory, endMarkName);
    await this.close();
    const found = await readSlots(this.#options);
    const newest = newestOf(found);
    this.#writes = newest?.number ?? 0;
    this.#slot = newest === undefined ? 0 : 1 - found.indexOf(newest);
    const marked = newest?.sequence ?? 0;
    this.#wanted = { ...this.#wanted, sequence: Math.min(marked, sequence) };
    let file: DiskFile | undefined;
    try {
      file = await disk.open(path).catch(() => disk.create(path));
      // In both places, so that neither says more.
      for (const _ of slotsAt) {
        await this.#writeSlot(file, this.#wanted);
        await file.sync();
      }
      await disk.syncDirectory(directory);
      this.#marked = this.#wanted;
      this.#file = file;
    } catch {
      await file?.close();
    }
  }

  /** The records before this number are on the disk. The file says so soon. */
  set(sequence: number): void {
    if (this.#held !== undefined) {
      this.#held = Math.max(this.#held, sequence);
      return;
    }
    this.#logEnd = Math.max(this.#logEnd, sequence);
    const { kept } = this.#wanted;
    this.#want(sequence, { ...kept, logFrom: this.#logFrom(kept) });
  }

  /** What it is given counts only with the next `onSnapshot`, because the log is of no use without a snapshot that is being written. */
  hold(): void {
    this.#held = this.#wanted.sequence;
  }

  /** The snapshot for which it was held has failed, and the log with it. */
  release(): void {
    this.#held = undefined;
  }

  /**
   * A snapshot of the records before `snapshot` is on the disk, and the log, when it is as far, has all of them from `logFrom` on. Resolves
   * when the file says so, and would after a power cut: what came before can be removed then. If that fails, it returns `false`: without
   * it, what is removed would be missed. Never rejects.
   */
  async onSnapshot(kept: KeptState): Promise<boolean> {
    const { snapshot, logFrom } = kept;
    const held = this.#held ?? 0;
    this.#held = undefined;
    this.#nextLogFrom = logFrom;
    this.#logEnd = Math.max(this.#logEnd, held);
    this.#want(Math.max(snapshot, held), {
      snapshot,
      logFrom: this.#logFrom({ snapshot, logFrom: snapshot }),
    });
    await this.#running;
    if (this.#file === undefined) {
      return true;
    }
    return this.#file.sync().then(
      () => !this.#hasFailed,
      () => false,
    );
  }

  /** What only older snapshots need is about to be removed. Resolves as `onSnapshot`. */
  onGivenUp(): Promise<boolean> {
    const { snapshot } = this.#wanted.kept;
    return this.onSnapshot({ snapshot, logFrom: snapshot });
  }

  /** Closes the file when it says what it shall. Never rejects. */
  async close(): Promise<void> {
    await this.#running;
    await this.#file?.close();
    this.#file = undefined;
  }

  #logFrom({ snapshot, logFrom }: KeptState): number {
    return this.#nextLogFrom !== undefined && this.#logEnd >= snapshot
      ? this.#nextLogFrom
      : logFrom;
  }

  #want(sequence: number, kept: KeptState): void {
    this.#wanted = { sequence: Math.max(sequence, this.#wanted.sequence), kept };
    if (this.#file !== undefined && !isEqual(this.#marked, this.#wanted)) {
      this.#running ??= this.#write(this.#file);
    }
  }

  async #write(file: DiskFile): Promise<void> {
    while (!isEqual(this.#marked, this.#wanted)) {
      const wanted = this.#wanted;
      // The other place still has what it said before.
      this.#hasFailed = await this.#writeSlot(file, wanted).then(
        () => false,
        () => true,
      );
      this.#marked = wanted;
    }
    this.#running = undefined;
  }

  async #writeSlot(file: DiskFile, content: EndMarkContent): Promise<void> {
    const unixMs = this.#options.clock.unixMs();
    const header = { kind: "end", number: this.#writes + 1, hasEndMark: true, unixMs } as const;
    await file.write([encodeFileHeader({ ...header, ...content })], slotsAt[this.#slot] ?? 0);
    this.#writes += 1;
    this.#slot = 1 - this.#slot;
  }
}

/** What the file says; `undefined` if there is none, or none that can be read. */
export async function readEndMark(
  place: Pick<EndMarkOptions, "disk" | "directory">,
): Promise<EndMarkContent | undefined> {
  const newest = newestOf(await readSlots(place));
  return (
    newest && {
      sequence: newest.sequence,
      ...(newest.kept === undefined ? {} : { kept: newest.kept }),
    }
  );
}

type Slots = readonly (FileHeader | undefined)[];

/** A version that knows only the first place has written last if that does not say how often. */
function newestOf([first, second]: Slots): FileHeader | undefined {
  if (first === undefined || second === undefined) {
    return first ?? second;
  }
  return first.number === 0 || first.number > second.number ? first : second;
}

async function readSlots({
  disk,
  directory,
}: Pick<EndMarkOptions, "disk" | "directory">): Promise<Slots> {
  let file: DiskFile | undefined;
  try {
    file = await disk.open(join(directory, endMarkName));
    const slots: (FileHeader | undefined)[] = [];
    for (const at of slotsAt) {
      const bytes = new Uint8Array(fileHeaderBytes);
      const decoded = decodeFileHeader(bytes.subarray(0, await file.read(bytes, at)));
      slots.push(decoded.status === "ok" && isEnd(decoded.header) ? decoded.header : undefined);
    }
    return slots;
  } catch {
    return [];
  } finally {
    await file?.close();
  }
}

function isEnd({ kind, number, sequence }: FileHeader): boolean {
  return kind === "end" && Number.isSafeInteger(number) && Number.isSafeInteger(sequence);
}

function isEqual(a: EndMarkContent, b: EndMarkContent): boolean {
  return (
    a.sequence === b.sequence &&
    a.kept?.snapshot === b.kept?.snapshot &&
    a.kept?.logFrom === b.kept?.logFrom
  );
}
