import { dialects } from "../../model/dialects.ts";
import { attributeOf, textOf } from "../activity-record.ts";
import type { LogDialect } from "./log-dialect.ts";
import { addReportedSpans } from "./reported-spans.ts";

const stateKey = "span.state";
const bodyTypeKey = "log.body.type";

/** S5: `span.state` is `heartbeat` while the span in the body is open, and `ended` when it has ended. */
export const spanStateLog: LogDialect = {
  dialect: dialects.spanStateLog.storedId,
  attribute: stateKey,
  needles: [stateKey],
  consumption: "if_read",
  read(record, context, signals) {
    const state = textOf(attributeOf(record.record.attributes, stateKey));
    const isStart = state === "heartbeat";
    addReportedSpans(
      record,
      {
        isReadable: isStart || state === "ended",
        isStart,
        intervalMs: isStart ? context.intervals.stateIntervalMs : 0,
        isOverlong: false,
        bodyTypeKey,
      },
      context,
      signals,
    );
  },
};
