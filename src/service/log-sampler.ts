/** How repeated messages are sampled; names and defaults are the Collector's (10 s, 10, 100). */
export interface LogSampling {
  readonly tickMs: number;
  /** How many of one message pass in a tick. */
  readonly initial: number;
  /** Of the further ones, every `thereafter`-th passes; 0 lets none pass. */
  readonly thereafter: number;
}

/** More than there are messages, because messages are constant sentences. At this bound a new tick begins. */
const maxMessages = 4096;

/**
 * Decides which repeats of a message are logged, so that a fault that hits every payload does not fill a
 * disk. Call it once per message, with the key (level and text) and a monotonic time.
 */
export function createLogSampler(sampling: LogSampling): (key: string, nowMs: number) => boolean {
  const seen = new Map<string, number>();
  let tickEndsMs = Number.NEGATIVE_INFINITY;
  return (key, nowMs) => {
    if (nowMs >= tickEndsMs || seen.size >= maxMessages) {
      seen.clear();
      tickEndsMs = nowMs + sampling.tickMs;
    }
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    if (times <= sampling.initial) {
      return true;
    }
    return sampling.thereafter > 0 && (times - sampling.initial) % sampling.thereafter === 0;
  };
}
