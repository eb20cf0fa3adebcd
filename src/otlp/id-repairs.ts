import type { ByteEdits } from "./byte-edits.ts";
import { actions, actionTable, messageIndex, tagsPerMessage } from "./check-table.ts";
import {
  isMisfit,
  isUnusable,
  isUsable,
  misfitLast,
  misfits,
  parentIdShift,
  spanIdShift,
  spanIdSize,
  traceIdShift,
  traceIdSize,
} from "./message-ids.ts";
import type { RejectReason } from "./rejections.ts";
import type { RepairLog } from "./repair-log.ts";
import { tagOf, type WireReader } from "./wire-reader.ts";

const { unknown, traceId, spanId, parentSpanId } = actions;
const {
  link: linkMessage,
  records: { traces: spanMessage },
} = messageIndex;

const droppedLinksTag = tagOf(14, "varint");

/** Which fields of an id are removed. */
const removals = { none: 0, misfits: 1, all: 2 } as const;
type Removal = (typeof removals)[keyof typeof removals];
interface IdRemovals {
  readonly trace: Removal;
  readonly span: Removal;
  readonly parent: Removal;
}

/** Notes how the ids of messages that were checked must change. `ids` is what is known of those of a message, see `message-ids.ts`. */
export class IdRepairs {
  readonly #edits: ByteEdits;
  readonly #repairs: RepairLog;
  readonly #reader: () => WireReader;

  constructor(edits: ByteEdits, repairs: RepairLog, reader: () => WireReader) {
    this.#edits = edits;
    this.#repairs = repairs;
    this.#reader = reader;
  }

  /** Why a span must be refused, if it must. Its parent is removed if it is none. */
  finishSpan(ids: number, start: number, end: number): RejectReason | undefined {
    if (!isUsable(ids, traceIdShift)) {
      return "trace_id";
    }
    if (!isUsable(ids, spanIdShift)) {
      return "span_id";
    }
    if (isUnusable(ids, parentIdShift) || (ids & misfits) !== 0) {
      if (isMisfit(ids, parentIdShift)) {
        this.#repairs.note("parent_span_id");
      }
      this.#removeIds(spanMessage, start, end, {
        trace: removals.misfits,
        span: removals.misfits,
        parent: isUnusable(ids, parentIdShift) ? removals.all : removals.misfits,
      });
    }
    return undefined;
  }

  /**
   * Whether a link can stay. One whose trace id has a wrong length leads nowhere. One that lacks an id, or whose ids are zero, is one that OpenTelemetry allows
   * for the sake of its attributes, and one with a trace id alone leads to the trace.
   */
  finishLink(ids: number, start: number, end: number): boolean {
    if ((ids & (misfitLast << traceIdShift)) !== 0) {
      return false;
    }
    const noTrace = isUnusable(ids, traceIdShift);
    const noSpan = isUnusable(ids, spanIdShift);
    if (noTrace || noSpan || (ids & misfits) !== 0) {
      this.#noteMisfits(ids);
      this.#removeIds(linkMessage, start, end, {
        trace: noTrace ? removals.all : removals.misfits,
        span: noSpan ? removals.all : removals.misfits,
        parent: removals.none,
      });
    }
    return true;
  }

  /** Without a usable trace id, a log record or an exemplar belongs to no span either. */
  finishAssociation(message: number, ids: number, start: number, end: number): void {
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
      this.#repairs.note("trace_id");
    }
    if (isMisfit(ids, spanIdShift)) {
      this.#repairs.note("span_id");
    }
  }

  /** Removes fields of ids from a message that was checked. */
  #removeIds(message: number, start: number, end: number, remove: IdRemovals): void {
    const reader = this.#reader();
    reader.position = start;
    while (reader.position < end) {
      const fieldStart = reader.position;
      const tag = reader.tag(end);
      const action = tag < tagsPerMessage ? actionTable[message * tagsPerMessage + tag] : unknown;
      const removal = removalOf(action, remove);
      if (removal === removals.none) {
        reader.skip(tag, end);
        continue;
      }
      const stop = reader.length(end);
      const size = stop - reader.position;
      const isMisfitting = size !== 0 && size !== (action === traceId ? traceIdSize : spanIdSize);
      if (removal === removals.all || isMisfitting) {
        this.#edits.remove(fieldStart, stop);
      }
      reader.position = stop;
    }
  }

  /** Adds links that were removed to the count of a span that was checked. */
  countDroppedLinks(start: number, end: number, more: number): void {
    const reader = this.#reader();
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
    this.#edits.insertVarintField(end, droppedLinksTag, Math.min(dropped, 0xffff_ffff));
  }
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
