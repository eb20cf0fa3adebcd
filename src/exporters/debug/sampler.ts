const tickMs = 1_000;

/**
 * Decides which of many are shown, as the Collector's logger does: per key, the first `initial` of a
 * second, then every `thereafter`-th of it (0: no more). A second begins with the first one in it. It keeps one count for
 * each key and forgets none, so keys must come from a closed list.
 */
export function createSampler<Key>({
  initial,
  thereafter,
}: {
  readonly initial: number;
  readonly thereafter: number;
}): (key: Key, nowMs: number) => boolean {
  const seen = new Map<Key, { count: number; untilMs: number }>();
  return (key, nowMs) => {
    const before = seen.get(key);
    const tick =
      before === undefined || nowMs >= before.untilMs
        ? { count: 0, untilMs: nowMs + tickMs }
        : before;
    tick.count += 1;
    seen.set(key, tick);
    const beyond = tick.count - initial;
    return beyond <= 0 || (thereafter > 0 && beyond % thereafter === 0);
  };
}
