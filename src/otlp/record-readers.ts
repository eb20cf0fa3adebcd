import { readAttribute } from "./attribute-reader.ts";
import type { SpanBatch } from "./span-batch.ts";
import { tagOf, type WireReader } from "./wire-reader.ts";

const logAttributesTag = tagOf(6, "length");
const logTraceIdTag = tagOf(9, "length");
const logSpanIdTag = tagOf(10, "length");

/** The members of a metric's `data`: gauge, sum, histogram, exponential histogram, summary. */
const dataTags: readonly number[] = [5, 7, 9, 10, 11].map((field) => tagOf(field, "length"));
const dataPointsTag = tagOf(1, "length");

/** Checks a log record: 1, or -1 if it is malformed. Writes attributes to `scratch`. */
export function readLogRecord(reader: WireReader, end: number, scratch: SpanBatch): number {
  let traceIdSize = 0;
  let spanIdSize = 0;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === logAttributesTag) {
      const stop = reader.length(end);
      if (stop < 0 || !readAttribute(reader, reader.position, stop, undefined, scratch)) {
        return -1;
      }
      reader.position = stop;
    } else if (tag === logTraceIdTag || tag === logSpanIdTag) {
      const stop = reader.length(end);
      if (stop < 0) {
        return -1;
      }
      const size = stop - reader.position;
      if (tag === logTraceIdTag) {
        traceIdSize = size;
      } else {
        spanIdSize = size;
      }
      reader.position = stop;
    } else if (!reader.skip(tag, end)) {
      return -1;
    }
  }
  const isTraceId = traceIdSize === 0 || traceIdSize === 16;
  const isSpanId = spanIdSize === 0 || spanIdSize === 8;
  return isTraceId && isSpanId ? 1 : -1;
}

/** The number of data points of a metric. A malformed one makes the metric malformed: minus their number, at least one. */
export function readMetric(reader: WireReader, end: number): number {
  let data = 0;
  let points = 0;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (dataTags.includes(tag)) {
      const stop = reader.length(end);
      const more = stop < 0 ? -1 : countDataPoints(reader, stop);
      if (more < 0) {
        return -Math.max(points, 1);
      }
      // Of different members the last one applies; parts of the same one are merged.
      points = tag === data ? points + more : more;
      data = tag;
    } else if (!reader.skip(tag, end)) {
      return -Math.max(points, 1);
    }
  }
  return points;
}

/** -1 when the message or a data point in it is malformed. */
function countDataPoints(reader: WireReader, end: number): number {
  let points = 0;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag === dataPointsTag) {
      const stop = reader.length(end);
      if (stop < 0 || !skipFields(reader, stop)) {
        return -1;
      }
      points += 1;
    } else if (!reader.skip(tag, end)) {
      return -1;
    }
  }
  return points;
}

function skipFields(reader: WireReader, end: number): boolean {
  while (reader.position < end) {
    if (!reader.skip(reader.tag(end), end)) {
      return false;
    }
  }
  return true;
}
