import { type IndexedLabel, LabelIndex } from "./label-index.ts";
import { SipHash, sipHash13 } from "./sip-hash.ts";

/** The values that a label may have; as in OpenClaw's own Prometheus plugin. */
const lowCardinality = /^[A-Za-z0-9_.:-]{1,120}$/;
/** A session key of OpenClaw has this form; it must never become a label. */
const sessionKey = /(^|:)agent:/;

/** The value that stands for all beyond the bound. */
export const overflowValue = "other";

/** A value that is seen again so long after the first time is established: it is no word that a sender made up once. */
const establishedAfterMs = 1_000;
/** How long a value that is in use, or established, keeps its place without being seen. */
export const keptForMs = 3_600_000;
/** At the bound room is made for this part of it at once, */
const partFreed = 8;
/** and not more often than this. In between new values are beyond the bound. */
const sweepIntervalMs = 1_000;
/** Numbers are not given twice; a table that has given all of them gives no more. */
const largestNumber = 2 ** 31 - 1;

/** A value, its number, and whether it is established. */
export type NumberedValue = readonly [
  number: number,
  value: string,
  isEstablished?: boolean | undefined,
];

/** What has changed in a table since it was asked last. */
export interface LabelChanges {
  /** Values that are new, or established now. */
  readonly values: readonly NumberedValue[];
  /** The numbers of values that were forgotten. */
  readonly forgotten: readonly number[];
}

/** How the values of a table are used. */
export interface LabelUsage {
  /** The engine's clock, as of the last request. */
  readonly clock: { readonly nowMs: number };
  /** 16 random bytes, new in each process. */
  readonly hashKey: Uint8Array;
  /** The numbers that open work needs. Takes some milliseconds. */
  inUse(): ReadonlySet<number>;
  /** Whether a text is an id or a secret by its form. Takes some microseconds. */
  isId(text: string): boolean;
  /** A value found no room. Called for the first one, and then at most once in `keptForMs`. */
  onFull(): void;
}

const noUsage: LabelUsage = {
  clock: { nowMs: 0 },
  hashKey: new Uint8Array(16),
  inUse: () => new Set(),
  isId: () => false,
  onFull: () => {},
};

interface KnownValue extends IndexedLabel {
  readonly number: number;
  readonly firstMs: number;
  seenMs: number;
  isEstablished: boolean;
  /** It was given away to be stored, so that its end must be, too. */
  isStored: boolean;
}

/**
 * Numbers texts of senders that may become attribute values of events. Only texts that could be names get a number, at most `bound` of them
 * at a time; all further ones share `overflow`, which reads as `overflowValue`. 0 is none. Looking a known text up creates no
 * string.
 *
 * At the bound values make room, those seen longest ago first: of those that were seen once only and that no open work needs, if
 * there are any; else of those that were not seen for an hour. So a sender that makes up names cannot displace names that keep
 * coming, and for an hour at most keep new ones out. The number of a value that was forgotten reads as `overflowValue` from then on; it
 * is not given again, so the engine need not know.
 *
 * A table that is restored keeps what was forgotten, whatever the bound, until `endRestore`: what replay decides again is called as it
 * was then.
 *
 * Values are found by a hash with a random key (SipHash), so that no sender can choose values that collide.
 */
export class LabelValues {
  /** The number of all values beyond the bound; they are not one value. */
  readonly overflow: number;
  /** How often a value was beyond the bound. */
  overflowed = 0;
  readonly #byNumber = new Map<number, KnownValue>();
  readonly #index = new LabelIndex<KnownValue>();
  readonly #bound: number;
  readonly #usage: LabelUsage;
  readonly #hash: SipHash;
  readonly #changed = new Set<number>();
  #forgotten: number[] = [];
  /** Restored values that were forgotten later. */
  readonly #outdated = new Set<number>();
  /** The newest value has it: a value makes room only for another one. */
  #lastNumber = 0;
  /** When it was full for the first time: values that were restored count as seen then. */
  #fullSinceMs = Number.NEGATIVE_INFINITY;
  #nextSweepMs = Number.NEGATIVE_INFINITY;
  #nextReportMs = Number.NEGATIVE_INFINITY;

  constructor(bound: number, usage: LabelUsage = noUsage) {
    this.#bound = bound;
    this.#usage = usage;
    this.#hash = new SipHash(usage.hashKey, sipHash13);
    this.overflow = bound + 1;
  }

  /** How many values are kept. */
  get size(): number {
    return this.#byNumber.size;
  }

  /** The most values that a lookup compares. */
  get longestSearch(): number {
    return this.#index.longestSearch;
  }

