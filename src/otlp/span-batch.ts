import { Int32Column } from "./columns.ts";

/** What an attribute's value is; the numbers are the field numbers of OTLP's `AnyValue`. */
export const attributeTypes = {
  string: 1,
  bool: 2,
  int: 3,
  double: 4,
  array: 5,
  kvlist: 6,
  bytes: 7,
} as const;

/**
 * The spans of one trace request as columns over its bytes: row i of each column belongs to span i,
 * in wire order. A batch is made once and filled by every scan; a scan overwrites what was there.
 * Ranges are byte offsets into `bytes`, start inclusive, end exclusive; 64-bit values are two int32
 * words, so that nothing is boxed.
 */
export class SpanBatch {
  /** What was scanned. Held until the next scan or `clear`. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Well-formed spans. */
  count = 0;

  /** The whole `spans` field: tag, length, message. */
  readonly fieldStart = new Int32Column();
  readonly fieldEnd = new Int32Column();
  /** Row of its resource. */
  readonly resource = new Int32Column();
  readonly scopeNameStart = new Int32Column();
  readonly scopeNameEnd = new Int32Column();
  /** Ids as big-endian words. A trace or span id is never all zero; a parent of 0, 0 is none. */
  readonly traceId0 = new Int32Column();
  readonly traceId1 = new Int32Column();
  readonly traceId2 = new Int32Column();
  readonly traceId3 = new Int32Column();
  readonly spanId0 = new Int32Column();
  readonly spanId1 = new Int32Column();
  readonly parentId0 = new Int32Column();
  readonly parentId1 = new Int32Column();
  /** Unix nanoseconds. An end of 0, 0 is a span that has not ended: the field is absent or zero. */
  readonly startHi = new Int32Column();
  readonly startLo = new Int32Column();
  readonly endHi = new Int32Column();
  readonly endLo = new Int32Column();
  readonly nameStart = new Int32Column();
  readonly nameEnd = new Int32Column();
  /** 0 unset, 1 ok, 2 error; any other number as it was sent. */
  readonly statusCode = new Int32Column();
  /** Rows of the attribute columns: the attributes whose key was asked for, in wire order. */
  readonly attributesFrom = new Int32Column();
  readonly attributesTo = new Int32Column();

  resourceCount = 0;
  readonly resourceAttributesFrom = new Int32Column();
  readonly resourceAttributesTo = new Int32Column();

  /** Rows in the attribute columns, of spans and resources together. */
  attributeCount = 0;
  /** Index into the `KeySet` of spans or of resources. */
  readonly attributeKey = new Int32Column();
  /** A value of `attributeTypes`. */
  readonly attributeType = new Int32Column();
  /** bool: 0 or 1. int, double: the high word. Others: start of the value's bytes. */
  readonly attributeA = new Int32Column();
  /** bool: 0. int, double: the low word. Others: end of the value's bytes. */
  readonly attributeB = new Int32Column();

  /** Spans that are refused: a wrong or zero id, or a message that cannot be decoded. */
  malformedCount = 0;
  readonly malformedStart = new Int32Column();
  readonly malformedEnd = new Int32Column();

  readonly #perSpan: readonly Int32Column[] = [
    this.fieldStart,
    this.fieldEnd,
    this.resource,
    this.scopeNameStart,
    this.scopeNameEnd,
    this.traceId0,
    this.traceId1,
    this.traceId2,
    this.traceId3,
    this.spanId0,
    this.spanId1,
    this.parentId0,
    this.parentId1,
    this.startHi,
    this.startLo,
    this.endHi,
    this.endLo,
    this.nameStart,
    this.nameEnd,
    this.statusCode,
    this.attributesFrom,
    this.attributesTo,
  ];
  #spanRows = 0;
  #attributeRows = 0;

  /** Empties the batch and points it at `bytes`; the columns keep their room. */
  clear(bytes: Uint8Array = new Uint8Array(0)): void {
    this.bytes = bytes;
    this.count = 0;
    this.resourceCount = 0;
    this.attributeCount = 0;
    this.malformedCount = 0;
  }

  /** Makes room for `rows` spans. */
  ensureSpans(rows: number): void {
    if (rows > this.#spanRows) {
      for (const column of this.#perSpan) {
        column.ensure(rows);
      }
      this.#spanRows = this.fieldStart.capacity;
    }
  }

  /** Makes room for `rows` attributes. */
  ensureAttributes(rows: number): void {
    if (rows > this.#attributeRows) {
      this.attributeKey.ensure(rows);
      this.attributeType.ensure(rows);
      this.attributeA.ensure(rows);
      this.attributeB.ensure(rows);
      this.#attributeRows = this.attributeKey.capacity;
    }
  }
}
