import { ByteEdits } from "./byte-edits.ts";
import {
  actions,
  actionTable,
  messageIndex,
  messageWeights,
  tagsPerMessage,
  valueWeight,
} from "./check-table.ts";
import { maxMessageDepth } from "./message-description.ts";
import type { CountsBy, RejectReason, RepairReason } from "./rejections.ts";
import { requestLimits } from "./request-limits.ts";
import { isText, sequenceEnd } from "./text-check.ts";
import { tagOf, WireReader, wireTypes } from "./wire-reader.ts";

// Constants of this module are part of the machine code, imported ones are looked up at every use.
const {
  unknown,
  scalar,
  text,
  traceId,
  spanId,
  parentSpanId,
  packedVarints,
  packedFixed64,
  mismatch,
  firstMessage,
} = actions;
const {
  varint: varintType,
  fixed64: fixed64Type,
  length: lengthType,
  fixed32: fixed32Type,
} = wireTypes;
const {
  keyValue: keyValueMessage,
  link: linkMessage,
  exemplar: exemplarMessage,
  records: { traces: spanMessage, logs: logMessage },
} = messageIndex;
const table = actionTable;
const rowSize = tagsPerMessage;
const weights = messageWeights;
/** Of a `KeyValue` with its `AnyValue`. */
const plainWeight = (messageWeights[keyValueMessage] ?? 0) + valueWeight;

const traceIdSize = 16;
const spanIdSize = 8;

// What is known of an id of a message. Of one that comes twice the last one holds.
const usable = 1;
/** All zero, or of a wrong length. */
const unusable = 2;
/** One of them, not necessarily the last, has a wrong length. */
const misfit = 4;
/** The last one has a wrong length. */
const misfitLast = 8;
const traceIdShift = 0;
const spanIdShift = 4;
const parentIdShift = 8;
const misfits = (misfit << traceIdShift) | (misfit << spanIdShift) | (misfit << parentIdShift);

const droppedLinksTag = tagOf(14, "varint");
const keyTag = tagOf(1, "length");
const valueTag = tagOf(2, "length");
const stringTag = tagOf(1, "length");
const boolTag = tagOf(2, "varint");
const intTag = tagOf(3, "varint");
const doubleTag = tagOf(4, "fixed64");

/** Which fields of an id are removed. */
const removals = { none: 0, misfits: 1, all: 2 } as const;
type Removal = (typeof removals)[keyof typeof removals];
interface IdRemovals {
  readonly trace: Removal;
  readonly span: Removal;
  readonly parent: Removal;
}

/**
 * Checks messages as deep as a strict decoder reads them: every message in a message, every text, every id. Notes in `edits` what must
 * change so that such a decoder accepts the bytes. Creates no object for a message that needs no change.
 */
export class MessageChecker {
  readonly edits = new ByteEdits();
  /** Where and why the last message was refused. */
  faultAt = 0;
  fault: RejectReason = "undecodable";
  /** Whether a known field had the wire type of another, and whether a field was unknown, since the owner reset it. */
  hasMismatch = false;
  hasUnknown = false;
  /** Whether a message is only tried, so that its repairs do not count. */
  isTrial = false;
  /** The messages so far, each with the bytes that one which is not empty has at least. */
  weight = 0;
  #maxWeight = 0;
  /** A repair each. Fewer than edits, because of a request with too many nothing is noted. */
  readonly #repairs: RepairReason[] = [];
  #reader = new WireReader(new Uint8Array(0));
  #isLinkUnusable = false;

  begin(reader: WireReader): void {
    this.#reader = reader;
    this.edits.clear();
    this.repairsBackTo(0);
    this.hasMismatch = false;
    this.weight = 0;
    this.#maxWeight =
      requestLimits.freeMessages * requestLimits.bytesPerMessage + reader.bytes.length;
  }

  /** Whether the request has more messages than its bytes allow. Then the check of a message ends early, and is worth nothing. */
  get isOverWeight(): boolean {
    return this.weight > this.#maxWeight;
  }

  /** Releases the bytes of the last request. */
  release(): void {
    this.#reader = new WireReader(new Uint8Array(0));
  }

  /** The fields that were repaired, by reason. */
  get repairs(): CountsBy<RepairReason> {
    const repairs = new Map<RepairReason, number>();
    for (const reason of this.#repairs) {
      repairs.set(reason, (repairs.get(reason) ?? 0) + 1);
    }
    return repairs;
  }