  /** The number of the value that is `bytes` from `start` up to `end`; 0 when it is not well-formed. */
  numberOf(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length < 1 || length > 120) {
      return 0;
    }
    this.#hash.hash64(bytes, start, end);
    const hash = this.#hash.word0;
    const known = this.#index.find(hash, bytes, start, length);
    if (known !== undefined) {
      this.#touch(known);
      return known.number;
    }
    const value = new TextDecoder("latin1").decode(bytes.subarray(start, end));
    if (!this.#isName(value)) {
      return 0;
    }
    return value === overflowValue ? this.overflow : this.#add(value, hash);
  }

  #isName(value: string): boolean {
    return lowCardinality.test(value) && !sessionKey.test(value) && !this.#usage.isId(value);
  }

  /** What is stored of all values, in the order in which they were seen. */
  stored(): readonly NumberedValue[] {
    return [...this.#byNumber.values()].sort((a, b) => a.seenMs - b.seenMs).map(toNumbered);
  }

  /** What to store since the last call. */
  takeChanged(): LabelChanges {
    const values = [...this.#changed].flatMap((number): NumberedValue[] => {
      const known = this.#byNumber.get(number);
      if (known === undefined) {
        return [];
      }
      known.isStored = true;
      return [toNumbered(known)];
    });
    const forgotten = this.#forgotten;
    this.#changed.clear();
    this.#forgotten = [];
    return { values, forgotten };
  }

  /** Restores what was stored, in the order in which it was. Older versions gave numbers again. */
  restore([number, value, isEstablished = false]: NumberedValue): void {
    if (number < 1 || number === this.overflow || value === overflowValue) {
      return;
    }
    const before = this.#byNumber.get(number);
    if (before !== undefined) {
      this.#remove(before);
    }
    this.#outdated.delete(number);
    this.#lastNumber = Math.max(this.#lastNumber, number);
    if (!this.#isName(value)) {
      return; // Older versions took more for a name.
    }
    const bytes = Buffer.from(value, "latin1");
    this.#hash.hash64(bytes, 0, bytes.length);
    this.#enter(number, value, this.#hash.word0, { isEstablished, isStored: true });
  }

  /** The value of this number was forgotten. Its number reads as the value until `endRestore`. */
  restoreForgotten(number: number): void {
    this.#outdated.add(number);
  }

  /** All is restored, and what was decided again has been read. Of more values than fit the first are forgotten. */
  endRestore(): void {
    for (const known of [...this.#byNumber.values()]) {
      if (this.#outdated.has(known.number) || this.#byNumber.size > this.#bound) {
        this.#remove(known);
      }
    }
    this.#outdated.clear();
    this.#forgotten = [];
  }

  /** The value of a number; undefined for 0 and for one that was never given. */
  valueOf(number: number): string | undefined {
    const known = this.#byNumber.get(number);
    const wasGiven = number === this.overflow || (number > 0 && number <= this.#lastNumber);
    return known?.value ?? (wasGiven ? overflowValue : undefined);
  }

  #touch(known: KnownValue): void {
    const { nowMs } = this.#usage.clock;
    known.seenMs = nowMs;
    if (!known.isEstablished && nowMs - known.firstMs >= establishedAfterMs) {
      known.isEstablished = true;
      this.#changed.add(known.number);
    }
  }

  #add(value: string, hash: number): number {
    if (this.#byNumber.size >= this.#bound) {
      this.#makeRoom();
    }
    if (this.#byNumber.size >= this.#bound || this.#lastNumber >= largestNumber) {
      this.overflowed++;
      this.#reportFull();
      return this.overflow;
    }
    const number =
      this.#lastNumber + 1 === this.overflow ? this.overflow + 1 : this.#lastNumber + 1;
    this.#lastNumber = number;
    this.#enter(number, value, hash, { isEstablished: false, isStored: false });
    this.#changed.add(number);
    return number;
  }

  #makeRoom(): void {
    const { nowMs } = this.#usage.clock;
    if (nowMs < this.#nextSweepMs) {
      return;
    }
    this.#nextSweepMs = nowMs + sweepIntervalMs;
    if (this.#fullSinceMs === Number.NEGATIVE_INFINITY) {
      this.#fullSinceMs = nowMs;
    }
    const inUse = this.#usage.inUse();
    const oldestFirst = [...this.#byNumber.values()].sort((a, b) => a.seenMs - b.seenMs);
    const unused = oldestFirst.filter(({ number }) => !inUse.has(number));
    // What was seen now is in the batch that is being read, of which the engine does not know yet.
    const seenOnce = unused.filter((each) => !each.isEstablished && each.seenMs < nowMs);
    const isUnseen = ({ seenMs }: KnownValue) =>
      Math.max(seenMs, this.#fullSinceMs) + keptForMs <= nowMs;
    const leaving =
      seenOnce.length > 0
        ? seenOnce
        : [...unused, ...oldestFirst.filter(({ number }) => inUse.has(number))].filter(isUnseen);
    for (const known of leaving.slice(0, Math.ceil(this.#bound / partFreed))) {
      this.#remove(known);
    }
  }

  #reportFull(): void {
    const { nowMs } = this.#usage.clock;
    if (nowMs >= this.#nextReportMs) {
      this.#nextReportMs = nowMs + keptForMs;
      this.#usage.onFull();
    }
  }

  #enter(
    number: number,
    value: string,
    hash: number,
    state: Pick<KnownValue, "isEstablished" | "isStored">,
  ): void {
    const { nowMs } = this.#usage.clock;
    const known = {
      number,
      value,
      hash,
      firstMs: nowMs,
      seenMs: nowMs,
      ...state,
    };
    this.#byNumber.set(number, known);
    this.#index.add(known);
  }

  #remove(known: KnownValue): void {
    this.#byNumber.delete(known.number);
    this.#changed.delete(known.number);
    if (known.isStored) {
      this.#forgotten.push(known.number);
    }
    this.#index.remove(known);
  }
}

function toNumbered({ number, value, isEstablished }: KnownValue): NumberedValue {
  return isEstablished ? [number, value, true] : [number, value];
}
