import type { ActivityEvent, HeldEvent } from "../../model/events.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { type EvictionReason, reasons } from "../../model/reasons.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityCounters } from "../store/activity-counters.ts";
import type { SnapshotStream } from "../store/snapshot.ts";

/** A mass is at least this many evictions, and more than this share of all open markers. */
const minMass = 50;
const maxShare = 0.2;
/** Evictions that fall due within one window count as simultaneous: after the end of a run or session, and after silence. */
const endedWindowMs = 1_000;
const silentWindowMs = 10_000;

/** The evictions that fall due within a window. */
export interface DueMarkers {
  readonly total: number;
  /** How many of them belong to the session with the most, whose end explains them; 0 where only silence does. */
  readonly largest: number;
}

/** Counts the evictions that fall due by `untilMs`. */
export type DueCount = (untilMs: number) => DueMarkers;

interface Window {
  readonly lengthMs: number;
  /** The answer holds until then. */
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
 * The circuit breaker: a broken network must not look like a thousand dead tools.
 *
 * Keeps one window for each value of `reasons.breaker`, and nothing that grows. A mass that falls due in a window is reported in
 * one event, and none of it is evicted at its first deadline: the window is counted ahead. It opens at a deadline, so that the
 * moment of a call does not matter.
 */
export class CircuitBreaker {
  readonly #parts: CircuitBreakerParts;
  readonly #windows: Readonly<Record<(typeof reasons)[EvictionReason]["breaker"], Window>>;
  #lastInputAtMs = Number.NEGATIVE_INFINITY;
  /** Whether a hold was reported since the last input. */
  #isReported = false;

  constructor(parts: CircuitBreakerParts) {
    this.#parts = parts;
    const none = { untilMs: Number.NEGATIVE_INFINITY, isMass: false };
    const shortMs = Math.min(endedWindowMs, parts.limits.allowedLatenessMs);
    this.#windows = {
      ended: { lengthMs: shortMs, ...none },
      silent: { lengthMs: silentWindowMs, ...none },
    };
  }

  snapshot(io: SnapshotStream): void {
    for (const window of [this.#windows.ended, this.#windows.silent]) {
      window.untilMs = io.number(window.untilMs);
      window.isMass = io.number(window.isMass ? 1 : 0) === 1;
    }
    this.#lastInputAtMs = io.number(this.#lastInputAtMs);
    this.#isReported = io.number(this.#isReported ? 1 : 0) === 1;
  }

  /** Signals arrived, from any sender. */
  onInput(nowMs: number): void {
    this.#lastInputAtMs = nowMs;
    this.#isReported = false;
  }

  /** Whether an eviction that is due at `dueMs` for `reason` is one of too many at once. */
  isMass(reason: EvictionReason, dueMs: number, count: DueCount): boolean {
    const window = this.#windows[reasons[reason].breaker];
    if (dueMs >= window.untilMs) {
      window.untilMs = dueMs + window.lengthMs;
      const due = count(window.untilMs);
      const { open } = this.#parts.counters;
      const openMarkers = (open[workKinds.tool] ?? 0) + (open[workKinds.modelCall] ?? 0);
      const mass = due.total - due.largest;
      window.isMass = mass >= minMass && mass > openMarkers * maxShare;
      if (window.isMass) {
        this.#emitHeld("mass_eviction", dueMs, due.total);
      }
    }
    return window.isMass;
  }

  /** Whether no sender at all has sent anything for so long before `dueMs` that the silence of one sender proves nothing. */
  hasInputStopped(dueMs: number, usualGapMs: number): boolean {
    return dueMs - this.#lastInputAtMs >= usualGapMs;
  }

  /** Evictions wait because all input has stopped, or because one host is silent; called for the first of that host. */
  report(cause: "input_stopped" | "host_silent", dueMs: number, markers: number): void {
    if (cause === "host_silent") {
      this.#parts.events.push({ type: "held", cause, atMs: dueMs, markers });
    } else {
      this.#emitHeld(cause, dueMs, markers);
    }
  }

  /** One event until the next input. */
  #emitHeld(cause: HeldEvent["cause"], atMs: number, markers: number): void {
    if (!this.#isReported) {
      this.#isReported = true;
      this.#parts.events.push({ type: "held", cause, atMs, markers });
    }
  }
}
