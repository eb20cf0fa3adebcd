import { dialects } from "../../model/dialects.ts";
import { type ActivityRecord, attributeOf, integerOf, textOf } from "../activity-record.ts";
import { promisedInterval } from "../promised-interval.ts";
import type { LogDialect, ReportIntervals } from "./log-dialect.ts";
import { addReportedSpans } from "./reported-spans.ts";

const eventKey = "partial.event";
const bodyTypeKey = "partial.body.type";
const frequencyKey = "partial.frequency";
/** A longer text is no interval, and is not read as one. */
const maxFrequencyCharacters = 64;

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
  const text = written.length > maxFrequencyCharacters ? "" : written;
  return (
    integerOf(value) ??
    value?.doubleValue ??
    (/^\d+$/.test(text) ? Number(text) : (parseDurationMs(text) ?? 0))
  );
}