  /** To return to, when what follows is left out. */
  get repairCount(): number {
    return this.#repairs.length;
  }

  /** Forgets the repairs in what is left out. */
  repairsBackTo(count: number): void {
    this.#repairs.length = count;
  }

  /**
   * Whether the message from `start` up to `end`, `depth` messages below the request, can be decoded.
   *
   * A check spends most of its time in this loop. Tags and lengths of one byte are read here and not by the reader, because a position in
   * a local variable is twice as fast.
   */
  check(message: number, start: number, end: number, depth: number): boolean {
    if (depth > maxMessageDepth) {
      return this.#refuse("too_deep", start);
    }
    this.weight += weights[message] ?? 0;
    if (this.isOverWeight) {
      return this.#refuse("undecodable", start);
    }
    const reader = this.#reader;
    const { edits } = this;
    const bytes = reader.bytes;
    const row = message * rowSize;
    let ids = 0;
    let droppedLinks = 0;
    let at = start;
    while (at < end) {
      const fieldStart = at;
      let tag = bytes[at] ?? 0;
      at += 1;
      if (tag >= 0x80) {
        reader.position = fieldStart;
        tag = reader.tag(end);
        at = reader.position;
      }
      const action = tag < rowSize ? (table[row + tag] ?? unknown) : unknown;
      if ((tag & 7) !== lengthType) {
        if ((tag & 7) === varintType && tag >= 8 && at < end && (bytes[at] ?? 0) < 0x80) {
          at += 1;
        } else if ((tag & 7) === fixed64Type && tag >= 8 && end - at >= 8) {
          at += 8;
        } else if ((tag & 7) === fixed32Type && tag >= 8 && end - at >= 4) {
          at += 4;
        } else {
          reader.position = at;
          if (!reader.skip(tag, end, maxMessageDepth - depth)) {
            return this.#refuse("undecodable", at);
          }
          at = reader.position;
        }
        if (action !== scalar) {
          this.#handleStrange(action, fieldStart, at);
        }
        continue;
      }
      const lengthStart = at;
      let stop = at < end ? at + 1 + (bytes[at] ?? 0) : -1;
      if (stop <= end && stop <= at + 0x80) {
        at += 1;
      } else {
        reader.position = at;
        stop = reader.length(end);
        at = reader.position;
      }
      if (stop < at || tag < 8) {
        return this.#refuse("undecodable", at);
      }
      if (action >= firstMessage) {
        const nested = action - firstMessage;
        // Nearly all messages in messages are attributes.
        if (nested !== keyValueMessage || depth > maxMessageDepth - 2 || !this.#isPlain(at, stop)) {
          const { count, growth } = edits;
          const repairCount = this.#repairs.length;
          if (!this.check(nested, at, stop, depth + 1)) {
            return false;
          }
          if (nested === linkMessage && this.#isLinkUnusable) {
            edits.backTo({ count, growth });
            edits.remove(fieldStart, stop);
            this.repairsBackTo(repairCount);
            this.#noteRepair("link");
            droppedLinks += 1;
          } else if (edits.growth !== growth) {
            edits.replaceVarint(lengthStart, at, stop - at + edits.growth - growth);
          }
        } else {
          this.weight += plainWeight;
          if (this.isOverWeight) {
            return this.#refuse("undecodable", at);
          }
        }
      } else if (action === text) {
        if (!isText(bytes, reader.view, at, stop)) {
          this.#repairText(lengthStart, at, stop);
        }
      } else if (action === traceId) {
        ids = withId(ids, this.#usability(at, stop, traceIdSize), traceIdShift);
      } else if (action === spanId) {
        ids = withId(ids, this.#usability(at, stop, spanIdSize), spanIdShift);
      } else if (action === parentSpanId) {
        ids = withId(ids, this.#usability(at, stop, spanIdSize), parentIdShift);
      } else if (action === packedVarints) {
        if (!this.#areVarints(at, stop)) {
          return this.#refuse("undecodable", at);
        }
      } else if (action === packedFixed64) {
        if ((stop - at) % 8 !== 0) {
          return this.#refuse("undecodable", at);
        }
      } else if (action !== scalar) {
        this.#handleStrange(action, fieldStart, stop);
      }
      at = stop;
    }
    if (droppedLinks > 0) {
      this.#countDroppedLinks(start, end, droppedLinks);
    }
    switch (message) {
      case spanMessage:
        return this.#finishSpan(ids, start, end);
      case linkMessage:
        this.#finishLink(ids, start, end);
        return true;
      case logMessage:
      case exemplarMessage:
        this.#finishAssociation(message, ids, start, end);
        return true;
      default:
        return true;
    }
  }

  /** Repairs the text from `start` up to `end`, whose length begins at `lengthStart`, unless it is valid. */
  checkText(lengthStart: number, start: number, end: number): void {
    if (!isText(this.#reader.bytes, this.#reader.view, start, end)) {
      this.#repairText(lengthStart, start, end);
    }
  }

  /**
   * Removes a known field that has the wire type of another. Protobuf's own readers take it for an unknown field, but those of the
   * OpenTelemetry Collector refuse the whole request.
   */
  removeMismatch(start: number, end: number): void {
    this.edits.remove(start, end);
    this.#noteRepair("wire_type");
  }

  /** Whether it is a valid `KeyValue` in the shape that nearly all have: a short key, then a value of a common type. */
  #isPlain(start: number, end: number): boolean {
    const { bytes, view } = this.#reader;
    const keyStart = start + 2;
    if (keyStart > end || bytes[start] !== keyTag) {
      return false;
    }
    const keyEnd = keyStart + (bytes[start + 1] ?? 0);
    let valueStart = keyEnd + 2;
    if (keyEnd >= keyStart + 0x80 || valueStart > end || bytes[keyEnd] !== valueTag) {
      return false;
    }
    let size = bytes[keyEnd + 1] ?? 0;
    if (size >= 0x80) {
      size = (size & 0x7f) | ((bytes[valueStart] ?? 0) << 7);
      valueStart += 1;
    }
    if (size >= 0x4000 || valueStart + size !== end || !isText(bytes, view, keyStart, keyEnd)) {
      return false;
    }
    switch (size === 0 ? stringTag : bytes[valueStart]) {
      case stringTag: {
        let textSize = bytes[valueStart + 1] ?? 0;
        let textStart = valueStart + 2;
        if (textSize >= 0x80) {
          textSize = (textSize & 0x7f) | ((bytes[textStart] ?? 0) << 7);
          textStart += 1;
        }
        return size === 0 || (textStart + textSize === end && isText(bytes, view, textStart, end));
      }
      case intTag:
      case boolTag:
        return size <= 11 && size >= 2 && this.#isVarint(valueStart + 1, end);
      case doubleTag:
        return size === 9;
      default:
        return false;
    }
  }

  /** Whether the bytes are one varint. */
  #isVarint(start: number, end: number): boolean {
    const { bytes } = this.#reader;
    let at = start;
    while (at < end - 1 && (bytes[at] ?? 0) >= 0x80) {
      at += 1;
    }
    return at === end - 1 && (bytes[at] ?? 0) < 0x80;
  }

  #areVarints(start: number, end: number): boolean {
    const reader = this.#reader;
    reader.position = start;
    while (reader.position < end) {
      if (!reader.varint64(end)) {
        return false;
      }
    }
    return true;
  }

  #usability(start: number, end: number, size: number): number {
    if (end - start !== size) {
      return end === start ? 0 : unusable | misfit | misfitLast;
    }
    const { view } = this.#reader;
    let bits = 0;
    for (let at = start; at < end; at += 4) {
      bits |= view.getInt32(at);
    }
    return bits === 0 ? unusable : usable;
  }

