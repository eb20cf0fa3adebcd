import type { ClockAnchor } from "./persisted-state.ts";

/** Events may be timed wrongly by as much before the clocks are compared anew. */
const maxDriftMs = 10;

/**
 * Tells Unix time by the engine's clock as a replay does: from the last anchor in the journal, and not from another look at the clocks.
 * So an event that is emitted again after a crash has the same times. The two clocks drift apart, so an anchor lasts until they have
 * drifted by 10 ms.
 */
export class EventClock {
  #anchor: ClockAnchor | undefined;

  /** The journal has this anchor from here on. */
  anchorAt(anchor: ClockAnchor): void {
    this.#anchor = anchor;
  }

  /** The anchor to record before the next call, if the clocks are further apart than they may be now; it counts from here on. */
  follow(now: ClockAnchor): ClockAnchor | undefined {
    const driftMs = Math.abs(now.unixMs - this.at(now.atMs, now).unixMs);
    if (this.#anchor !== undefined && driftMs <= maxDriftMs) {
      return undefined;
    }
    this.#anchor = now;
    return now;
  }

  /** Both clocks at `atMs` by the engine's. `now` counts where there is no anchor yet. */
  at(atMs: number, now: ClockAnchor): ClockAnchor {
    const anchor = this.#anchor ?? now;
    return { atMs, unixMs: anchor.unixMs + (atMs - anchor.atMs) };
  }
}
