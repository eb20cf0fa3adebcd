/** One lost heartbeat must not look like a death. */
const minLeaseMs = 30_000;
const heartbeatsPerLease = 3;

/** Where the time between heartbeats was not promised but only seen. Datadog's back end waits as long. */
export const maxInferredLeaseMs = 900_000;

/** How long silence is allowed to whom promised a heartbeat every `intervalMs`; 0 when nothing was promised. */
export function leaseMsOf(intervalMs: number): number {
  return intervalMs > 0 ? Math.max(intervalMs * heartbeatsPerLease, minLeaseMs) : 0;
}

/** How often whoever has this lease is usually heard. */
export function heartbeatIntervalMsOf(leaseMs: number): number {
  return leaseMs / heartbeatsPerLease;
}
