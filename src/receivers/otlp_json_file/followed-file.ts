import { type FileHandle, open } from "node:fs/promises";
import { type FileFacts, factsOf } from "./file-search.ts";
import {
  beginsAs,
  type Fingerprint,
  fingerprintOf,
  maxFingerprintBytes,
  noFingerprint,
} from "./fingerprint.ts";
import type { LinePosition, ReadAt } from "./line-reader.ts";
import type { StoredOffset } from "./offset-journal.ts";

const lineFeed = 0x0a;

/** One file and how far it has been read. It is the same file after a rename. */
export class FollowedFile {
  readonly identity: string;
  /** Where it was found last. */
  path: string;
  /** How many polls did not find it any more. */
  missedPolls = 0;
  #position: LinePosition = { offset: 0, isInSkippedLine: false };
  #fingerprint: Fingerprint = noFingerprint;
  #handle: FileHandle | undefined;
  /** The facts when it was last read to its end. */
  #doneAt: FileFacts | undefined;

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
    return { file: this.identity, ...this.#position, fingerprint: this.#fingerprint };
  }

  /** Whether nothing has changed since it was read to its end. */
  isDone({ sizeBytes, changedNs }: FileFacts): boolean {
    return this.#doneAt?.sizeBytes === sizeBytes && this.#doneAt.changedNs === changedNs;
  }

  /** Opens it, unless it is open. False when another file is at its path now. */
  async open(): Promise<boolean> {
    if (this.#handle !== undefined) {
      return true;
    }
    const handle = await open(this.path, "r");
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

  /** Whether it still begins with what was read, and is as long. Otherwise it was truncated or replaced. */
  async isSame({ sizeBytes }: FileFacts): Promise<boolean> {
    return sizeBytes >= this.#position.offset && (await beginsAs(this.readAt, this.#fingerprint));
  }

  /** Goes on where an earlier run stopped. Whether it is still the same file is to be checked before it is read. */
  resume({ offset, isInSkippedLine, fingerprint }: StoredOffset): void {
    this.#position = { offset, isInSkippedLine };
    this.#fingerprint = fingerprint;
  }

  /** Passes over everything that it holds. A last line without its end is passed over, too, when its end comes. */
  async passToEnd({ sizeBytes }: FileFacts): Promise<void> {
    const last = new Uint8Array(1);
    const isInLine = sizeBytes > 0 && (await this.readAt(last, sizeBytes - 1)) === 1;
    await this.advance({ offset: sizeBytes, isInSkippedLine: isInLine && last[0] !== lineFeed });
  }

  /** Everything before the position is done. */
  async advance(position: LinePosition): Promise<void> {
    this.#position = position;
    const length = Math.min(position.offset, maxFingerprintBytes);
    if (length > this.#fingerprint.length) {
      this.#fingerprint = (await fingerprintOf(this.readAt, length)) ?? noFingerprint;
    }
  }

  rewind(): void {
    this.#position = { offset: 0, isInSkippedLine: false };
    this.#fingerprint = noFingerprint;
    this.#doneAt = undefined;
  }

  reachedEnd(facts: FileFacts): void {
    this.#doneAt = facts;
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
