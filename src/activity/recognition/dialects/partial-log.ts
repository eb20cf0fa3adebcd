import { dialects } from "../../model/dialects.ts";
import { type ActivityRecord, attributeOf, integerOf, textOf } from "../activity-record.ts";
import { promisedInterval } from "../promised-interval.ts";
import type { LogDialect, ReportIntervals } from "./log-dialect.ts";
import { addReportedSpans } from "./reported-spans.ts";

const eventKey = "partial.event";
const bodyTypeKey = "partial.body.type";
const frequencyKey = "partial.frequency";
/** Of a longer text only as much is read. */
const maxFrequencyCharacters = 64;
/** A number with more digits is longer than any lease in each unit, the nanosecond too. */
const hugeNumber = /^0*[1-9]\d{16}/;

/** S4: `partial.event` is `heartbeat` while the span in the body is open, and `stop` when it has ended. */
export const partialLog: LogDialect = {
  dialect: dialects.partialLog.storedId,
  attribute: eventKey,
  needles: [eventKey],
  consumption: "if_read",
  read(record, context, signals) {
    const event = textOf(attributeOf(record.record.attributes, eventKey));
    const isStart = event === "heartbeat";
    addReportedSpans(
      record,
      {
        isReadable: isStart || event === "stop",
        isStart,
        ...promisedInterval(
          isStart ? frequencyMsOf(record, context.intervals) : 0,
          context.intervals,
        ),
        bodyTypeKey,
      },
      context,
      signals,
    );
  },
};

/** `5000ms` and the like; a bare number, as first releases wrote it, is milliseconds. */
function frequencyMsOf(
  { record }: ActivityRecord,
  { parseDurationMs }: Pick<ReportIntervals, "parseDurationMs">,
): number {
  const value = attributeOf(record.attributes, frequencyKey);
  const written = textOf(value);
  if (hugeNumber.test(written.slice(0, maxFrequencyCharacters))) {
    return Number.POSITIVE_INFINITY;
  }
  const text = written.length > maxFrequencyCharacters ? "" : written;
  return (
    integerOf(value) ??
    value?.doubleValue ??
    (/^\d+$/.test(text) ? Number(text) : (parseDurationMs(text) ?? 0))
  );
}
