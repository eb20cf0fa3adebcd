import type { Settings } from "../../component/settings.ts";

/** A mistake in the configuration of a sender: what happened, and what to change, in constant sentences. */
export interface Remedy {
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The least time between two lines with one reason. */
const quietMs = 10_000;

/**
 * Logs what is wrong with senders that no pipeline gets anything from: the first request with a reason at once, and then once in ten
 * seconds, with the number of requests since the last line. It keeps two numbers per reason, so reasons must come from a closed list.
 */
export class MisdirectedSenders {
  readonly #settings: Pick<Settings, "logger" | "clock">;
  readonly #lines = new Map<string, { sinceMs: number; requests: number }>();

  constructor(settings: Pick<Settings, "logger" | "clock">) {
    this.#settings = settings;
  }

  /** `remedy` must quote nothing of the request. */
  report(reason: string, { message, fields }: Remedy): void {
    const { logger, clock } = this.#settings;
    const nowMs = clock.nowMs();
    const line = this.#lines.get(reason) ?? { sinceMs: nowMs - quietMs, requests: 0 };
    this.#lines.set(reason, line);
    line.requests += 1;
    if (nowMs - line.sinceMs < quietMs) {
      return;
    }
    logger.warn(message, { reason, requests: line.requests, ...fields });
    line.sinceMs = nowMs;
    line.requests = 0;
  }
}
