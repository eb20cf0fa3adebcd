import type { ComponentKind } from "./component-kind.ts";

/**
 * The status that a component reports while it runs, in the Collector's words.
 *
 * - `recoverable_error`: it works only in part and may recover by itself.
 * - `permanent_error`: an operator must act; the component never recovers from it.
 *
 * A message is a constant sentence for an operator, without any data of a sender.
 */
export type ReportedStatus =
  | { readonly status: "ok" }
  | { readonly status: "recoverable_error" | "permanent_error"; readonly message: string };

/** The states of a component, and of the service as a whole. */
export type Status = "starting" | ReportedStatus["status"] | "stopping" | "stopped";

export interface CurrentStatus {
  readonly status: Status;
  /** Set with the two errors. */
  readonly message?: string;
  /** When the status began, by the wall clock. */
  readonly sinceUnixMs: number;
  /** How long it has lasted, by a monotonic clock. */
  readonly ageMs: number;
}

export interface ComponentStatus extends CurrentStatus {
  readonly kind: ComponentKind;
  readonly id: string;
}

/**
 * The status of the service. While it runs, that is the status of its worst component: `permanent_error` is the worst, and it
 * is `ok` when all components are.
 */
export interface ServiceStatus extends CurrentStatus {
  readonly startedUnixMs: number;
  readonly components: readonly ComponentStatus[];
}
