import type { ActivityEvent, HeldEvent } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityCounters } from "../store/activity-counters.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

/** Fewer evictions at once are never too many. */
const minMass = 50;
/** Nor is a smaller share of all open markers. */
const maxShare = 0.2;
/** What falls due within this time counts as at once: of deadlines after an owner's end, and of silence. */
const confirmedWindowMs = 1_000;
const silentWindowMs = 10_000;

/** The evictions that are due within a stretch of time. */
export interface DueMarkers {
  readonly total: number;
  /** As many of them are of one session. */
  readonly largest: number;
}

/** Counts what would be evicted by `untilMs`. */
export type DueCount = (untilMs: number) => DueMarkers;

interface Window {
  readonly lengthMs: number;
  /** Until when it is known whether there are too many. */
  untilMs: number;
  isMass: boolean;
}

/** What it needs of the engine. */
interface CircuitBreakerParts {
  readonly limits: ActivityLimits;
  readonly counters: ActivityCounters;
  readonly events: ActivityEvent[];
}

/**
 * The circuit breaker: a broken network must not look like a thousand dead tools. It looks ahead, so
 * that not even the first of a mass is evicted, and at deadlines only, so that the moment of a sweep
 * means nothing.
 */
export class CircuitBreaker {
  readonly #parts: CircuitBreakerParts;
  readonly #confirmed: Window;
  readonly #silent: Window;
  #lastInputAtMs = Number.NEGATIVE_INFINITY;
  /** That something is held back was told since something was heard. */
  #isReported = false;

  constructor(parts: CircuitBreakerParts) {
    this.#parts = parts;
    const none = { untilMs: Number.NEGATIVE_INFINITY, isMass: false };
    const endedWindowMs = Math.min(confirmedWindowMs, parts.limits.allowedLatenessMs);
    this.#confirmed = { lengthMs: endedWindowMs, ...none };
    this.#silent = { lengthMs: silentWindowMs, ...none };
  }

  snapshot(io: SnapshotStream): void {
    for (const window of [this.#confirmed, this.#silent]) {
      window.untilMs = io.number(window.untilMs);
      window.isMass = io.number(window.isMass ? 1 : 0) === 1;
    }
    this.#lastInputAtMs = io.number(this.#lastInputAtMs);
    this.#isReported = io.number(this.#isReported ? 1 : 0) === 1;
  }

  /** Something arrived, from whomever. */
  onInput(nowMs: number): void {
    this.#lastInputAtMs = nowMs;
    this.#isReported = false;
  }

  /** Whether evictions that are due at `dueMs` because owners or sessions ended are too many at once. */
  isMass(dueMs: number, count: DueCount): boolean {
    // Those of one session alone are what a confirmed end means.
    return this.#isTripped(this.#confirmed, dueMs, count, ({ total, largest }) => total - largest);
  }

  /** Whether evictions that are due at `dueMs` for silence are too many at once. */
  isSilentMass(dueMs: number, count: DueCount): boolean {
    return this.#isTripped(this.#silent, dueMs, count, ({ total }) => total);
  }

  /** Whether nothing at all was heard for so long before `dueMs` that one silence says nothing of its sender. */
  hasInputStopped(dueMs: number, usualGapMs: number): boolean {
    return dueMs - this.#lastInputAtMs >= usualGapMs;
  }

  /** Evictions wait because nothing arrives at all, or nothing from one host, of which this is the first. */
  report(cause: "input_stopped" | "host_silent", dueMs: number, markers: number): void {
    if (cause === "host_silent") {
      this.#parts.events.push({ type: "held", cause, atMs: dueMs, markers });
    } else {
      this.#emitHeld(cause, dueMs, markers);
    }
  }

  #isTripped(
    window: Window,
    dueMs: number,
    count: DueCount,
    massOf: (due: DueMarkers) => number,
  ): boolean {
    if (dueMs >= window.untilMs) {
      window.untilMs = dueMs + window.lengthMs;
      const due = count(window.untilMs);
      const open =
        (this.#parts.counters.open[workKinds.tool] ?? 0) +
        (this.#parts.counters.open[workKinds.modelCall] ?? 0);
      const mass = massOf(due);
      window.isMass = mass >= minMass && mass > open * maxShare;
      if (window.isMass) {
        this.#emitHeld("mass_eviction", dueMs, due.total);
      }
    }
    return window.isMass;
  }

  #emitHeld(cause: HeldEvent["cause"], atMs: number, markers: number): void {
    if (!this.#isReported) {
      this.#isReported = true;
      this.#parts.events.push({ type: "held", cause, atMs, markers });
    }
  }
}
