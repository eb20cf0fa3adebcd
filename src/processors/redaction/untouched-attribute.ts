import { keyTag, valueTag } from "./key-value-reader.ts";
import { contentStart, isWholeScalar } from "./plain-value.ts";
import type { RedactionContext } from "./redaction-context.ts";
import { contentTwinOf } from "./redaction-places.ts";
import { isScalarTag, valueTags } from "./value-text.ts";

/**
 * Whether nothing changes in the attribute from `start` up to `end`, as in nearly all of them: a short key and one text, number or truth value. False
 * if that takes a closer look.
 */
export function isUntouchedAttribute(
  context: RedactionContext,
  start: number,
  end: number,
  place: number,
): boolean {
  const { bytes } = context.reader;
  const keyStart = start + 2;
  const keyEnd = keyStart + (bytes[start + 1] ?? 0);
  if (bytes[start] !== keyTag || keyEnd >= keyStart + 0x80 || bytes[keyEnd] !== valueTag) {
    return false;
  }
  const valueStart = contentStart(bytes, keyEnd + 1, end);
  if (valueStart < 0) {
    return false;
  }
  const { program, budget } = context;
  const decision = program.keyDecision(bytes, keyStart, keyEnd);
  if (decision.isSummary || decision.isIgnored || !decision.isAllowed || decision.isBlocked) {
    return false;
  }
  const { wholeBy, search } = decision.valueAt(context.isContent ? contentTwinOf(place) : place);
  if (wholeBy >= 0 || decision.newKeyAt !== undefined || program.lists.hasValues) {
    return false;
  }
  if (bytes[valueStart] !== valueTags.string) {
    return (
      isScalarTag(bytes[valueStart] ?? 0) &&
      !program.lists.redactsAllTypes &&
      isWholeScalar(bytes, valueStart, end)
    );
  }
  const textStart = contentStart(bytes, valueStart + 1, end);
  if (textStart < 0 || search === undefined) {
    return textStart >= 0;
  }
  const { matchesLeft } = budget;
  const result = context.search(search, bytes, textStart, end);
  budget.matchesLeft = matchesLeft; // What was found is looked for again, to replace it.
  return result?.outcome === "ranges" && context.found.count === 0;
}
