import type { EngineParts } from "./engine-parts.ts";
import { type SnapshotStream, type SnapshotVersion, snapshotVersion } from "./store/snapshot.ts";
import { SnapshotV1Loader } from "./store/snapshot-v1.ts";

/**
 * Saves the state of all parts, or loads it into the parts of an engine without state. `version`: of the program that saved it; see
 * `restoreSnapshotV1` for version 1. The order of the parts is the format: a change of it needs a new version of the journal.
 */
export function transferSnapshot(
  parts: EngineParts,
  stream: SnapshotStream,
  version: Exclude<SnapshotVersion, 1> = snapshotVersion,
): void {
  parts.nowMs = stream.number(parts.nowMs);
  parts.counters.snapshot(stream);
  parts.store.snapshot(stream, { version });
  parts.openWork.snapshot(stream, { version });
  parts.retention.snapshot(stream);
  parts.ownerTimers.snapshot(stream);
  parts.sessionTimers.snapshot(stream);
  parts.processes.snapshot(stream, { version });
  parts.states.snapshot(stream);
  parts.pauses.snapshot(stream);
  parts.claims.snapshot(stream);
  parts.splitRuns.snapshot(stream);
  parts.finished.snapshot(stream);
  parts.requests.snapshot(stream, { version, nowMs: parts.nowMs });
  parts.implied.snapshot(stream);
  parts.breaker.snapshot(stream);
  parts.leasePolicy.snapshot(stream);
  parts.scheduler.snapshot(stream, { version });
  if (version > 2) {
    parts.unwatched.snapshot(stream);
  }
  if (version > 4) {
    parts.guesses.snapshot(stream);
  }
}

/** Loads a snapshot of version 1 into the parts of an engine without state. */
export function restoreSnapshotV1(parts: EngineParts, stream: SnapshotStream): void {
  const legacy = new SnapshotV1Loader(parts);
  parts.nowMs = stream.number(0);
  parts.states.nowMs = parts.nowMs;
  parts.counters.snapshot(stream);
  legacy.tables(stream);
  parts.openWork.snapshot(stream, { version: 1 });
  parts.retention.snapshot(stream);
  legacy.deadlines(stream);
  parts.processes.snapshot(stream, { version: 1 });
  legacy.states(stream);
  const waits = legacy.pauses(stream);
  parts.splitRuns.snapshot(stream);
  parts.requests.snapshot(stream, { version: 1, nowMs: parts.nowMs });
  parts.breaker.snapshot(stream);
  parts.leasePolicy.snapshot(stream);
  parts.scheduler.snapshot(stream, { version: 1 });
  legacy.rebuild(waits, parts.nowMs);
  parts.openWork.byProcess.rebuild();
  parts.store.recordEnds();
}
