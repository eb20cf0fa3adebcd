import { maxEdits } from "./byte-edits.ts";
import { messageIndex } from "./check-table.ts";
import { countDataPoints } from "./data-points.ts";
import { brokenEnvelope, envelopeTags } from "./envelope-reader.ts";
import { MessageChecker } from "./message-checker.ts";
import { maxMessageDepth } from "./message-description.ts";
import { OtherSignal } from "./other-signal.ts";
import type { Signal } from "./payload.ts";
import {
  type CountsBy,
  type RejectReason,
  type RepairReason,
  rejectionMessage,
} from "./rejections.ts";
import { type OverLimit, overLimit, requestLimits } from "./request-limits.ts";
import { forgetView, tagOf, WireReader } from "./wire-reader.ts";

/**
 * The valid part of a received request. `bytes` is the checked array if nothing had to change, else a copy without the malformed records
 * and with the repairs. `items` counts the spans, data points or log records in `bytes`, `rejected` the removed ones.
 */
export interface ValidPart {
  readonly ok: true;
  readonly bytes: Uint8Array;
  readonly items: number;
  readonly rejected: number;
  /** A message for the sender, if something is rejected. */
  readonly reason?: string;
  readonly rejectedBy?: CountsBy<RejectReason>;
  readonly repairedBy?: CountsBy<RepairReason>;
  /** The request has data of this signal, which belong elsewhere. */
  readonly misdirected?: Signal;
}

/** The request cannot be used: it is none, or it exceeds a limit. */
export type UnusableRequest =
  | { readonly ok: false; readonly problem: "undecodable"; readonly message: string }
  | OverLimit;

export type CheckedRequest = ValidPart | UnusableRequest;

const formats = {
  traces: { messages: ["ExportTraceServiceRequest", "a ResourceSpans", "a ScopeSpans"] },
  metrics: { messages: ["ExportMetricsServiceRequest", "a ResourceMetrics", "a ScopeMetrics"] },
  logs: { messages: ["ExportLogsServiceRequest", "a ResourceLogs", "a ScopeLogs"] },
} as const;

const { bytesPerMessage, records: maxRecords } = requestLimits;
const schemaUrlTag = tagOf(3, "length");
/** Messages around a Resource, a scope and a record. */
const depths = { resource: 2, scope: 3, record: 3 } as const;

/**
 * Checks a received request: is it an export request of the signal, how many items does it have, which records are malformed, and what must
 * change so that a strict decoder accepts all of it. Never throws, never reads past the end of `bytes`. `ok: false` when the envelope
 * cannot be decoded. `docs/wire-validation.md` has the rules.
 */
export function checkRequest(signal: Signal, bytes: Uint8Array): CheckedRequest {
  const reader = new WireReader(bytes);
  const check = new RequestCheck(signal, reader);
  try {
    const broken = check.run();
    const limit = check.exceeded;
    if (limit !== undefined) {
      return overLimit(limit);
    }
    if (broken !== undefined) {
      return { ...brokenEnvelope(broken, reader), problem: "undecodable" };
    }
    return checker.edits.isFull
      ? {
          ok: false,
          problem: "undecodable",
          message: `The body is not usable: it has more than ${maxEdits} places that are malformed.`,
        }
      : check.result();
  } finally {
    // They would keep the request in memory until the next one is read.
    checker.release();
    forgetView();
  }
}

/** Of the heap, for each of the bytes that a message has at least; and for each byte of lists of numbers, of which each may be an object. */
const heapPerWeight = 96;
const heapPerByte = { traces: 2, metrics: 40, logs: 2 } as const;

/** About the JavaScript heap that a request takes as objects. Of one that cannot be decoded, the part before the fault. */
export function decodedBytesOf(signal: Signal, bytes: Uint8Array): number {
  const check = new RequestCheck(signal, new WireReader(bytes));
  try {
    check.run();
    return checker.weight * heapPerWeight + bytes.length * heapPerByte[signal];
  } finally {
    checker.release();
    forgetView();
  }
}

/** One for all requests, which are checked one after the other. */
const checker = new MessageChecker();

