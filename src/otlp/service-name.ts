import { envelopeTags } from "./envelope-reader.ts";
import { forgetView, tagOf, WireReader } from "./wire-reader.ts";

const attributeTag = tagOf(1, "length");
const keyTag = tagOf(1, "length");
const valueTag = tagOf(2, "length");
const stringTag = tagOf(1, "length");
const serviceName = new TextEncoder().encode("service.name");

/**
 * The bytes of `service.name` in the first resource of a request; empty if it has none that is a text. A view of `bytes`. Reads nothing
 * behind that attribute, and never throws.
 */
export function firstServiceName(bytes: Uint8Array): Uint8Array {
  const reader = new WireReader(bytes);
  try {
    const partEnd = enter(reader, envelopeTags.resourcePart, bytes.length);
    const end = enter(reader, envelopeTags.resource, partEnd);
    while (reader.position < end) {
      const tag = reader.tag(end);
      if (tag !== attributeTag) {
        if (!reader.skip(tag, end)) {
          break;
        }
        continue;
      }
      const stop = reader.length(end);
      if (stop < 0) {
        break;
      }
      if (isServiceName(reader, stop)) {
        const textEnd = enter(reader, stringTag, enter(reader, valueTag, stop));
        return textEnd < 0 ? none : bytes.subarray(reader.position, textEnd);
      }
      reader.position = stop;
    }
    return none;
  } finally {
    forgetView();
  }
}

const none = new Uint8Array(0);

/** Goes into the first field with this tag, and returns where it ends; -1 if there is none up to `end`. */
function enter(reader: WireReader, wanted: number, end: number): number {
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === wanted) {
      return reader.length(end);
    }
    if (!reader.skip(tag, end)) {
      return -1;
    }
  }
  return -1;
}

/** Reads the key of an attribute, which every encoder writes first. */
function isServiceName(reader: WireReader, end: number): boolean {
  if (reader.tag(end) !== keyTag) {
    return false;
  }
  const stop = reader.length(end);
  const start = reader.position;
  if (stop - start !== serviceName.length) {
    return false;
  }
  for (let at = 0; at < serviceName.length; at++) {
    if (reader.bytes[start + at] !== serviceName[at]) {
      return false;
    }
  }
  reader.position = stop;
  return true;
}
