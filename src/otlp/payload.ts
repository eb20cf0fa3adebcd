/** A signal of OpenTelemetry that travels through pipelines. */
export type Signal = "traces" | "metrics" | "logs";

/** How a payload reaches the process. */
export type Transport = "http" | "grpc" | "file";

/**
 * One OTLP request on its way through the pipelines.
 *
 * `bytes` is the inflated protobuf `Export…ServiceRequest` (on the wire the same as `TracesData`,
 * `MetricsData`, `LogsData`). They are never changed: a change creates a new payload. They stay valid for
 * as long as they are referenced.
 */
export interface Payload {
  readonly signal: Signal;
  readonly bytes: Uint8Array;
  /** Number of spans, data points or log records in `bytes`. */
  readonly items: number;
  /** How the payload reached the process; absent if this program created it. */
  readonly transport?: Transport;
  /**
   * Whose work it reports, where the receiver authenticates: the same text in all requests of one client, a different one for each. It may be a
   * user's name, so it is never shown or stored. Absent: somebody who was not authenticated.
   */
  readonly client?: string;
  /**
   * Aborts when the sender has left before it got an answer. It will send the data again, so that a component that makes it wait should
   * end that. Of no meaning once the payload was accepted.
   */
  readonly sender?: AbortSignal;
  /** Set by the creator of a payload that must know when it is delivered. A changed payload keeps it. */
  readonly delivery?: DeliveryTracker;
}

/**
 * How a component stopped keeping a payload.
 *
 * - `delivered`: the backend has it.
 * - `refused`: the backend will never take it.
 * - `lost`: it was given up, or never taken because a queue was full or the program stops; a later try may succeed.
 */
export type DeliveryOutcome = "delivered" | "refused" | "lost";

/**
 * Follows one payload to all of its destinations. A component that keeps a payload after `consume` has returned calls
 * `retain` before it returns, and `release` exactly once when it no longer keeps the payload. Neither throws.
 */
export interface DeliveryTracker {
  retain(): void;
  release(outcome: DeliveryOutcome): void;
  /**
   * Follows the payload on one of several ways. The same object for the same way, also when the payload is sent again, so that a way on
   * which it has ended does not get it twice.
   */
  branch(way: object): BranchTracker;
}

export interface BranchTracker extends DeliveryTracker {
  /** Whether the payload is not passed on this way: it was delivered there, or what was sent before is not. */
  readonly isSkipped: boolean;
}
