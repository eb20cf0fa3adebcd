import { Float64Column, Int32Column, Uint8Column } from "../../otlp/columns.ts";
import type { Dialect } from "./dialects.ts";
import { type WorkKind, workKinds } from "./work.ts";

export const signalTypes = {
  /**
   * Work started, or is still open: a repeat is a heartbeat. In the dialect `impliedParent` (I1): a part of the work, which
   * began at `startMs`, has arrived, and the kind of the work follows from it.
   */
  start: 0,
  /** Work ended. If its start is not known, a start and an end at once. */
  end: 1,
  /** The process lives, and promises a heartbeat every `intervalMs`. */
  alive: 2,
  /** The process reports that it ends. */
  gone: 3,
  /** A session began. Changes no work. */
  sessionStart: 4,
  /** The session that the references name ended at `endMs`. */
  sessionEnd: 5,
  /** The session of the span, or that the references name, waits for a person. `key` distinguishes pauses. */
  pause: 6,
  /** That pause is over; without a key, every pause of the session. */
  resume: 7,
  /** A finished model call, whose span this is, requested the tool call `key`. */
  request: 8,
  /** A model call received the result of the tool call `key`, or that call was refused, or waits for a person. */
  answer: 9,
  /** It could not be read. */
  malformed: 10,
  /**
   * S9, the gateway reports a problem of the session that the references name: `reportedOpen` is the index of the claim in
   * `claimNames`, `reportedCompleted` the queue depth + 1 (0 if it is not reported); `kind`, `name` and the span are those of
   * the work that the claim names.
   */
  claim: 11,
  /** S9, the gateway recovered the session: its claims are over. `reportedCompleted` as above. */
  recovered: 12,
  /** S9, the session is idle: runs that began before have ended. */
  idle: 13,
  /** S9, messages wait in the session: `reportedCompleted` is their number + 1. */
  queued: 14,
  /** S9, the gateway itself evicted `reportedOpen` tools and `reportedCompleted` model calls of the session. */
  evictedBySender: 15,
  /** The source of the process's work no longer reports it, and the process continues to run. */
  unwatched: 16,
  /** Only counts: a record named another process than the one that sent it, and was not believed in that. */
  foreign: 17,
  /** Only counts: a record promised a longer lease than senders may promise, and was not believed in that. */
  overlong: 18,
} as const;

/** Bits of `SignalBatch.flags`. */
export const signalFlags = {
  /** A harness run. */
  harness: 1,
  /** A run that is the same owner as a harness run directly above it. */
  innerRun: 2,
  failed: 4,
  /** The tool did not end by itself: its run ended it. */
  closedByRun: 8,
  /** A repeat of a start that reports progress, and not only that the work is open. */
  progress: 16,
  /** A finished span of OpenClaw's own exporter, which ends every open span when it stops. */
  openclaw: 32,
  /** A model call whose input was captured, readable or not. */
  hasPrompt: 64,
  /** A finished run that neither succeeded nor failed, from a sender that reports one of the two for every other run. */
  aborted: 128,
  /** A tool of OpenClaw that a harness run may count as two items: the tool and its command or patch. */
  countsTwoItems: 256,
  /** A finished harness run without an outcome. */
  noOutcome: 512,
  /** A tool that may outlive its run: it continues in the background. */
  detached: 1024,
  /** A finished span with an outcome of its own: its status is OK, or it was blocked. */
  hasOutcome: 2048,
  /** Nothing but perhaps its name says what the span is. Of a start: `kind` is a guess from its name, or `other`. Of an end: it is no work. */
  undecided: 4096,
} as const;

/** Session references of one signal that count; more than any sender has. A record of the journal has one byte for their number. */
export const maxReferences = 255;

/** One signal, as a caller writes it. Ids are big-endian words of the OTLP ids; times are Unix ms. */
export interface SignalRow {
  readonly type: (typeof signalTypes)[keyof typeof signalTypes];
  readonly dialect: Dialect;
  readonly kind: WorkKind;
  readonly flags: number;
  readonly process: number;
  /** Where the process runs: a small number per (service name, host); 0 when that is not known. */
  readonly serviceHost: number;
  readonly startMs: number;
  /** Ignored for a start. */
  readonly endMs: number;
}

