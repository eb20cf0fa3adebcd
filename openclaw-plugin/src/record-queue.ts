import { SendQueue } from "../../src/sender/send-queue.ts";
import type { RelayRecord } from "./relay-record.ts";

/**
 * What waits to be sent. A start is sent again when the collector is back, if its work is still open, and an end says
 * everything the start said; what the gateway says about its sessions it says again. So these make room for ends and other
 * events. Spans and log records never share a request.
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
