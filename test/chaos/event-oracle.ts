import { evictedOn, type MetricsPage } from "../support/metrics-page.ts";
import type { Contradiction } from "./contradiction.ts";
import { distinctEvents, type EvictionFigures } from "./eviction-oracle.ts";
import type { eventNames, Ledger } from "./ledger.ts";

/** The `log.record.uid` of all events that a backend has received. */
export function uidsOf({ events }: Pick<Ledger, "events">): ReadonlySet<string> {
  return new Set(events.map(({ attributes }) => String(attributes["log.record.uid"])));
}

/**
 * Every backend has every event, but for those that it has refused for good, and those that were `lost` for good on the way to some of
 * them; and the counters count what the events say.
 */
export function judgeEvents(
  ledgers: readonly Pick<Ledger, "events" | "refusedEvents">[],
  page: MetricsPage,
  {
    late,
    lost,
    isDamaged,
  }: Pick<EvictionFigures, "late"> & {
    readonly lost: ReadonlySet<string>;
    /** The counters began anew somewhere, because the memory of the collector was damaged. */
    readonly isDamaged: boolean;
  },
): readonly Contradiction[] {
  const contradictions: Contradiction[] = [];
  const uids = ledgers.map(uidsOf);
  const all = new Set(uids.flatMap((some) => [...some]));
  for (const [at, { refusedEvents }] of ledgers.entries()) {
    const missing = [...all].filter(
      (uid) => !uids[at]?.has(uid) && !refusedEvents.has(uid) && !lost.has(uid),
    );
    if (missing.length > 0) {
      contradictions.push({
        about: "event",
        what: `${missing.length} of ${all.size} events are at another backend only, not at number ${at + 1}`,
      });
    }
  }
  const distinct = distinctEvents(
    ledgers.flatMap(({ events, refusedEvents }) => [...events, ...refusedEvents.values()]),
  );
  contradictions.push(...distinct.contradictions);
  if (isDamaged) {
    return contradictions;
  }
  const named = (name: (typeof eventNames)[number]) =>
    distinct.events.filter((event) => event.name === name);
  const evicted = named("session.activity.evicted").reduce(
    (sum, { attributes }) =>
      sum +
      Number(attributes["openclaw.evictedTools"] ?? 0) +
      Number(attributes["openclaw.evictedModelCalls"] ?? 0),
    0,
  );
  if (evicted !== evictedOn(page)) {
    contradictions.push({
      about: "counter",
      what: `the events speak of ${evicted} evictions, the page of ${evictedOn(page)}`,
    });
  }
  const reconciled = named("session.activity.reconciled").length;
  const counted = page.sum("openclaw_session_activity_reconciled_total");
  if (reconciled !== counted) {
    contradictions.push({
      about: "counter",
      what: `${reconciled} events of a reconciliation, and ${counted} on the page`,
    });
  }
  if (reconciled > late) {
    contradictions.push({
      about: "event",
      what: `${reconciled} evictions were reconciled, but only ${late} ends came late`,
    });
  }
  return contradictions;
}
