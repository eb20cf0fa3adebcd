import { Int32Column, Int32Table } from "./columns.ts";

/** The types of attribute values; the numbers are the field numbers of OTLP's `AnyValue`. */
export const attributeTypes = {
  string: 1,
  bool: 2,
  int: 3,
  double: 4,
  array: 5,
  kvlist: 6,
  bytes: 7,
} as const;

/** Where the scanner writes the facts of a span in its row of `SpanBatch.spans`. */
export const spanCells = {
  fieldStart: 0,
  fieldEnd: 1,
  resource: 2,
  scopeNameStart: 3,
  scopeNameEnd: 4,
  traceId: 5,
  spanId: 9,
  parentId: 11,
  start: 13,
  end: 15,
  nameStart: 17,
  nameEnd: 18,
  statusCode: 19,
  attributesFrom: 20,
  attributesTo: 21,
} as const;
const cellsPerSpan = 22;
const noBytes = new Uint8Array(0);

/** The same for an attribute in its row of `SpanBatch.attributes`. */
export const attributeCells = { key: 0, type: 1, a: 2, b: 3, width: 4 } as const;

/**
 * The spans of one trace request as columns over its bytes: row i of each column belongs to span i,
 * in wire order. A batch is created once and overwritten by every scan.
 * Ranges are byte offsets into `bytes`, start inclusive, end exclusive; 64-bit values are two int32
 * words, so that nothing is boxed.
 */
export class SpanBatch {
  /** The scanned request. Held until the next scan. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Well-formed spans. */
  count = 0;

  /** The cells that the columns up to `attributesTo` read; for the scanner. */
  readonly spans = new Int32Table(cellsPerSpan);
  /** The whole `spans` field: tag, length, message. */
  readonly fieldStart = this.spans.column(spanCells.fieldStart);
  readonly fieldEnd = this.spans.column(spanCells.fieldEnd);
  /** Row of its resource. */
  readonly resource = this.spans.column(spanCells.resource);
  readonly scopeNameStart = this.spans.column(spanCells.scopeNameStart);
  readonly scopeNameEnd = this.spans.column(spanCells.scopeNameEnd);
  /** Ids as big-endian words. A trace or span id is never all zero; a parent of 0, 0 is none. */
  readonly traceId0 = this.spans.column(spanCells.traceId);
  readonly traceId1 = this.spans.column(spanCells.traceId + 1);
  readonly traceId2 = this.spans.column(spanCells.traceId + 2);
  readonly traceId3 = this.spans.column(spanCells.traceId + 3);
  readonly spanId0 = this.spans.column(spanCells.spanId);
  readonly spanId1 = this.spans.column(spanCells.spanId + 1);
  readonly parentId0 = this.spans.column(spanCells.parentId);
  readonly parentId1 = this.spans.column(spanCells.parentId + 1);
  /** Unix nanoseconds. An end of 0, 0 is a span that has not ended: the field is absent or zero. */
  readonly startHi = this.spans.column(spanCells.start);
  readonly startLo = this.spans.column(spanCells.start + 1);
  readonly endHi = this.spans.column(spanCells.end);
  readonly endLo = this.spans.column(spanCells.end + 1);
  readonly nameStart = this.spans.column(spanCells.nameStart);
  readonly nameEnd = this.spans.column(spanCells.nameEnd);
  /** 0 unset, 1 ok, 2 error; any other number as it was sent. */
  readonly statusCode = this.spans.column(spanCells.statusCode);
  /** Rows of the attribute columns: the attributes with a requested key, in wire order. */
  readonly attributesFrom = this.spans.column(spanCells.attributesFrom);
  readonly attributesTo = this.spans.column(spanCells.attributesTo);

  resourceCount = 0;
  readonly resourceAttributesFrom = new Int32Column();
  readonly resourceAttributesTo = new Int32Column();

  /** Rows in the attribute columns, of spans and resources together. */
  attributeCount = 0;
  /** The cells that the attribute columns read; for the scanner. */
  readonly attributes = new Int32Table(attributeCells.width);
  /** Index into the `KeySet` of spans or of resources. */
  readonly attributeKey = this.attributes.column(attributeCells.key);
  /** A value of `attributeTypes`. */
  readonly attributeType = this.attributes.column(attributeCells.type);
  /** bool: 0 or 1. int, double: the high word. Others: start of the value's bytes. */
  readonly attributeA = this.attributes.column(attributeCells.a);
  /** bool: 0. int, double: the low word. Others: end of the value's bytes. */
  readonly attributeB = this.attributes.column(attributeCells.b);

  /** Spans that are refused: a wrong or zero id, or a message that cannot be decoded. */
  malformedCount = 0;
  readonly malformedStart = new Int32Column();
  readonly malformedEnd = new Int32Column();

  /** Makes room for spans that are expected, so that the columns need not grow on the way. */
  expect(spans: number): void {
    this.spans.ensure(spans);
  }

  /** Empties the batch and releases the bytes, and the room of a request that was much larger than others. */
  release(): void {
    this.clear(noBytes);
    this.spans.shrink();
    this.attributes.shrink();
    this.resourceAttributesFrom.shrink();
    this.resourceAttributesTo.shrink();
    this.malformedStart.shrink();
    this.malformedEnd.shrink();
  }

  /** Empties the batch and points it at `bytes`; the columns keep their room. */
  clear(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.count = 0;
    this.resourceCount = 0;
    this.attributeCount = 0;
    this.malformedCount = 0;
  }
}
