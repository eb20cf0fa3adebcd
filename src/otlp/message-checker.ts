import { ByteEdits } from "./byte-edits.ts";
import {
  actions,
  actionTable,
  messageIndex,
  messageWeights,
  tagsPerMessage,
  valueWeight,
} from "./check-table.ts";
import { IdRepairs } from "./id-repairs.ts";
import { maxMessageDepth } from "./message-description.ts";
import {
  parentIdShift,
  spanIdShift,
  spanIdSize,
  traceIdShift,
  traceIdSize,
  usabilityOf,
  withId,
} from "./message-ids.ts";
import { isPlainAttribute } from "./plain-attribute.ts";
import type { RejectReason } from "./rejections.ts";
import { RepairLog } from "./repair-log.ts";
import { requestLimits } from "./request-limits.ts";
import { isText, sequenceEnd } from "./text-check.ts";
import { WireReader, wireTypes } from "./wire-reader.ts";

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

/**
 * Checks messages as deep as a strict decoder reads them: every message in a message, every text, every id. Notes in `edits` what must
 * change so that such a decoder accepts the bytes. Creates no object for a message that needs no change.
 */
export class MessageChecker {
  readonly edits = new ByteEdits();
  readonly repairs = new RepairLog(this.edits);
  /** Where and why the last message was refused. */
  faultAt = 0;
  fault: RejectReason = "undecodable";
  /** Whether a known field had the wire type of another, and whether a field was unknown, since the owner reset it. */
  hasMismatch = false;
  hasUnknown = false;
  /** The messages so far, each with the bytes that one which is not empty has at least. */
  weight = 0;
  #maxWeight = 0;
  #reader = new WireReader(new Uint8Array(0));
  #isLinkUnusable = false;
  readonly #ids = new IdRepairs(this.edits, this.repairs, () => this.#reader);

  begin(reader: WireReader): void {
    this.#reader = reader;
    this.edits.clear();
    this.repairs.backTo(0);
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
        if (
          nested !== keyValueMessage ||
          depth > maxMessageDepth - 2 ||
          !isPlainAttribute(reader, at, stop)
        ) {
          const { count, growth } = edits;
          const repairCount = this.repairs.count;
          if (!this.check(nested, at, stop, depth + 1)) {
            return false;
          }
          if (nested === linkMessage && this.#isLinkUnusable) {
            edits.backTo({ count, growth });
            edits.remove(fieldStart, stop);
            this.repairs.backTo(repairCount);
            this.repairs.note("link");
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
        ids = withId(ids, usabilityOf(reader.view, at, stop, traceIdSize), traceIdShift);
      } else if (action === spanId) {
        ids = withId(ids, usabilityOf(reader.view, at, stop, spanIdSize), spanIdShift);
      } else if (action === parentSpanId) {
        ids = withId(ids, usabilityOf(reader.view, at, stop, spanIdSize), parentIdShift);
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
      this.#ids.countDroppedLinks(start, end, droppedLinks);
    }
    switch (message) {
      case spanMessage:
        return this.#finishSpan(ids, start, end);
      case linkMessage:
        this.#isLinkUnusable = !this.#ids.finishLink(ids, start, end);
        return true;
      case logMessage:
      case exemplarMessage:
        this.#ids.finishAssociation(message, ids, start, end);
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
    this.repairs.note("wire_type");
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

  #refuse(reason: RejectReason, at: number): false {
    this.fault = reason;
    this.faultAt = at;
    return false;
  }

  #finishSpan(ids: number, start: number, end: number): boolean {
    const fault = this.#ids.finishSpan(ids, start, end);
    return fault === undefined || this.#refuse(fault, start);
  }

  #handleStrange(action: number, start: number, end: number): void {
    if (action === mismatch) {
      this.hasMismatch = true;
      this.removeMismatch(start, end);
    } else {
      this.hasUnknown = true;
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
    this.repairs.note("invalid_utf8");
  }
}
