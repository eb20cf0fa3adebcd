import type { Settings } from "../../component/settings.ts";
import type { ActivityBounds } from "../../memory/memory-budget.ts";

/** Below this share of a bound there is room again. In between, the status stays as it is, so that it does not flicker. */
const roomShare = 0.95;

/**
 * Reports when a bound on tracked work is reached: from then on new work is untracked, and the collector blind for it. It keeps whether
 * that is so.
 */
export class BoundsWatch {
  readonly #bounds: ActivityBounds;
  readonly #settings: Pick<Settings, "logger" | "reportStatus">;
  #isFull = false;

  constructor(bounds: ActivityBounds, settings: Pick<Settings, "logger" | "reportStatus">) {
    this.#bounds = bounds;
    this.#settings = settings;
  }

  /** To be called with the sizes of now, again and again. */
  check({
    openWork,
    sessions,
  }: {
    readonly openWork: number;
    /** Those with open work. */
    readonly sessions: number;
  }): void {
    const { maxOpenWork, maxSessions } = this.#bounds;
    const share = Math.max(openWork / maxOpenWork, sessions / maxSessions);
    const isFull = share >= (this.#isFull ? roomShare : 1);
    if (isFull === this.#isFull) {
      return;
    }
    this.#isFull = isFull;
    const { logger, reportStatus } = this.#settings;
    const fields = { open_work: openWork, sessions };
    if (!isFull) {
      reportStatus({ status: "ok" });
      logger.info("There is room for new work again.", fields);
      return;
    }
    const reached =
      openWork >= maxOpenWork ? `max_open_work (${maxOpenWork})` : `max_sessions (${maxSessions})`;
    const message = `${reached} is reached, so new work is not tracked.`;
    reportStatus({ status: "recoverable_error", message });
    logger.warn(
      `${message} Its orphans will not be reported. Raise the limit, or find out what opens so much work and never ends it.`,
      fields,
    );
  }
}
