import { toWorkKind, type WorkKind } from "../../model/work.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

/** What spans of one kind have in common: see `SignalBatch.shape0`. */
export interface Shape {
  readonly shape0: number;
  readonly shape1: number;
}

/** What finished spans of one shape were. */
interface Learned {
  /** Undefined where they were of several kinds: nothing follows from the shape. */
  kind: WorkKind | undefined;
  /** Interned name of the tool, if that is the name of the span; else 0. */
  name: number;
  /** When a finished span taught it last, by arrival. */
  atMs: number;
}

/** Kinds that are stored; this one for several. */
const several = -1;
/** Numbers in a snapshot for each shape. */
const cells = 5;
/** What is known and taught again counts as taught anew after this long: most spans are like the ones before. */
const renewedAfterMs = 60_000;

/**
 * Keeps what finished spans of each process were, by their shape (`SignalBatch.shape0`): so much an undecided start of the same shape is
 * likely to be. The last `mostOfProcess` shapes of a process that were taught, and at most `most` in all; each for `ttlMs` after it was
 * taught last, or up to a minute less.
 */
export class LearnedKinds {
  readonly #ttlMs: number;
  readonly #most: number;
  readonly #mostOfProcess: number;
  /** By process, the one that was taught last at the end; then by shape, likewise. */
  readonly #processes = new Map<number, Map<number, Learned>>();
  #size = 0;

  constructor({
    ttlMs,
    most = 16_384,
    mostOfProcess = 1_024,
  }: {
    readonly ttlMs: number;
    readonly most?: number;
    readonly mostOfProcess?: number;
  }) {
    this.#ttlMs = ttlMs;
    this.#most = most;
    this.#mostOfProcess = mostOfProcess;
  }

  snapshot(io: SnapshotStream): void {
    const numbers = io.numbers(
      [...this.#processes].flatMap(([process, shapes]) =>
        [...shapes].flatMap(([key, { kind, name, atMs }]) => [
          process,
          key,
          kind ?? several,
          name,
          atMs,
        ]),
      ),
    );
    for (let at = 0; io.isLoading && at + cells <= numbers.length; at += cells) {
      const [process = 0, key = 0, kind = 0, name = 0, atMs = 0] = numbers.slice(at, at + cells);
      this.#put(process, key, {
        kind: kind === several ? undefined : toWorkKind(kind),
        name,
        atMs,
      });
    }
  }

  get size(): number {
    return this.#size;
  }

  /** A finished span of the shape was of `kind`. */
  teach(
    process: number,
    shape: Shape,
    { kind, name, atMs }: { readonly kind: WorkKind; readonly name: number; readonly atMs: number },
  ): void {
    const key = keyOf(shape.shape0, shape.shape1);
    const known = this.#find(process, key, atMs);
    const isSame = known?.kind === kind && known.name === name;
    if (isSame && atMs - known.atMs < renewedAfterMs && atMs - known.atMs < this.#ttlMs / 2) {
      return;
    }
    this.#put(process, key, {
      kind: known === undefined || known.kind === kind ? kind : undefined,
      name: known === undefined || known.name === name ? name : 0,
      atMs,
    });
    this.#dropExcess(process);
  }

  /** What a span of the shape is likely to be: `kind` undefined where spans of it were of several kinds. Undefined if nothing is known. */
  of(process: number, shape: Shape, nowMs: number): Readonly<Learned> | undefined {
    return this.#find(process, keyOf(shape.shape0, shape.shape1), nowMs);
  }

  /** The names of tools that it may give to work. */
  *names(): Generator<number> {
    for (const shapes of this.#processes.values()) {
      for (const { name } of shapes.values()) {
        yield name;
      }
    }
  }

  /** Must be called before the number of a process is used for another one. */
  forgetProcess(process: number): void {
    this.#size -= this.#processes.get(process)?.size ?? 0;
    this.#processes.delete(process);
  }

  #find(process: number, key: number, nowMs: number): Learned | undefined {
    const shapes = this.#processes.get(process);
    const known = shapes?.get(key);
    if (known === undefined || nowMs - known.atMs < this.#ttlMs) {
      return known;
    }
    shapes?.delete(key);
    this.#size--;
    return undefined;
  }

  #put(process: number, key: number, learned: Learned): void {
    const shapes = this.#processes.get(process) ?? new Map<number, Learned>();
    this.#processes.delete(process);
    this.#processes.set(process, shapes);
    this.#size += shapes.delete(key) ? 0 : 1;
    shapes.set(key, learned);
  }

  /** The process that was taught nothing for longest loses its oldest shape first. */
  #dropExcess(taught: number): void {
    const shapes = this.#processes.get(taught);
    if (shapes !== undefined && shapes.size > this.#mostOfProcess) {
      this.#dropOldest(taught, shapes);
    }
    const oldest = this.#size > this.#most ? firstOf(this.#processes.entries()) : undefined;
    if (oldest !== undefined) {
      this.#dropOldest(...oldest);
    }
  }

  #dropOldest(process: number, shapes: Map<number, Learned>): void {
    const oldest = firstOf(shapes.keys());
    if (oldest !== undefined && shapes.delete(oldest)) {
      this.#size--;
    }
    if (shapes.size === 0) {
      this.#processes.delete(process);
    }
  }
}

/** Of the 64 bits of both hashes 53: with as many shapes as are kept, two have one key in one of 60 million cases. */
function keyOf(shape0: number, shape1: number): number {
  return (shape0 >>> 0) * 2 ** 21 + (shape1 >>> 11);
}

function firstOf<T>(values: Iterable<T>): T | undefined {
  for (const value of values) {
    return value;
  }
  return undefined;
}
