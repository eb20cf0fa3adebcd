import { keyTag, valueTag } from "./key-value-reader.ts";
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
  const decision = context.program.keyDecision(bytes, keyStart, keyEnd);
  if (decision.isSummary || decision.isIgnored || !decision.isAllowed || decision.isBlocked) {
    return false;
  }
  const { wholeBy, search } = decision.valueAt(context.isContent ? contentTwinOf(place) : place);
  if (wholeBy >= 0 || decision.newKeyAt !== undefined || context.program.lists.hasValues) {
    return false;
  }
  if (bytes[valueStart] === valueTags.string) {
    const textStart = contentStart(bytes, valueStart + 1, end);
    if (textStart < 0 || search === undefined) {
      return textStart >= 0;
    }
    const result = context.search(search, bytes, textStart, end);
    return result?.outcome === "ranges" && context.found.count === 0;
  }
  return isScalarTag(bytes[valueStart] ?? 0) && !context.program.lists.redactsAllTypes
    ? isWholeScalar(bytes, valueStart, end)
    : false;
}

/** Where the content begins whose length is at `at`, if the length has one or two bytes and the content ends at `end`; else -1. */
function contentStart(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) {
    return at + 1 + first === end ? at + 1 : -1;
  }
  const second = bytes[at + 1] ?? 0;
  return second < 0x80 && at + 2 + ((first & 0x7f) | (second << 7)) === end ? at + 2 : -1;
}

/** Whether a number or truth value behind its tag is all there is. */
function isWholeScalar(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === valueTags.double) {
    return end - start === 9;
  }
  for (let at = start + 1; at < end - 1; at++) {
    if ((bytes[at] ?? 0) < 0x80) {
      return false;
    }
  }
  return end - start > 1 && end - start <= 11 && (bytes[end - 1] ?? 0) < 0x80;
}
