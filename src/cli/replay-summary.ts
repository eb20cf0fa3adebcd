import type { Signal } from "../otlp/payload.ts";

/** Counts the requests of a replay by their result. */
export interface ReplaySummary {
  accepted(signal: Signal): void;
  refused(signal: Signal, why: string): void;
  /** One line with the number of replayed requests, and one line per reason of refused requests. */
  text(recordedMs: number): string;
}

export function createReplaySummary(): ReplaySummary {
  const requests = new Map<Signal, number>();
  const refusals = new Map<string, number>();
  return {
    accepted(signal) {
      add(requests, signal);
    },
    refused(signal, why) {
      add(requests, signal);
      add(refusals, `${signal}: ${why}`);
    },
    text(recordedMs) {
      const total = [...requests.values()].reduce((sum, count) => sum + count, 0);
      const bySignal = [...requests].map(([signal, count]) => `${count} ${signal}`).join(", ");
      const seconds = (recordedMs / 1000).toFixed(1);
      return [
        `Replayed ${total} ${total === 1 ? "request" : "requests"}${total === 0 ? "" : ` (${bySignal})`}, recorded over ${seconds} s.\n`,
        ...[...refusals].map(([why, count]) => `Refused: ${count} of ${why}\n`),
      ].join("");
    },
  };
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
