import { KeySet } from "../../../otlp/keys.ts";
import { attributeTypes } from "../../../otlp/span-batch.ts";
import { dialects } from "../../model/dialects.ts";
import { endSignal, signalKey } from "../work-spans.ts";
import type { AttributeDialect } from "./span-dialect.ts";

const end = new KeySet([endSignal]);

/**
 * S1, the end of a live span: a copy of the finished span for the collector alone. The span itself may go elsewhere, or wait in a batch;
 * where both arrive, the second one is a duplicate.
 */
export const liveSpanEnd: AttributeDialect = {
  dialect: dialects.liveSpan.storedId,
  attribute: signalKey,
  otherAttributes: [],
  isMarkedBy(spans, attribute) {
    const isText = spans.attributeType.get(attribute) === attributeTypes.string;
    const start = spans.attributeA.get(attribute);
    return isText && end.match(spans.bytes, start, spans.attributeB.get(attribute)) === 0;
  },
  isAlwaysStart: false,
  isFinished: true,
  consumption: "always",
  amend: undefined,
};
