import type { ActivityLimits } from "../../model/limits.ts";
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

/** What it needs of the engine. */
interface SessionEndPolicyParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly openWork: OpenWork;
  readonly sessionTimers: KeyedTimers;
  readonly ownership: Ownership;
  readonly evictions: Evictions;
  readonly breaker: CircuitBreaker;
  readonly forecast: EvictionForecast;
}

/** What the end of a session means: a lateness later, what began in it before and is still open is over. */
export class SessionEndPolicy {
  readonly #parts: SessionEndPolicyParts;

  constructor(parts: SessionEndPolicyParts) {
    this.#parts = parts;
  }

  /** The deadline of a session's end passed; `due` counts what goes together with it. */
  decide(group: number, atMs: number, due: DueCount): void {
    if (this.#parts.store.groups.hasEnded(group) && !this.#isHeldBack(group, atMs, due)) {
      this.#evict(group, atMs);
    }
  }

  /** Too many sessions would lose their markers at once: each waits for a lateness more, once. */
  #isHeldBack(group: number, atMs: number, due: DueCount): boolean {
    const { groups } = this.#parts.store;
    if (groups.hasFlag(group, groupFlags.held)) {
      groups.clearFlag(group, groupFlags.held);
      return false;
    }
    if (
      this.#parts.forecast.markersOfSession(group) === 0 ||
      !this.#parts.breaker.isMass("session_ended", atMs, due)
    ) {
      return false;
    }
    groups.setFlag(group, groupFlags.held);
    this.#parts.sessionTimers.set(group, atMs + this.#parts.limits.allowedLatenessMs);
    return true;
  }

  #evict(group: number, atMs: number): void {
    const { spans, groups } = this.#parts.store;
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
    const markers = withoutOpenBelow(this.#parts.store, due).filter((span) => !isRun(span));
    const kept = this.#aboveAllBut(group, new Set([...markers, ...due.filter(isRun)]));
    const runs = due.filter((span) => isRun(span) && !kept.has(span));
    const isAll = runs.length + markers.length === before.length;
    const reason = "session_ended";
    if (isAll) {
      groups.endedAtMs.set(group, Number.NEGATIVE_INFINITY);
      groups.sessionEndMs.set(group, Number.NEGATIVE_INFINITY);
      groups.sessionEndSeq.set(group, 0);
    } else if (Number.isFinite(nextMs)) {
      this.#parts.sessionTimers.schedule(group, nextMs);
    }
    if (markers.length > 0) {
      this.#parts.evictions.evict(markers, { reason, channel: groups.channel.get(group), atMs });
    }
    for (const run of runs) {
      this.#parts.openWork.evict(run, reason, atMs);
      this.#parts.ownership.runEvicted(run, atMs);
    }
  }

  /** What is above open work of the session that stays: began after its end, or waits for a sub-agent. */
  #aboveAllBut(group: number, over: ReadonlySet<number>): ReadonlySet<number> {
    const { tree, live } = this.#parts.store;
    const above = new Set<number>();
    for (const span of live
      .all(group)
      .flatMap((owner) => openMembersOf(this.#parts.store, owner))) {
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
    const { spans, groups } = this.#parts.store;
    // Who held a marker without a known run is another matter.
    const releasedAtMs = spans.hasFlag(span, spanFlags.wasHeld) ? 0 : spans.releasedAtMs.get(span);
    const fromMs = Math.max(groups.endedAtMs.get(group), releasedAtMs);
    return fromMs + this.#parts.limits.allowedLatenessMs;
  }

  /** Open work of the session that started before it ended, in the order of its process. */
  #openBefore(group: number): readonly number[] {
    const { spans, groups, live } = this.#parts.store;
    const reported = groups.sessionEndOf(group);
    // It carries the number of what came last before it.
    const end = { ...reported, seq: reported.seq > 0 ? reported.seq + 0.5 : 0 };
    return live
      .all(group)
      .flatMap((owner) => openMembersOf(this.#parts.store, owner))
      .filter((span) => {
        const start = {
          atMs: spans.startedAtMs.get(span),
          timeMs: spans.startMs.get(span),
          seq: spans.seq.get(span),
        };
        return compareMoments(start, end, this.#parts.limits.allowedLatenessMs) < 0;
      });
  }
}
