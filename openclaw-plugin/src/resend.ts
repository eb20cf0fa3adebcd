import { ownerOf, startRecord, type Work } from "./gateway-work.ts";
import type { OpenGatewayWork } from "./open-gateway-work.ts";
import type { OpenPauses } from "./open-pauses.ts";
import type { RelayRecord, SpanRecord } from "./relay-record.ts";

/**
 * Open work is resent until this long after the collector accepted the end of its run. By then the collector has decided
 * about it, and a restarted collector must not report the same orphan a second time.
 */
const resentAfterOwnerMs = 15_000;

/**
 * The records that a collector needs after it may have lost its state: all open work, all its ancestors (open or ended), and
 * the open pauses. Orphans that the collector must have evicted already are left out.
 *
 * @param nowMs any clock
 * @param deliveredMs when, by that clock, the collector accepted a record; undefined if it has not yet
 */
export function recordsToResend(
  open: OpenGatewayWork,
  pauses: OpenPauses,
  nowMs: number,
  deliveredMs: (record: SpanRecord) => number | undefined,
): readonly RelayRecord[] {
  const records = new Map<Work, SpanRecord>();
  const add = (work: Work): void => {
    if (!records.has(work)) {
      if (work.parent !== undefined) {
        add(work.parent);
      }
      records.set(work, work.ending ?? startRecord(work));
    }
  };
  for (const work of open) {
    const ending = ownerOf(work)?.ending;
    const endDeliveredMs = ending === undefined ? undefined : deliveredMs(ending);
    if (endDeliveredMs === undefined || nowMs - endDeliveredMs < resentAfterOwnerMs) {
      add(work);
    }
  }
  return [...records.values(), ...pauses.open()];
}
