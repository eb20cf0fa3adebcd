import type { Settings } from "../../component/settings.ts";
import type { ActivityBounds } from "../../memory/memory-budget.ts";

/** Below this share of a bound there is room again. In between, the status stays as it is, so that it does not flicker. */
const roomShare = 0.95;

/** What it looks at. */
export interface TrackedSizes {
  readonly openWork: number;
  /** Those with open work. */
  readonly sessions: number;
  /** Those that are distinguished. */
  readonly processes: number;
  /** Work that is not tracked because the end of the stored state was missing. */
  readonly endsUnknown: number;
  /** Whether work may be open that was in a stored state of which nothing was recovered. */
  readonly isStateLost: boolean;
}

/** A reason for which work is not tracked. */
interface Blindness {
  /** Between 0 for none and 1 for all of the bound. */
  readonly share: (sizes: TrackedSizes) => number;
  /** For the status and the log. */
  readonly message: string;
  /** What follows in the log; absent if it is logged elsewhere. */
  readonly remedy?: string;
}

/**
 * The only owner of the status of `session_activity`: reports while work is not tracked, because a bound is reached, so that the
 * collector is blind for new work, or because the stored state, or its end, was missing. It keeps which reasons there are.
 */
export class BoundsWatch {
  readonly #reasons: readonly Blindness[];
  readonly #settings: Pick<Settings, "logger" | "reportStatus">;
  #current: readonly Blindness[] = [];

  constructor(
    bounds: ActivityBounds & { readonly maxProcesses: number },
    settings: Pick<Settings, "logger" | "reportStatus">,
  ) {
    const { maxOpenWork, maxSessions, maxProcesses } = bounds;
    this.#settings = settings;
    const remedy =
      "Its orphans will not be reported. Raise the limit, or find out what opens so much work and never ends it.";
    this.#reasons = [
      {
        share: ({ openWork }) => openWork / maxOpenWork,
        message: `max_open_work (${maxOpenWork}) is reached, so new work is not tracked.`,
        remedy,
      },
      {
        share: ({ sessions }) => sessions / maxSessions,
        message: `max_sessions (${maxSessions}) is reached, so work of further sessions is not tracked.`,
        remedy,
      },
      {
        share: ({ processes }) => processes / maxProcesses,
        message: `The limit of sending processes (${maxProcesses}) is reached, so work of new ones is not tracked.`,
        remedy:
          "Its orphans will not be reported. Find out what sends under so many values of service.instance.id; one that sends nothing for max_age is forgotten.",
      },
      {
        share: ({ endsUnknown }) => (endsUnknown > 0 ? 1 : 0),
        message:
          "The end of the stored state was missing at the start, so work that was open in it is not tracked.",
      },
      {
        share: ({ isStateLost }) => (isStateLost ? 1 : 0),
        message:
          "Nothing of the stored state could be used at the start, so work that was open in it is not tracked.",
      },
    ];
  }

  /** Whether there is a reason for which work is not tracked. */
  get isBlind(): boolean {
    return this.#current.length > 0;
  }

  /** To be called with the sizes of now, again and again. */
  check(sizes: TrackedSizes): void {
    const before = this.#current;
    const current = this.#reasons.filter(
      (reason) => reason.share(sizes) >= (before.includes(reason) ? roomShare : 1),
    );
    if (current.length === before.length && current.every((reason) => before.includes(reason))) {
      return;
    }
    this.#current = current;
    const { logger, reportStatus } = this.#settings;
    const message = current.map((reason) => reason.message).join(" ");
    reportStatus(message === "" ? { status: "ok" } : { status: "recoverable_error", message });
    const { openWork, sessions, processes } = sizes;
    const fields = { open_work: openWork, sessions, processes };
    for (const { message: because, remedy } of current.filter((each) => !before.includes(each))) {
      if (remedy !== undefined) {
        logger.warn(`${because} ${remedy}`, fields);
      }
    }
    const isBound = ({ remedy }: Blindness) => remedy !== undefined;
    if (before.some(isBound) && !current.some(isBound)) {
      logger.info("There is room for new work again.", fields);
    }
  }
}