/**
 * The signals of one request, in columns that are reused: `clear`, then for each signal `add`, the `set…` calls and
 * `addReference`. Its reader bounds the number of rows; the columns double when they are full and shrink when `release` is called.
 */
export class SignalBatch {
  count = 0;
  readonly type = new Uint8Column();
  readonly dialect = new Uint8Column();
  readonly kind = new Uint8Column();
  readonly flags = new Int32Column();
  /** Which process sent it: a small number per (service name, host id, pid or instance id). */
  readonly process = new Int32Column();
  readonly serviceHost = new Int32Column();
  readonly trace0 = new Int32Column();
  readonly trace1 = new Int32Column();
  readonly trace2 = new Int32Column();
  readonly trace3 = new Int32Column();
  readonly span0 = new Int32Column();
  readonly span1 = new Int32Column();
  /** 0, 0 for a root. */
  readonly parent0 = new Int32Column();
  readonly parent1 = new Int32Column();
  readonly startMs = new Float64Column();
  readonly endMs = new Float64Column();
  /** Interned tool name and channel; 0 for none. */
  readonly name = new Int32Column();
  readonly channel = new Int32Column();
  /** Hashes of the names of its instrumentation scope, and of the tool or agent; 0 for none. */
  readonly scopeHash = new Int32Column();
  readonly nameHash = new Int32Column();
  /**
   * What spans of one kind have in common, as keyed hashes: `shape0` of the span's name, `shape1` of both its name and its scope, and of
   * whether it is a root. 0, 0 for none. Only undecided starts have one, and the ends that teach what these are.
   */
  readonly shape0 = new Int32Column();
  readonly shape1 = new Int32Column();
  /** Open markers and completed items that the end of a harness run reports. For S9 see `signalTypes`. */
  readonly reportedOpen = new Int32Column();
  readonly reportedCompleted = new Int32Column();
  /** The interval that `alive`, or the heartbeat of a span, promises, in ms; 0 for none. */
  readonly intervalMs = new Float64Column();
  /** The sender's order of events, from 1; 0 when it has none. */
  readonly seq = new Int32Column();
  /** When a heartbeat was sent, by the sender's clock in Unix ms; 0 when that is not known. */
  readonly sentMs = new Float64Column();
  /** Keyed hash of a tool-call id or of a pause; 0, 0 for none. */
  readonly key0 = new Int32Column();
  readonly key1 = new Int32Column();
  /** Its session references are those from `referencesFrom` on and before `referencesTo`. */
  readonly referencesFrom = new Int32Column();
  readonly referencesTo = new Int32Column();
  /** By reference: the keyed hash of its value. */
  readonly referenceHi = new Int32Column();
  readonly referenceLo = new Int32Column();
  /** What events show of it, a number of 48 bits; 0 for nothing. */
  readonly referenceShown = new Float64Column();
  /** Which attribute it is from: the one with the lowest rank is shown. */
  readonly referenceRank = new Uint8Column();
  #references = 0;
  readonly #columns = [
    this.type,
    this.dialect,
    this.kind,
    this.flags,
    this.process,
    this.serviceHost,
    this.trace0,
    this.trace1,
    this.trace2,
    this.trace3,
    this.span0,
    this.span1,
    this.parent0,
    this.parent1,
    this.startMs,
    this.endMs,
    this.name,
    this.channel,
    this.scopeHash,
    this.nameHash,
    this.shape0,
    this.shape1,
    this.reportedOpen,
    this.reportedCompleted,
    this.intervalMs,
    this.seq,
    this.sentMs,
    this.key0,
    this.key1,
    this.referencesFrom,
    this.referencesTo,
  ];
  #ignoredReferences = 0;

  /** References beyond `maxReferences` of their signal. */
  get ignoredReferences(): number {
    return this.#ignoredReferences;
  }

  clear(): void {
    this.count = 0;
    this.#references = 0;
    this.#ignoredReferences = 0;
  }

  /** Forgets the signals from `row` on. */
  dropFrom(row: number): void {
    if (row < this.count) {
      this.#references = this.referencesFrom.get(row);
      this.count = row;
    }
  }

  /** Appends a signal without name, channel, reported counts, key or references, and without ids, which must be set; returns its row. */
  add(signal: SignalRow): number {
    const row = this.count++;
    if (row >= this.process.capacity) {
      this.#grow(row + 1);
    }
    this.type.set(row, signal.type);
    this.dialect.set(row, signal.dialect);
    this.serviceHost.set(row, signal.serviceHost);
    this.kind.set(row, signal.kind);
    this.flags.set(row, signal.flags);
    this.process.set(row, signal.process);
    this.startMs.set(row, signal.startMs);
    this.endMs.set(row, signal.endMs);
    this.name.set(row, 0);
    this.channel.set(row, 0);
    this.scopeHash.set(row, 0);
    this.nameHash.set(row, 0);
    this.setShape(row, 0, 0);
    this.reportedOpen.set(row, 0);
    this.reportedCompleted.set(row, 0);
    this.intervalMs.set(row, 0);
    this.seq.set(row, 0);
    this.sentMs.set(row, 0);
    this.key0.set(row, 0);
    this.key1.set(row, 0);
    this.referencesFrom.set(row, this.#references);
    this.referencesTo.set(row, this.#references);
    return row;
  }

  /** Appends a signal about the span of the signal `of`, from the same sender; returns its row. */
  addAbout(
    of: number,
    signal: { readonly type: SignalRow["type"]; readonly dialect: Dialect },
  ): number {
    const row = this.add({
      ...signal,
      kind: workKinds.other,
      flags: 0,
      process: this.process.get(of),
      serviceHost: this.serviceHost.get(of),
      startMs: this.startMs.get(of),
      endMs: this.endMs.get(of),
    });
    this.setTrace(
      row,
      this.trace0.get(of),
      this.trace1.get(of),
      this.trace2.get(of),
      this.trace3.get(of),
    );
    this.setSpan(row, this.span0.get(of), this.span1.get(of), 0, 0);
    return row;
  }

  setTrace(row: number, word0: number, word1: number, word2: number, word3: number): void {
    this.trace0.set(row, word0);
    this.trace1.set(row, word1);
    this.trace2.set(row, word2);
    this.trace3.set(row, word3);
  }

  setSpan(row: number, span0: number, span1: number, parent0: number, parent1: number): void {
    this.span0.set(row, span0);
    this.span1.set(row, span1);
    this.parent0.set(row, parent0);
    this.parent1.set(row, parent1);
  }

  setShape(row: number, shape0: number, shape1: number): void {
    this.shape0.set(row, shape0);
    this.shape1.set(row, shape1);
  }

  setKey(row: number, key0: number, key1: number): void {
    this.key0.set(row, key0);
    this.key1.set(row, key1);
  }

  /**
   * Adds a session reference, as the keyed hash of its value, to the row added last, unless that has `maxReferences` already.
   * `shown`: what events show of it, 0 for nothing; of several references of a session that with the lowest `rank`.
   */
  addReference(hi: number, lo: number, shown = 0, rank = 0): void {
    const row = this.count - 1;
    if (this.#references - this.referencesFrom.get(row) >= maxReferences) {
      this.#ignoredReferences++;
      return;
    }
    this.referenceHi.ensure(this.#references + 1);
    this.referenceLo.ensure(this.#references + 1);
    this.referenceHi.set(this.#references, hi);
    this.referenceLo.set(this.#references, lo);
    this.referenceShown.ensure(this.#references + 1);
    this.referenceRank.ensure(this.#references + 1);
    this.referenceShown.set(this.#references, shown);
    this.referenceRank.set(this.#references, rank);
    this.#references++;
    this.referencesTo.set(row, this.#references);
  }

  /** Makes room for signals that are expected, so that the columns need not grow on the way. */
  expect(rows: number): void {
    if (rows > this.process.capacity) {
      this.#grow(rows);
    }
  }

  /** Empties the batch, and gives back the room of a request that was much larger than others. */
  release(): void {
    this.clear();
    for (const column of this.#columns) {
      column.shrink();
    }
    this.referenceHi.shrink();
    this.referenceLo.shrink();
    this.referenceShown.shrink();
    this.referenceRank.shrink();
  }

  #grow(rows: number): void {
    for (const column of this.#columns) {
      column.ensure(rows);
    }
  }
}
