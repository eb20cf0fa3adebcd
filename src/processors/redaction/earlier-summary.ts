import type { KeyValueRange } from "./key-value-reader.ts";
import type { FieldRange, RedactionContext } from "./redaction-context.ts";
import type { KeyDecision } from "./redaction-program.ts";
import { valueText } from "./value-text.ts";

/** A longer summary is dropped. A thousand keys are shorter. */
const maxSummaryBytes = 65_536;

interface EarlierSummary {
  readonly keyValue: Readonly<KeyValueRange>;
  readonly decision: KeyDecision;
  readonly place: number;
}

/**
 * Takes an attribute of an earlier summary over into the new one, its keys as any text. Without a new one its counts stay where they are allowed, and
 * its keys are an ordinary attribute, for which this is false.
 */
export function isTakenOver(
  context: RedactionContext,
  range: FieldRange,
  { keyValue: { valueStart, valueEnd }, decision, place }: EarlierSummary,
): boolean {
  const isCount = decision.key.endsWith(".count");
  const isLong = valueEnd - valueStart > maxSummaryBytes;
  if (context.summary === undefined && !isLong) {
    return isCount && decision.isAllowed;
  }
  context.edits.remove(range.fieldStart, range.end);
  if (isLong) {
    return true;
  }
  const text = valueText(context.reader, valueStart, valueEnd);
  const count = Number(text);
  if (!isCount) {
    context.summary?.addEarlier(decision.key, withoutDetected(context, text, decision, place));
  } else if (Number.isSafeInteger(count)) {
    context.summary?.addEarlier(decision.key, count);
  }
  return true;
}

function withoutDetected(
  context: RedactionContext,
  text: string,
  decision: KeyDecision,
  place: number,
): string {
  const bytes = Buffer.from(text);
  context.search(decision.valueAt(place).search, bytes, 0, bytes.length);
  return context.found.count === 0 ? text : context.withoutFoundIn(bytes).toString("utf8");
}
