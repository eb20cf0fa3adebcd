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
  | {
      readonly status: "recoverable_error" | "permanent_error";
      readonly message: string;
      /** How long it had lasted when it was reported, for a component that waits before it reports; default 0. */
      readonly lastedMs?: number;
    };

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

/** The status of a pipeline: that of its worst component, and `ok` only when all of them run. */
export interface PipelineStatus extends CurrentStatus {
  /** `signal` or `signal/name`. */
  readonly id: string;
  /** In the order in which data passes them. A component in several pipelines is in each of them. */
  readonly components: readonly ComponentStatus[];
}

/**
 * The status of the service. While it runs, that is the status of its worst component: `permanent_error` is the worst, and it
 * is `ok` when all components are.
 */
export interface ServiceStatus extends CurrentStatus {
  readonly startedUnixMs: number;
  /** All of them, each once. */
  readonly components: readonly ComponentStatus[];
  readonly pipelines: readonly PipelineStatus[];
}
