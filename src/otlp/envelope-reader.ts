import { readAttribute } from "./attribute-reader.ts";
import type { KeySet } from "./keys.ts";
import type { SpanBatch } from "./span-batch.ts";
import { tagOf, type WireReader } from "./wire-reader.ts";

/**
 * Tags of the envelope. The requests of the three signals have one shape: field 1 of the request is
 * the part of a resource, field 2 of that the part of a scope, field 2 of that a record (a span, a
 * metric, a log record). Field 1 of a part is its resource or scope.
 */
export const envelopeTags = {
  resourcePart: tagOf(1, "length"),
  resource: tagOf(1, "length"),
  scopePart: tagOf(2, "length"),
  scope: tagOf(1, "length"),
  record: tagOf(2, "length"),
} as const;

const resourceAttributesTag = tagOf(1, "length");
const scopeNameTag = tagOf(1, "length");

/** The error for an envelope that cannot be decoded. */
export function brokenEnvelope(
  message: string,
  reader: WireReader,
): { readonly ok: false; readonly message: string } {
  return {
    ok: false,
    message: `The body is not a valid protobuf request: ${message} is broken at byte ${reader.position}.`,
  };
}

/** Reads a `Resource` up to `end` and appends its known attributes to `batch`; false when malformed. */
export function readResource(
  reader: WireReader,
  end: number,
  keys: KeySet | undefined,
  batch: SpanBatch,
): boolean {
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === resourceAttributesTag) {
      const stop = reader.length(end);
      if (stop < 0 || !readAttribute(reader, reader.position, stop, keys, batch)) {
        return false;
      }
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      return false;
    }
  }
  return true;
}

/** Reads an `InstrumentationScope` up to `end`; `name` becomes the range of its name when it has one. */
export function readScope(
  reader: WireReader,
  end: number,
  name: { start: number; end: number },
): boolean {
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === scopeNameTag) {
      const stop = reader.length(end);
      if (stop < 0) {
        return false;
      }
      name.start = reader.position;
      name.end = stop;
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      return false;
    }
  }
  return true;
}
