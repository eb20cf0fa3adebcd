import type { ProcessMemory } from "../component/memory.ts";

/**
 * How the memory limit of the process is divided: the one place for it. What is not in the shares is left for Node itself, for queues
 * of exporters and for garbage. `npm run bench -- memory` measures the bytes and fails when they are more than here.
 */
export const memoryShares = {
  /** The tables of `session_activity`. A snapshot copies them, and a start needs the snapshot and the tables, so they count twice. */
  activity: 0.16,
  /** The bodies of requests that are being received. The largest body counts twice: as it was sent, and inflated. */
  bodies: 1 / 6,
  /**
   * The values of one JSON text while it is converted, of the limit of the JavaScript heap. They also count as bodies. More than half of
   * a small limit may be for young objects, where these cannot stay.
   */
  jsonOfHeap: 1 / 8,
} as const;

/**
 * Bytes of one row of `session_activity`: of a run in a trace and a session of its own, which needs a row in every table. In turns with
 * nine tools, a row needs less than half of that.
 */
export const bytesPerActivityRow = 720;

/** Bytes of one such row in a snapshot, which has no indexes. */
export const snapshotBytesPerActivityRow = 512;

/** The parts of the rows that may be open work, as opposed to tombstones. */
const openWorkShare = 1 / 3;

export interface ActivityBounds {
  readonly maxSessions: number;
  readonly maxOpenWork: number;
  readonly maxTombstones: number;
}

/** More than this is of no use to any gateway, however much memory there is. */
export const mostUsefulBounds: ActivityBounds = {
  maxSessions: 100_000,
  maxOpenWork: 1_000_000,
  maxTombstones: 1_000_000,
};

/** The bounds of one `session_activity` that fit into a memory limit. */
export function activityBoundsFor(limitBytes: number): ActivityBounds {
  const rows = Math.floor((limitBytes * memoryShares.activity) / bytesPerActivityRow);
  const openWork = Math.max(1, Math.floor(rows * openWorkShare));
  const maxOpenWork = Math.min(openWork, mostUsefulBounds.maxOpenWork);
  return {
    maxOpenWork,
    // A session is counted while it has open work, so there are never more of them.
    maxSessions: Math.min(maxOpenWork, mostUsefulBounds.maxSessions),
    maxTombstones: Math.min(Math.max(1, rows - openWork), mostUsefulBounds.maxTombstones),
  };
}

/** Whether bounds that a user chose fit, too. */
export function activityBoundsFit(
  { maxOpenWork, maxTombstones }: Pick<ActivityBounds, "maxOpenWork" | "maxTombstones">,
  limitBytes: number,
): boolean {
  return (maxOpenWork + maxTombstones) * bytesPerActivityRow <= limitBytes * memoryShares.activity;
}

/** Header, names and pending events of a snapshot, beside its rows. */
const snapshotOverheadBytes = 16 * 1024 * 1024;

/** The longest snapshot of an engine with these bounds. */
export function maxSnapshotBytes({
  maxOpenWork,
  maxTombstones,
}: Pick<ActivityBounds, "maxOpenWork" | "maxTombstones">): number {
  return (maxOpenWork + maxTombstones) * snapshotBytesPerActivityRow + snapshotOverheadBytes;
}

/** More bodies than this at a time only make each of them slower. */
const mostBodies = 8;

export interface BodyLimits {
  /** The largest body that is received, both as sent and inflated. */
  readonly maxBodyBytes: number;
  /** All bodies that are in memory at a time, as sent and inflated. */
  readonly budgetBytes: number;
}

/**
 * The limits of a receiver for request bodies of up to `wantedBytes`. A body that can never fit is too large: asking its sender to
 * try again later would be wrong for ever.
 */
export function bodyLimitsFor(limitBytes: number, wantedBytes: number): BodyLimits {
  const budgetBytes = Math.min(
    Math.floor(limitBytes * memoryShares.bodies),
    mostBodies * wantedBytes,
  );
  return { maxBodyBytes: Math.min(wantedBytes, Math.floor(budgetBytes / 2)), budgetBytes };
}

/** The most heap that the objects of one request may take where it is decoded as a whole, such as to be written as text. */
export function maxDecodedBytesFor({
  heapLimitBytes,
}: Pick<ProcessMemory, "heapLimitBytes">): number {
  return Math.floor(heapLimitBytes * memoryShares.jsonOfHeap);
}

/**
 * The most memory that the values of one JSON text may take while it is converted: the share of all bodies, but no more than the heap has
 * room for, which may be far smaller than the limit.
 */
export function maxJsonBytesFor({
  limit,
  heapLimitBytes,
}: Pick<ProcessMemory, "limit" | "heapLimitBytes">): number {
  return Math.floor(
    Math.min(limit.bytes * memoryShares.bodies, heapLimitBytes * memoryShares.jsonOfHeap),
  );
}
