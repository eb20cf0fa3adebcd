import { SendQueue } from "../../src/sender/send-queue.ts";
import type { RelayRecord } from "./relay-record.ts";

/**
 * The records that wait to be sent, at most `limit`. When it is full, starts and claims are dropped before ends and other
 * events: a start is sent again when the collector is back, if its work is still open, and an end contains all fields of the
 * start; the gateway repeats its claims. Spans and log records never share a request.
 */
export function createRecordQueue(limit: number): SendQueue<RelayRecord> {
  return new SendQueue({
    limit,
    worthOf(record) {
      const isStart = record.signal === "span" && record.phase === "start";
      return isStart ? "repeated" : record.signal === "claim" ? "minor" : "lasting";
    },
    kindOf: (record) => record.signal === "span",
  });
}
