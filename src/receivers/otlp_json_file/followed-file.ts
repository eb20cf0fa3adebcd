import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Signal } from "../../otlp/payload.ts";
import { areSame, type FileFacts, factsOf } from "./file-search.ts";
import { hasAll, hashOf } from "./fingerprint.ts";
import { beginning, type LinePosition } from "./line-reader.ts";
import type { PartlyDoneLine, StoredOffset } from "./offset-journal.ts";
import { PassedBytes } from "./passed-bytes.ts";
import type { ReadAt } from "./read-at.ts";

const lineFeed = 0x0a;

/**
 * The times of files are coarse: 4 ms on common file systems, up to 2 s on others. Content that is replaced within that time by other
 * content of the same size has the same facts.
 */
const timeGrainMs = 2_000;

/** One file and how far it has been read. It is the same file after a rename. */
export class FollowedFile {
  readonly identity: string;
  /** Where it was found last. */
  path: string;
  /** How many polls did not find it any more. */
  missedPolls = 0;
  #position = beginning;
  /** The line at the position, if some of its signals are done. */
  #partlyDone: PartlyDoneLine | undefined;
  #handle: FileHandle | undefined;
  /** The facts when it was last read to its end, since when they are the same, and whether they prove that it is. */
  #end: { facts: FileFacts; sinceMs: number; isProof: boolean } | undefined;

  constructor(identity: string, path: string) {
    this.identity = identity;
    this.path = path;
  }

  get position(): LinePosition {
    return this.#position;
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** What is stored of it. */
  get stored(): StoredOffset {
    const partlyDone = this.#partlyDone;
    return {
      file: this.identity,
      ...this.#position,
      ...(partlyDone === undefined ? {} : { partlyDone }),
    };
  }

  /** Whether nothing has changed since it was read to its end. */
  isDone(facts: FileFacts): boolean {
    return this.#end?.isProof === true && areSame(this.#end.facts, facts);
  }

  /** Opens it, unless it is open. False when another file is at its path now. */
  async open(): Promise<boolean> {
    if (this.#handle !== undefined) {
      return true;
    }
    // It was a file when it was found; a pipe in its place must not be waited for.
    const handle = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { identity } = factsOf(await handle.stat({ bigint: true }));
    if (identity !== this.identity) {
      await handle.close();
      return false;
    }
    this.#handle = handle;
    return true;
  }

  /** The facts of the open file. */
  async facts(): Promise<FileFacts> {
    return factsOf(await this.#opened().stat({ bigint: true }));
  }

  readonly readAt: ReadAt = async (into, position) => {
    let filled = 0;
    while (filled < into.length) {
      const at = position + filled;
      const { bytesRead } = await this.#opened().read(into, filled, into.length - filled, at);
      if (bytesRead === 0) {
        break;
      }
      filled += bytesRead;
    }
    return filled;
  };

  /** Whether it has still what was read. Otherwise it was truncated or replaced. */
  isSame(): Promise<boolean> {
    return hasAll(this.readAt, this.#position.fingerprint);
  }

  /** Goes on where an earlier run stopped. */
  resume({ offset, isInSkippedLine, fingerprint, partlyDone }: StoredOffset): void {
    this.#position = { offset, isInSkippedLine, fingerprint };
    this.#partlyDone = partlyDone;
  }

  /** Passes over everything that it holds. A last line without its end is passed over, too, when its end comes. */
  async passToEnd({ sizeBytes }: FileFacts): Promise<void> {
    const last = new Uint8Array(1);
    const isInLine = sizeBytes > 0 && (await this.readAt(last, sizeBytes - 1)) === 1;
    const passed = await PassedBytes.before(sizeBytes, this.readAt);
    // If it became shorter meanwhile, all that it holds is new.
    if (passed !== undefined) {
      this.advance({
        offset: sizeBytes,
        isInSkippedLine: isInLine && last[0] !== lineFeed,
        fingerprint: passed.fingerprint(),
      });
    }
  }

  /** Everything before the position is done. */
  advance(position: LinePosition): void {
    this.#position = position;
    this.#partlyDone = undefined;
  }

  /** The signals of the line at the position that are done. */
  doneSignalsOf(line: Uint8Array): readonly Signal[] {
    const partlyDone = this.#partlyDone;
    return partlyDone !== undefined && partlyDone.hash === hashOf(line) ? partlyDone.signals : [];
  }

  /** Some signals of the line at the position are done, and others are not. */
  setDoneSignals(line: Uint8Array, signals: readonly Signal[]): void {
    this.#partlyDone = { hash: hashOf(line), signals: [...signals] };
  }

  rewind(): void {
    this.advance(beginning);
    this.#end = undefined;
  }

  /** It had these facts at the time, and was then read to its end. */
  reachedEnd(facts: FileFacts, nowMs: number): void {
    const sinceMs =
      this.#end !== undefined && areSame(this.#end.facts, facts) ? this.#end.sinceMs : nowMs;
    this.#end = { facts, sinceMs, isProof: nowMs - sinceMs >= timeGrainMs };
  }

  /** Never rejects; safe to call twice. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => {}); // If closing fails, there is nothing left to do.
  }

  #opened(): FileHandle {
    if (this.#handle === undefined) {
      throw new Error("The file is not open.");
    }
    return this.#handle;
  }
}
