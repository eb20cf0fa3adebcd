import { ownerOf, startRecord, type Work } from "./gateway-work.ts";
import type { OpenGatewayWork } from "./open-gateway-work.ts";
import type { OpenPauses } from "./open-pauses.ts";
import type { RelayRecord, SpanRecord } from "./relay-record.ts";

/**
 * Open work is sent again for this long after the collector learned that its run ended. By then that has judged it; a
 * collector that has started anew must not report the same orphan a second time.
 */
const sentAgainAfterOwnerMs = 15_000;

/**
 * What a collector needs that may have lost everything: all open work and, whether open or ended, everything above it;
 * but no orphan that it must have evicted already; and the pauses that are on.
 *
 * @param nowMs any clock
 * @param deliveredMs when, by that clock, the collector took a record; undefined if it did not yet
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
    if (endDeliveredMs === undefined || nowMs - endDeliveredMs < sentAgainAfterOwnerMs) {
      add(work);
    }
  }
  return [...records.values(), ...pauses.open()];
}