  #refuse(reason: RejectReason, at: number): false {
    this.fault = reason;
    this.faultAt = at;
    return false;
  }

  #handleStrange(action: number, start: number, end: number): void {
    if (action === mismatch) {
      this.hasMismatch = true;
      this.removeMismatch(start, end);
    } else {
      this.hasUnknown = true;
    }
  }

  #noteRepair(reason: RepairReason): void {
    if (!this.isTrial && !this.edits.isFull) {
      this.#repairs.push(reason);
    }
  }

  #repairText(lengthStart: number, start: number, end: number): void {
    const { edits } = this;
    const { bytes } = this.#reader;
    const { growth } = edits;
    for (let at = start; at < end && !edits.isFull; ) {
      const next = sequenceEnd(bytes, at, end);
      if (next < 0) {
        edits.replaceCharacter(at, -next);
      }
      at = Math.abs(next);
    }
    if (edits.growth !== growth) {
      edits.replaceVarint(lengthStart, start, end - start + edits.growth - growth);
    }
    this.#noteRepair("invalid_utf8");
  }

  #finishSpan(ids: number, start: number, end: number): boolean {
    if (!isUsable(ids, traceIdShift)) {
      return this.#refuse("trace_id", start);
    }
    if (!isUsable(ids, spanIdShift)) {
      return this.#refuse("span_id", start);
    }
    if (isUnusable(ids, parentIdShift) || (ids & misfits) !== 0) {
      if (isMisfit(ids, parentIdShift)) {
        this.#noteRepair("parent_span_id");
      }
      this.#removeIds(spanMessage, start, end, {
        trace: removals.misfits,
        span: removals.misfits,
        parent: isUnusable(ids, parentIdShift) ? removals.all : removals.misfits,
      });
    }
    return true;
  }

  /**
   * A link whose trace id has a wrong length leads nowhere. One that lacks an id, or whose ids are zero, is one that OpenTelemetry allows
   * for the sake of its attributes, and one with a trace id alone leads to the trace.
   */
  #finishLink(ids: number, start: number, end: number): void {
    this.#isLinkUnusable = (ids & (misfitLast << traceIdShift)) !== 0;
    const noTrace = isUnusable(ids, traceIdShift);
    const noSpan = isUnusable(ids, spanIdShift);
    if (this.#isLinkUnusable || (!noTrace && !noSpan && (ids & misfits) === 0)) {
      return;
    }
    this.#noteMisfits(ids);
    this.#removeIds(linkMessage, start, end, {
      trace: noTrace ? removals.all : removals.misfits,
      span: noSpan ? removals.all : removals.misfits,
      parent: removals.none,
    });
  }

  /** Without a usable trace id, a log record or an exemplar belongs to no span either. */
  #finishAssociation(message: number, ids: number, start: number, end: number): void {
    const noTrace = isUnusable(ids, traceIdShift);
    const noSpan = noTrace || isUnusable(ids, spanIdShift);
    if (!noSpan && (ids & misfits) === 0) {
      return;
    }
    this.#noteMisfits(ids);
    this.#removeIds(message, start, end, {
      trace: noTrace ? removals.all : removals.misfits,
      span: noSpan ? removals.all : removals.misfits,
      parent: removals.none,
    });
  }

  #noteMisfits(ids: number): void {
    if (isMisfit(ids, traceIdShift)) {
      this.#noteRepair("trace_id");
    }
    if (isMisfit(ids, spanIdShift)) {
      this.#noteRepair("span_id");
    }
  }

  /** Removes fields of ids from a message that was checked. */
  #removeIds(message: number, start: number, end: number, remove: IdRemovals): void {
    const reader = this.#reader;
    reader.position = start;
    while (reader.position < end) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      const action = tag < rowSize ? table[message * rowSize + tag] : unknown;
      const removal = removalOf(action, remove);
      if (removal === removals.none) {
        reader.skip(tag, end);
        continue;
      }
      const stop = reader.length(end);
      const size = stop - reader.position;
      const isMisfitting = size !== 0 && size !== (action === traceId ? traceIdSize : spanIdSize);
      if (removal === removals.all || isMisfitting) {
        this.edits.remove(fieldStart, stop);
      }
      reader.position = stop;
    }
  }

  #countDroppedLinks(start: number, end: number, more: number): void {
    const reader = this.#reader;
    let dropped = more;
    reader.position = start;
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag === droppedLinksTag && reader.varint64(end)) {
        dropped = (reader.lo >>> 0) + more;
      } else if (tag !== droppedLinksTag) {
        reader.skip(tag, end);
      }
    }
    // The last one of a field counts.
    this.edits.insertVarintField(end, droppedLinksTag, Math.min(dropped, 0xffff_ffff));
  }
}

function withId(ids: number, usability: number, shift: number): number {
  return (ids & ~((usable | unusable | misfitLast) << shift)) | (usability << shift);
}

function isUsable(ids: number, shift: number): boolean {
  return (ids & (usable << shift)) !== 0;
}

function isUnusable(ids: number, shift: number): boolean {
  return (ids & (unusable << shift)) !== 0;
}

function isMisfit(ids: number, shift: number): boolean {
  return (ids & (misfit << shift)) !== 0;
}

function removalOf(action: number | undefined, remove: IdRemovals): Removal {
  switch (action) {
    case traceId:
      return remove.trace;
    case spanId:
      return remove.span;
    case parentSpanId:
      return remove.parent;
    default:
      return removals.none;
  }
}
