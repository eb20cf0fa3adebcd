import { attributeTypes } from "../../../otlp/span-batch.ts";
import { dialects } from "../../model/dialects.ts";
import type { AttributeDialect } from "./span-dialect.ts";

/** S2, a snapshot of an open span. Its version grows from one snapshot to the next; its end is when it was taken. */
export const datadogPartial: AttributeDialect = {
  dialect: dialects.datadogPartial.storedId,
  attribute: "_dd.partial_version",
  otherAttributes: [],
  isMarkedBy(spans, attribute) {
    const type = spans.attributeType.get(attribute);
    const isNumber = type === attributeTypes.int || type === attributeTypes.double;
    // The first bit of the high word is the sign, of a double as of an int.
    return isNumber && spans.attributeA.get(attribute) >= 0;
  },
  isAlwaysStart: true,
  isFinished: false,
  consumption: "always",
  amend(_spans, _row, _names, signal, signals) {
    signals.sentMs.set(signal, signals.endMs.get(signal));
  },
};