/** The check of one request. `run` and the methods below it return the name of the broken message, if there is one. */
class RequestCheck {
  readonly #signal: Signal;
  readonly #reader: WireReader;
  readonly #names: readonly [string, string, string];
  readonly #record: number;
  readonly #rejectedBy = new Map<RejectReason, number>();
  readonly #other: OtherSignal;
  #items = 0;
  /** Records, so far. */
  #kept = 0;
  #removed = 0;

  constructor(signal: Signal, reader: WireReader) {
    this.#signal = signal;
    this.#reader = reader;
    this.#names = formats[signal].messages;
    this.#record = messageIndex.records[signal];
    this.#other = new OtherSignal(signal, reader, checker);
    checker.begin(reader);
  }

  /** The limit that the request exceeds. Then the rest of it is not read, and what `run` returned means nothing. */
  get exceeded(): "records" | "messages" | undefined {
    return checker.isOverWeight
      ? "messages"
      : this.#kept + this.#removed > maxRecords
        ? "records"
        : undefined;
  }

  run(): string | undefined {
    const reader = this.#reader;
    const end = reader.bytes.length;
    while (reader.position < end && this.exceeded === undefined) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      if (tag !== envelopeTags.resourcePart) {
        if (!this.#skipStrange(fieldStart, tag, { end, depth: 0, lastKnown: 1 })) {
          return this.#names[0];
        }
        continue;
      }
      const lengthStart = reader.position;
      const stop = reader.length(end);
      const broken =
        stop < 0 ? this.#names[0] : this.#checkResourcePart(fieldStart, lengthStart, stop);
      if (broken !== undefined) {
        return broken;
      }
    }
    return undefined;
  }

  result(): ValidPart {
    const { edits } = checker;
    const rejected = [...this.#rejectedBy.values()].reduce((sum, count) => sum + count, 0);
    const misdirected = this.#other.found;
    return {
      ok: true,
      bytes: edits.count === 0 ? this.#reader.bytes : edits.carryOut(this.#reader.bytes),
      items: this.#items,
      rejected,
      ...(rejected === 0
        ? {}
        : {
            reason: rejectionMessage(this.#signal, this.#rejectedBy),
            rejectedBy: this.#rejectedBy,
          }),
      ...(checker.repairs.count === 0 ? {} : { repairedBy: checker.repairs.byReason() }),
      ...(misdirected === undefined ? {} : { misdirected }),
    };
  }

  /** Checks the part of a resource from the reader's position on. It goes with its last record. */
  #checkResourcePart(fieldStart: number, lengthStart: number, end: number): string | undefined {
    const reader = this.#reader;
    const { edits } = checker;
    const { count, growth } = edits;
    const repairCount = checker.repairs.count;
    const start = reader.position;
    const before = { kept: this.#kept, removed: this.#removed };
    checker.weight += bytesPerMessage;
    while (reader.position < end && this.exceeded === undefined) {
      const partStart = reader.position;
      const tag = reader.tag(end);
      const partLength = reader.position;
      if (tag === envelopeTags.scopePart) {
        const stop = reader.length(end);
        if (stop < 0) {
          return this.#names[1];
        }
        const broken = this.#checkScopePart(partStart, partLength, stop);
        if (broken !== undefined) {
          return broken;
        }
      } else if (tag === envelopeTags.resource) {
        if (!this.#checkNested(messageIndex.resource, depths.resource, end)) {
          return "a Resource";
        }
      } else if (!this.#checkOther(partStart, tag, { end, depth: depths.resource })) {
        return this.#names[1];
      }
    }
    if (this.#removed > before.removed && this.#kept === before.kept) {
      edits.backTo({ count, growth });
      edits.remove(fieldStart, end);
      checker.repairs.backTo(repairCount);
    } else if (edits.growth !== growth) {
      edits.replaceVarint(lengthStart, start, end - start + edits.growth - growth);
    }
    return undefined;
  }

  /** Checks the part of a scope from the reader's position on. It goes with its last record. */
  #checkScopePart(fieldStart: number, lengthStart: number, end: number): string | undefined {
    const reader = this.#reader;
    const { edits } = checker;
    const { count, growth } = edits;
    const repairCount = checker.repairs.count;
    const start = reader.position;
    const before = { kept: this.#kept, removed: this.#removed };
    checker.weight += bytesPerMessage;
    // Of a request that will be refused, the rest of the records would take seconds.
    while (reader.position < end && !edits.isFull && this.exceeded === undefined) {
      const recordStart = reader.position;
      const tag = reader.tag(end);
      const recordLength = reader.position;
      if (tag === envelopeTags.record) {
        const stop = reader.length(end);
        if (stop < 0) {
          return this.#names[2];
        }
        this.#checkRecord(recordStart, recordLength, stop);
        reader.position = stop;
      } else if (tag === envelopeTags.scope) {
        if (!this.#checkNested(messageIndex.scope, depths.scope, end)) {
          return "an InstrumentationScope";
        }
      } else if (!this.#checkOther(recordStart, tag, { end, depth: depths.scope })) {
        return this.#names[2];
      }
    }
    reader.position = end;
    if (this.#removed > before.removed && this.#kept === before.kept) {
      edits.backTo({ count, growth });
      edits.remove(fieldStart, end);
      checker.repairs.backTo(repairCount);
    } else if (edits.growth !== growth) {
      edits.replaceVarint(lengthStart, start, end - start + edits.growth - growth);
    }
    return undefined;
  }

  /** Checks the record from the reader's position up to `end`, and removes it if it is malformed. */
  #checkRecord(fieldStart: number, lengthStart: number, end: number): void {
    const reader = this.#reader;
    const { edits } = checker;
    const start = reader.position;
    const { count, growth } = edits;
    const repairCount = checker.repairs.count;
    checker.hasMismatch = false;
    const isDecodable = checker.check(this.#record, start, end, depths.record);
    const { fault } = checker;
    const isOther = (!isDecodable || checker.hasMismatch) && this.#other.isRecord(start, end);
    if (isDecodable && !isOther) {
      if (edits.growth !== growth) {
        edits.replaceVarint(lengthStart, start, end - start + edits.growth - growth);
      }
      this.#items += this.#itemsOf(start, end);
      this.#kept += 1;
      return;
    }
    edits.backTo({ count, growth });
    edits.remove(fieldStart, end);
    checker.repairs.backTo(repairCount);
    this.#removed += 1;
    const reason = isOther ? "other_signal" : fault;
    const lost = Math.max(this.#itemsOf(start, end), 1);
    this.#rejectedBy.set(reason, (this.#rejectedBy.get(reason) ?? 0) + lost);
  }

  #itemsOf(start: number, end: number): number {
    if (this.#signal !== "metrics") {
      return 1;
    }
    this.#reader.position = start;
    return countDataPoints(this.#reader, end);
  }

  /** Checks the message whose length is at the reader's position, in the message that ends at `end`. */
  #checkNested(message: number, depth: number, end: number): boolean {
    const reader = this.#reader;
    const { edits } = checker;
    const { growth } = edits;
    const lengthStart = reader.position;
    const stop = reader.length(end);
    const start = reader.position;
    if (stop < 0) {
      return false;
    }
    if (!checker.check(message, start, stop, depth)) {
      reader.position = checker.faultAt;
      return false;
    }
    if (edits.growth !== growth) {
      edits.replaceVarint(lengthStart, start, stop - start + edits.growth - growth);
    }
    reader.position = stop;
    return true;
  }

  /** Checks another field of the part of a resource or of a scope: its schema URL, or an unknown field. */
  #checkOther(
    fieldStart: number,
    tag: number,
    { end, depth }: { readonly end: number; readonly depth: number },
  ): boolean {
    const reader = this.#reader;
    if (tag !== schemaUrlTag) {
      return this.#skipStrange(fieldStart, tag, { end, depth, lastKnown: 3 });
    }
    const lengthStart = reader.position;
    const stop = reader.length(end);
    if (stop < 0) {
      return false;
    }
    checker.checkText(lengthStart, reader.position, stop);
    reader.position = stop;
    return true;
  }
  /** Skips a field whose tag is none of the message, whose fields have the numbers up to `lastKnown` and are all length-delimited. */
  #skipStrange(
    fieldStart: number,
    tag: number,
    part: { readonly end: number; readonly depth: number; readonly lastKnown: number },
  ): boolean {
    const reader = this.#reader;
    if (!reader.skip(tag, part.end, maxMessageDepth - part.depth)) {
      return false;
    }
    if (tag >>> 3 <= part.lastKnown) {
      checker.removeMismatch(fieldStart, reader.position);
    }
    return true;
  }
}
