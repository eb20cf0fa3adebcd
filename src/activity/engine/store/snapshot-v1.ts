import { Float64Column, Int32Column, Uint8Column } from "../../../otlp/columns.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { workKinds } from "../../model/work.ts";
import type { Ownership } from "../policy/ownership.ts";
import type { Pauses } from "../policy/pauses.ts";
import type { KeyedTimers } from "../schedule/timing-wheel.ts";
import type { ActivityStore } from "./activity-store.ts";
import { groupFlags } from "./group-table.ts";
import type { OpenWork } from "./open-work.ts";
import type { SnapshotStream } from "./snapshot.ts";
import { spanStates } from "./span-lifecycle.ts";
import { spanFlags } from "./span-table.ts";

/** The groups of version 1: a session, or a tree of owners, or markers without a known run. */
class LegacyGroups {
  readonly flags = new Uint8Column();
  readonly process = new Int32Column();
  readonly endedAtMs = new Float64Column();
  readonly sessionEndMs = new Float64Column();
  readonly sessionEndSeq = new Int32Column();
  readonly lastSignalAtMs = new Float64Column();
  readonly channel = new Int32Column();
  readonly reference = new Int32Column();
  /** Rows that are not in use. */
  vacant: ReadonlySet<number> = new Set();

  restore(stream: SnapshotStream): void {
    const rows = stream.number(0);
    stream.number(0);
    this.vacant = new Set(stream.numbers([]));
    const ints = (count: number) => Array.from({ length: count }, () => new Int32Column());
    const floats = (count: number) => Array.from({ length: count }, () => new Float64Column());
    for (const column of [
      this.flags,
      this.process,
      ...ints(4),
      ...floats(3),
      ...ints(2),
      this.endedAtMs,
      this.sessionEndMs,
      this.sessionEndSeq,
      ...ints(1),
      new Uint8Column(),
      ...floats(1),
      this.lastSignalAtMs,
      ...ints(5),
      this.channel,
      ...ints(3),
      this.reference,
    ]) {
      stream.column(column, rows);
    }
  }
}

/** Bit of the flags of a group of version 1: it was a session with a reference. */
const legacyReferenced = 1;

/** What it needs of the engine. */
interface SnapshotV1LoaderParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
  readonly ownership: Ownership;
  readonly ownerTimers: KeyedTimers;
  readonly sessionTimers: KeyedTimers;
  readonly pauses: Pauses;
  readonly openWork: OpenWork;
}

/**
 * Fills the tables of an empty engine from a snapshot of version 1. Spans, traces and references are read as they are. Owners
 * and holders, which version 1 did not have, are derived from them as if their signals arrived now, in another order, with
 * the times of arrival that were stored. Deadlines are a lateness later than they were.
 *
 * Keeps the groups of version 1 until `rebuild` returns; the snapshot bounds them.
 */
export class SnapshotV1Loader {
  readonly #parts: SnapshotV1LoaderParts;
  readonly #groups = new LegacyGroups();
  readonly #groupOf = new Int32Column();
  /** Group of version 1 → a reference of its session, which leads to its group now. */
  readonly #sessions = new Map<number, number>();

  constructor(parts: SnapshotV1LoaderParts) {
    this.#parts = parts;
  }

