import { tagOf, type WireReader } from "./wire-reader.ts";

/** The members of a metric's `data`: gauge, sum, histogram, exponential histogram, summary. */
const dataTags: readonly number[] = [5, 7, 9, 10, 11].map((field) => tagOf(field, "length"));
const dataPointsTag = tagOf(1, "length");

/** The data points of the metric from the reader's position up to `end`; of a malformed one those before the fault. */
export function countDataPoints(reader: WireReader, end: number): number {
  let points = 0;
  let data = 0;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (!dataTags.includes(tag)) {
      if (!reader.skip(tag, end)) {
        return points;
      }
      continue;
    }
    const stop = reader.length(end);
    if (stop < 0) {
      return points;
    }
    // Of different members the last one applies; parts of the same one are merged.
    points = countFields(reader, stop) + (tag === data ? points : 0);
    data = tag;
    reader.position = stop;
  }
  return points;
}

function countFields(reader: WireReader, end: number): number {
  let count = 0;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (!reader.skip(tag, end)) {
      break;
    }
    count += tag === dataPointsTag ? 1 : 0;
  }
  return count;
}
