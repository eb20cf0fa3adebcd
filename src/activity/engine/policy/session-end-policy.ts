import { compareMoments } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import type { KeyedTimers } from "../schedule/keyed-timers.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { openMembersOf, withoutOpenBelow } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { spanFlags } from "../store/span-table.ts";
import type { CircuitBreaker, DueCount } from "./circuit-breaker.ts";
import type { EvictionForecast } from "./eviction-forecast.ts";
import type { Evictions } from "./evictions.ts";
import type { Ownership } from "./ownership.ts";

/** What the end of a session means: a lateness later, what began in it before and is still open is over. */
export class SessionEndPolicy {
  readonly #allowedLatenessMs: number;
  readonly #store: ActivityStore;
  readonly #openWork: OpenWork;
  readonly #sessionTimers: KeyedTimers;
  readonly #ownership: Ownership;
  readonly #evictions: Evictions;
  readonly #breaker: CircuitBreaker;
  readonly #forecast: EvictionForecast;

  constructor(parts: {
    readonly allowedLatenessMs: number;
    readonly store: ActivityStore;
    readonly openWork: OpenWork;
    readonly sessionTimers: KeyedTimers;
    readonly ownership: Ownership;
    readonly evictions: Evictions;
    readonly breaker: CircuitBreaker;
    readonly forecast: EvictionForecast;
  }) {
    this.#allowedLatenessMs = parts.allowedLatenessMs;
    this.#store = parts.store;
    this.#openWork = parts.openWork;
    this.#sessionTimers = parts.sessionTimers;
    this.#ownership = parts.ownership;
    this.#evictions = parts.evictions;
    this.#breaker = parts.breaker;
    this.#forecast = parts.forecast;
  }

  /** The deadline of a session's end passed; `due` counts what goes together with it. */
  decide(group: number, atMs: number, due: DueCount): void {
    if (this.#store.groups.hasEnded(group) && !this.#isHeldBack(group, atMs, due)) {
      this.#evict(group, atMs);
    }
  }

  /** Too many sessions would lose their markers at once: each waits for a lateness more, once. */
  #isHeldBack(group: number, atMs: number, due: DueCount): boolean {
    const { groups } = this.#store;
    if (groups.hasFlag(group, groupFlags.held)) {
      groups.clearFlag(group, groupFlags.held);
      return false;
    }
    if (this.#forecast.markersOfSession(group) === 0 || !this.#breaker.isMass(atMs, due)) {
      return false;
    }
    groups.setFlag(group, groupFlags.held);
    this.#sessionTimers.set(group, atMs + this.#allowedLatenessMs);
    return true;
  }

  #evict(group: number, atMs: number): void {
    const { spans, groups } = this.#store;
    const isRun = (span: number) => spans.kind.get(span) === workKinds.run;
    const before = this.#openBefore(group);
    const due: number[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const span of before) {
      const dueMs = this.#dueMsOf(span, group);
      if (dueMs <= atMs) {
        due.push(span);
      } else {
        nextMs = Math.min(nextMs, dueMs);
      }
    }
    // A marker with open work below that goes on waits for that.
    const markers = withoutOpenBelow(this.#store, due).filter((span) => !isRun(span));
    const kept = this.#aboveAllBut(group, new Set([...markers, ...due.filter(isRun)]));
    const runs = due.filter((span) => isRun(span) && !kept.has(span));
    const isAll = runs.length + markers.length === before.length;
    const reason = "session_ended";
    if (isAll) {
      groups.endedAtMs.set(group, Number.NEGATIVE_INFINITY);
      groups.sessionEndMs.set(group, Number.NEGATIVE_INFINITY);
      groups.sessionEndSeq.set(group, 0);
    } else if (Number.isFinite(nextMs)) {
      this.#sessionTimers.schedule(group, nextMs);
    }
    if (markers.length > 0) {
      this.#evictions.evict(markers, { reason, channel: groups.channel.get(group), atMs });
    }
    for (const run of runs) {
      this.#openWork.evict(run, reason, atMs);
      this.#ownership.runEvicted(run, atMs);
    }
  }

  /** What is above open work of the session that stays: began after its end, or waits for a sub-agent. */
  #aboveAllBut(group: number, over: ReadonlySet<number>): ReadonlySet<number> {
    const { tree, live } = this.#store;
    const above = new Set<number>();
    for (const span of live.all(group).flatMap((owner) => openMembersOf(this.#store, owner))) {
      for (
        let at = over.has(span) ? -1 : tree.waitingParentOf(span);
        at !== -1;
        at = tree.waitingParentOf(at)
      ) {
        above.add(at);
      }
    }
    return above;
  }

  /** A run below a marker holds it here too: its end leaves the marker a lateness. */
  #dueMsOf(span: number, group: number): number {
    const { spans, groups } = this.#store;
    // Who held a marker without a known run is another matter.
    const releasedAtMs = spans.hasFlag(span, spanFlags.wasHeld) ? 0 : spans.releasedAtMs.get(span);
    const fromMs = Math.max(groups.endedAtMs.get(group), releasedAtMs);
    return fromMs + this.#allowedLatenessMs;
  }

  /** Open work of the session that started before it ended, in the order of its process. */
  #openBefore(group: number): readonly number[] {
    const { spans, groups, live } = this.#store;
    const reported = groups.sessionEndOf(group);
    // It carries the number of what came last before it.
    const end = { ...reported, seq: reported.seq > 0 ? reported.seq + 0.5 : 0 };
    return live
      .all(group)
      .flatMap((owner) => openMembersOf(this.#store, owner))
      .filter((span) => {
        const start = {
          atMs: spans.startedAtMs.get(span),
          timeMs: spans.startMs.get(span),
          seq: spans.seq.get(span),
        };
        return compareMoments(start, end, this.#allowedLatenessMs) < 0;
      });
  }
}