  tables(stream: SnapshotStream): void {
    const { traces, spans, references } = this.#parts.store;
    traces.restoreV1(stream);
    spans.restoreV1(stream, { group: this.#groupOf });
    this.#groups.restore(stream);
    references.snapshot(stream, { version: 1 });
    stream.number(0);
  }

  /** Skips deadlines, which `rebuild` sets. */
  deadlines(stream: SnapshotStream): void {
    stream.number(0);
    stream.column(new Float64Column(), 0);
    stream.numbers([]);
  }

  /** Skips the states of sessions, which `rebuild` derives. */
  states(stream: SnapshotStream): void {
    stream.numbers([]);
    stream.number(0);
    stream.column(new Float64Column(), 0);
  }

  /** Reads pauses, which were of whole groups; `rebuild` begins them again. */
  pauses(stream: SnapshotStream): readonly LegacyPause[] {
    const keys = stream.texts([]);
    const groups = stream.numbers([]);
    const since = stream.numbers([]);
    stream.texts([]);
    return keys.map((key, at) => ({ key, group: groups[at] ?? -1, atMs: since[at] ?? 0 }));
  }

  /** Derives owners and sessions from the tables. */
  rebuild(pauses: readonly LegacyPause[], nowMs: number): void {
    const { spans, owners } = this.#parts.store;
    this.#restoreSessions();
    const isWork = (span: number) => {
      const state = spans.state.get(span);
      return state !== spanStates.free && state !== spanStates.unknown;
    };
    const rows = Array.from({ length: spans.rows.count }, (_, row) => row).filter(isWork);
    const runs = rows.filter((span) => spans.kind.get(span) === workKinds.run);
    const depths = new Map(runs.map((run) => [run, this.#depthOf(run)]));
    for (const run of runs.sort((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0))) {
      this.#restoreRun(run, nowMs);
    }
    for (const span of rows) {
      const isOpen = spans.state.get(span) === spanStates.open;
      const isMarker =
        spans.kind.get(span) === workKinds.tool || spans.kind.get(span) === workKinds.modelCall;
      if (isMarker && (isOpen || spans.hasFlag(span, spanFlags.undecided))) {
        this.#restoreMarker(span, isOpen, nowMs);
      }
    }
    for (const { key, group, atMs } of pauses) {
      const session = this.#sessionOf(group);
      if (session !== -1) {
        this.#parts.pauses.begin(-1, session, key, { atMs, timeMs: 0, seq: 0 });
      }
    }
    const { references } = this.#parts.store;
    const sessions = [...this.#sessions.values()].map((first) => references.group.get(first));
    for (const session of new Set(sessions)) {
      this.#parts.store.sessions.dropIfEmpty(session);
    }
    for (let span = 0; span < spans.rows.count; span++) {
      if (spans.state.get(span) === spanStates.open && !this.#parts.openWork.expiry.isSet(span)) {
        this.#parts.openWork.expiry.set(span, this.#parts.openWork.expiresAtMs(span)); // Its eviction was held back.
      }
    }
    for (let owner = 0; owner < owners.rows.count; owner++) {
      if (owners.memberCount.get(owner) > 0 && !owners.isOpen(owner)) {
        const dueMs = owners.endedAtMs.get(owner) + this.#parts.limits.allowedLatenessMs;
        this.#parts.ownerTimers.schedule(owner, Math.max(nowMs, dueMs));
      }
    }
  }

  #restoreSessions(): void {
    const { groups, references } = this.#parts.store;
    const legacy = this.#groups;
    const restored = new Map<number, number>();
    for (let row = 0; row < legacy.flags.capacity; row++) {
      const first = legacy.reference.get(row);
      const isSession = (legacy.flags.get(row) & legacyReferenced) !== 0 && first !== -1;
      if (!isSession || legacy.vacant.has(row)) {
        continue;
      }
      const group = groups.add(legacy.process.get(row));
      this.#sessions.set(row, first);
      restored.set(row, group);
      groups.setFlag(group, groupFlags.referenced);
      groups.reference.set(group, first);
      groups.channel.set(group, legacy.channel.get(row));
      groups.endedAtMs.set(group, legacy.endedAtMs.get(row));
      groups.sessionEndMs.set(group, legacy.sessionEndMs.get(row));
      groups.sessionEndSeq.set(group, legacy.sessionEndSeq.get(row));
      if (groups.hasEnded(group)) {
        const dueMs = groups.endedAtMs.get(group) + this.#parts.limits.allowedLatenessMs;
        this.#parts.sessionTimers.schedule(group, dueMs);
      }
    }
    for (const [legacyRow, group] of restored) {
      let reference = legacy.reference.get(legacyRow);
      while (reference !== -1) {
        references.group.set(reference, group);
        reference = references.next.get(reference);
      }
    }
  }

  #sessionOf(legacyGroup: number): number {
    const reference = this.#sessions.get(legacyGroup);
    return reference === undefined ? -1 : this.#parts.store.references.group.get(reference);
  }

  #restoreRun(run: number, nowMs: number): void {
    const { spans, owners } = this.#parts.store;
    const legacyGroup = this.#groupOf.get(run);
    const group = this.#sessionOf(legacyGroup);
    const isOpen = spans.state.get(run) === spanStates.open;
    this.#restoreTimes(run, isOpen);
    this.#parts.ownership.attachRun(run, { group, waiting: -1, refer: () => {} }, nowMs);
    const owner = spans.owner.get(run);
    this.#parts.ownership.runStarted(run, {
      atMs: spans.startedAtMs.get(run),
      timeMs: spans.startMs.get(run),
      seq: spans.seq.get(run),
    });
    if (isOpen) {
      this.#parts.store.sessions.countOpen(owner, 1, 0);
      owners.progressAtMs.set(owner, this.#groups.lastSignalAtMs.get(legacyGroup));
    } else {
      owners.endedAtMs.set(owner, Math.max(owners.endedAtMs.get(owner), spans.seenAtMs.get(run)));
      owners.endMs.set(owner, Math.max(owners.endMs.get(owner), spans.closedMs.get(run)));
    }
  }

  #restoreMarker(marker: number, isOpen: boolean, nowMs: number): void {
    const { spans, tree } = this.#parts.store;
    this.#restoreTimes(marker, isOpen);
    const group = this.#sessionOf(this.#groupOf.get(marker));
    if (group === -1 || tree.runAbove(marker) !== -1) {
      this.#parts.ownership.attachMarker(marker, -1, nowMs);
    } else {
      this.#parts.ownership.attachSeparately(marker, group, -1, nowMs);
    }
    if (isOpen) {
      this.#parts.store.sessions.countOpen(spans.owner.get(marker), 0, 1);
    }
  }

  /** In version 1 this column had the arrival of the start while work was open. */
  #restoreTimes(span: number, isOpen: boolean): void {
    const { spans } = this.#parts.store;
    if (isOpen) {
      spans.startedAtMs.set(span, spans.closedMs.get(span));
      spans.closedMs.set(span, 0);
    } else {
      spans.startedAtMs.set(span, spans.seenAtMs.get(span));
    }
    spans.progressAtMs.set(span, spans.seenAtMs.get(span));
  }

  #depthOf(span: number): number {
    const { spans } = this.#parts.store;
    let depth = 0;
    for (let at = spans.parentOf(span); at !== -1; at = spans.parentOf(at)) {
      depth++;
    }
    return depth;
  }
}

/** A pause of a session, as version 1 stored it. */
export interface LegacyPause {
  readonly key: string;
  readonly group: number;
  readonly atMs: number;
}
