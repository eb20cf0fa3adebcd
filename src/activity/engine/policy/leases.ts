/** One lost heartbeat must not end a lease. */
const minLeaseMs = 30_000;
/** A lease is so many intervals between heartbeats. */
export const heartbeatsPerLease = 3;

/** The longest lease where the interval was not promised but only observed. Datadog's back end waits as long. */
export const maxInferredLeaseMs = 900_000;

/** How long a sender that promised a heartbeat every `intervalMs` may be silent; 0 when it promised none. */
export function leaseMsOf(intervalMs: number): number {
  return intervalMs > 0 ? Math.max(intervalMs * heartbeatsPerLease, minLeaseMs) : 0;
}

/** The time between two heartbeats of a sender with this lease. */
export function heartbeatIntervalMsOf(leaseMs: number): number {
  return leaseMs / heartbeatsPerLease;
}
