import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { openMembersOf, withoutOpenBelow } from "../store/open-members.ts";
import type { OpenWork } from "../store/open-work.ts";
import { spanFlags } from "../store/span-table.ts";
import type { CircuitBreaker, DueCount } from "./circuit-breaker.ts";
import { nextDecisionMs } from "./crowded-decisions.ts";
import type { EvictionForecast } from "./eviction-forecast.ts";
import type { Evictions } from "./evictions.ts";
import type { OwnerEnds } from "./owner-ends.ts";
import { startOf } from "./span-start.ts";

const reason = "session_ended";

/** What it needs of the engine. */
interface SessionEndPolicyParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly sessionTimers: KeyedTimers;
  readonly ownerEnds: OwnerEnds;
  readonly evictions: Evictions;
  readonly breaker: CircuitBreaker;
  readonly forecast: EvictionForecast;
}

/**
 * Evicts the open work of a session a lateness after its reported end, as far as it began before that end. Keeps nothing of its
 * own: `GroupTable.endedAtMs` has the end until all of it is decided.
 */
export class SessionEndPolicy {
  readonly #parts: SessionEndPolicyParts;

  constructor(parts: SessionEndPolicyParts) {
    this.#parts = parts;
  }

  /** Work of a session whose end is not decided yet started, or its start arrived late: it has a lateness to report its end. */
  scheduleCheck(span: number, nowMs: number): void {
    const { store, limits, sessionTimers } = this.#parts;
    const group = store.groupOf(span);
    if (group !== -1 && store.groups.hasEnded(group)) {
      sessionTimers.schedule(group, nowMs + limits.allowedLatenessMs);
    }
  }

  /** The deadline of a session's end passed. `due` counts the evictions that are due with it, which are held back if they are too many. */
  decide(group: number, atMs: number, due: DueCount): void {
    if (this.#parts.store.groups.hasEnded(group) && !this.#isHeldBack(group, atMs, due)) {
      this.#evict(group, atMs);
    }
  }

  /** Whether the session is one of a mass that would lose their markers at once: each waits for another lateness, once. */
  #isHeldBack(group: number, atMs: number, due: DueCount): boolean {
    const { store, limits, forecast, breaker, sessionTimers } = this.#parts;
    const { groups } = store;
    if (groups.hasFlag(group, groupFlags.held)) {
      groups.clearFlag(group, groupFlags.held);
      return false;
    }
    if (forecast.markersOfSession(group) === 0 || !breaker.isMass(reason, atMs, due)) {
      return false;
    }
    groups.setFlag(group, groupFlags.held);
    sessionTimers.set(group, atMs + limits.allowedLatenessMs);
    return true;
  }

  #evict(group: number, atMs: number): void {
    const { store, limits, sessionTimers, evictions, openWork, ownerEnds } = this.#parts;
    const { spans, groups } = store;
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
    // A marker waits for open work below it that stays.
    const markers = withoutOpenBelow(store, due).filter((span) => !isRun(span));
    const kept = this.#aboveAllBut(group, new Set([...markers, ...due.filter(isRun)]));
    const runs = due.filter((span) => isRun(span) && !kept.has(span));
    const isAll = runs.length + markers.length === before.length;
    if (isAll) {
      groups.endedAtMs.set(group, Number.NEGATIVE_INFINITY);
      groups.sessionEndMs.set(group, Number.NEGATIVE_INFINITY);
      groups.sessionEndSeq.set(group, 0);
    } else if (Number.isFinite(nextMs)) {
      sessionTimers.schedule(group, nextDecisionMs(limits, before.length, nextMs, atMs));
    }
    if (markers.length > 0) {
      evictions.evict(markers, { reason, channel: groups.channel.get(group), atMs });
    }
    for (const run of runs) {
      openWork.evict(run, reason, atMs);
      ownerEnds.runEvicted(run, atMs);
    }
  }

  /** Work above open work of the session that stays, because it began after the end or waits for a sub-agent. */
  #aboveAllBut(group: number, over: ReadonlySet<number>): ReadonlySet<number> {
    const { tree } = this.#parts.store;
    const above = new Set<number>();
    for (const span of this.#openIn(group)) {
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

  /**
   * A lateness after the end of the session; for work whose start arrived later than that, a lateness after its start. A run below a
   * marker holds it here too: after its end the marker has a lateness.
   */
  #dueMsOf(span: number, group: number): number {
    const { store, limits } = this.#parts;
    const { spans, groups, tree } = store;
    // With `hadHolder` it is the end of a run of another session, perhaps.
    const own = spans.hasFlag(span, spanFlags.hadHolder) ? 0 : spans.releasedAtMs.get(span);
    const releasedAtMs = tree.releasedAtMs(span, own);
    const endedAtMs = groups.endedAtMs.get(group);
    const startedAtMs = spans.startedAtMs.get(span);
    const isLateStart = startedAtMs > endedAtMs + limits.allowedLatenessMs;
    const fromMs = Math.max(isLateStart ? startedAtMs : endedAtMs, releasedAtMs);
    return fromMs + limits.allowedLatenessMs;
  }

  /** Open work of the session that started before it ended, in the order of its process. */
  #openBefore(group: number): readonly number[] {
    const { store, limits } = this.#parts;
    const reported = store.groups.sessionEndOf(group);
    // The report has the number of the last event before it.
    const end = { ...reported, seq: reported.seq > 0 ? reported.seq + 0.5 : 0 };
    return this.#openIn(group).filter(
      (span) => compareMoments(startOf(store, span), end, limits.allowedLatenessMs) < 0,
    );
  }

  #openIn(group: number): readonly number[] {
    const { store } = this.#parts;
    return store.live.all(group).flatMap((owner) => openMembersOf(store, owner));
  }
}
