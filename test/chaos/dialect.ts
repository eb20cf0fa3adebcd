import type { Request, Step } from "../system/kill/work.ts";

/** In which forms senders report their work. The codes are those of the table of dialects. */
export const dialectNames = [
  "relay", // S0
  "live_span", // S1
  "datadog_partial", // S2
  "logfire_pending", // S3
  "partial_log", // S4
  "span_state_log", // S5
  "span", // what has ended only, as any SDK
] as const;
export type DialectName = (typeof dialectNames)[number];

/** Makes the requests of some steps. `skewMs` is how wrong the sender's clock is at that moment. */
export type Encode = (steps: readonly Step[], atMs: number) => readonly Request[];

export interface DialectOptions {
  /** The name of the sender, which is in the ids of its records. */
  readonly sender: string;
  /** How wrong the clock of the sender is. */
  readonly skewMs: (atMs: number) => number;
}

/** All session ids contain it, so that it must be found in nothing of the collector's own. */
export const sessionCanary = "chaos-canary";

/** The value of an attribute that must leave in nothing at all. */
export const secretCanary = "chaos-private-text";
