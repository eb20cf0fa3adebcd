import { KeySet } from "../../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../../otlp/span-batch.ts";
import { dialects } from "../../model/dialects.ts";
import { signalTypes } from "../../model/signal-batch.ts";
import type { AttributeDialect } from "./span-dialect.ts";

const pendingType = new KeySet(["pending_span"]);
const parentKey = "logfire.pending_parent_id";

/**
 * S3, a pending span: its parent has started, and the attribute `logfire.pending_parent_id` has the parent of that one. One
 * without a parent is malformed.
 */
export const logfirePending: AttributeDialect = {
  dialect: dialects.logfirePending.storedId,
  attribute: "logfire.span_type",
  otherAttributes: [parentKey],
  isMarkedBy(spans, attribute) {
    const start = spans.attributeA.get(attribute);
    return (
      spans.attributeType.get(attribute) === attributeTypes.string &&
      pendingType.match(spans.bytes, start, spans.attributeB.get(attribute)) === 0
    );
  },
  isAlwaysStart: true,
  isFinished: false,
  consumption: "unless_forwarded",
  amend(spans, row, names, signal, signals) {
    const [parent0, parent1] = parentOf(spans, row, names);
    const span0 = spans.parentId0.get(row);
    const span1 = spans.parentId1.get(row);
    signals.setSpan(signal, span0, span1, parent0, parent1);
    if (span0 === 0 && span1 === 0) {
      signals.type.set(signal, signalTypes.malformed);
    }
  },
};

/** The id in `logfire.pending_parent_id` as two words; zeros for a root. */
function parentOf(
  spans: SpanBatch,
  row: number,
  names: readonly string[],
): readonly [number, number] {
  const to = spans.attributesTo.get(row);
  for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
    if (
      names[spans.attributeKey.get(attribute)] === parentKey &&
      spans.attributeType.get(attribute) === attributeTypes.string
    ) {
      const start = spans.attributeA.get(attribute);
      return spanIdIn(spans.bytes, start, spans.attributeB.get(attribute));
    }
  }
  return [0, 0];
}

/** 16 hex digits as two words; zeros for anything else. */
function spanIdIn(bytes: Uint8Array, start: number, end: number): readonly [number, number] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  return /^[0-9a-fA-F]{16}$/.test(text)
    ? [Number.parseInt(text.slice(0, 8), 16) | 0, Number.parseInt(text.slice(8), 16) | 0]
    : [0, 0];
}
