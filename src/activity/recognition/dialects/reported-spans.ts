import protobuf from "protobufjs/minimal.js";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import type { ActivityRecord } from "../activity-record.ts";
import { addDisregarded } from "../disregarded.ts";
import { addMalformed } from "../malformed-signal.ts";
import type { LogContext } from "./log-dialect.ts";
import { spansInBody } from "./span-bodies.ts";

/** What a record reports of the spans in its body. */
interface Report {
  /** False for an event that the dialect does not know. */
  readonly isReadable: boolean;
  /** The spans are open; else they have ended. */
  readonly isStart: boolean;
  /** Until the next report, in ms; 0 when none is promised. */
  readonly intervalMs: number;
  /** A longer one was promised than a sender may promise. */
  readonly isOverlong: boolean;
  /** The attribute that has the encoding of the body. */
  readonly bodyTypeKey: string;
}

/** S4 and S5: adds the signals of the spans in the body of a record, or a malformed one if there is none to be read. */
export function addReportedSpans(
  record: ActivityRecord,
  { isReadable, isStart, intervalMs, isOverlong, bodyTypeKey }: Report,
  context: LogContext,
  signals: SignalBatch,
): void {
  const bytes = isReadable ? spansInBody(record, bodyTypeKey) : undefined;
  const { dialect, sender, client, spans } = context;
  const report = { dialect, isStart, intervalMs, sentMs: record.atMs, sender, client };
  const before = signals.count;
  // Some senders put a ResourceSpans where others have the request around it.
  for (const request of bytes === undefined ? [] : [bytes, inRequest(bytes)]) {
    spans.appendReported(request, report, signals);
    if (signals.count > before) {
      if (isOverlong) {
        addDisregarded(signalTypes.overlong, context, signals);
      }
      return;
    }
  }
  addMalformed(dialect, sender, signals);
}

function inRequest(resourceSpans: Uint8Array): Uint8Array {
  return protobuf.Writer.create().uint32(10).bytes(resourceSpans).finish();
}
