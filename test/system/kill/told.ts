import { isDeepStrictEqual } from "node:util";
import { type DerivedEvent, eventsIn, markersOf } from "../../support/derived-telemetry.ts";
import type { SinkRequest } from "../../support/otlp-sink.ts";
import { type Reason, reasons } from "./tally.ts";

/** What a backend was told, each event once however often that was. */
export interface Told {
  /** Markers that were evicted. */
  readonly evicted: Readonly<Record<Reason, number>>;
  /** Events of ends that came after all. */
  readonly reconciled: number;
  /** How many events came that had come before. */
  readonly repeats: number;
}

/** Throws when two events that say to be the same are not. */
export function toldOf(requests: readonly SinkRequest[]): Told {
  const evictions = distinct(eventsIn(requests, "session.activity.evicted"));
  const reconciled = distinct(eventsIn(requests, "session.activity.reconciled"));
  const markers = reasons.map((reason) => {
    const ofReason = evictions.events.filter(
      ({ attributes }) => attributes["openclaw.reason"] === reason,
    );
    return [reason, markersOf(ofReason)];
  });
  return {
    evicted: Object.fromEntries(markers) as Record<Reason, number>,
    reconciled: reconciled.events.length,
    repeats: evictions.repeats + reconciled.repeats,
  };
}

function distinct(events: readonly DerivedEvent[]) {
  const byUid = new Map<string | number | undefined, DerivedEvent>();
  for (const event of events) {
    const uid = event.attributes["log.record.uid"];
    const known = byUid.get(uid);
    // Its time is that of the machine, told by a wall clock that is read anew after each start.
    if (
      known !== undefined &&
      !isDeepStrictEqual({ ...event, timeUnixMs: known.timeUnixMs }, known)
    ) {
      throw new Error(`Two events with the id ${uid}: ${JSON.stringify([known, event])}`);
    }
    byUid.set(uid, event);
  }
  return { events: [...byUid.values()], repeats: events.length - byUid.size };
}
