import type { BlockedBy, SessionState } from "../../../../src/activity/model/diagnosis.ts";
import { reportVerdicts } from "./claims.ts";
import { culpritName } from "./occurrence.ts";
import { type Owner, type Owners, ownersOf } from "./owners.ts";
import { isSilent, progressOf, spanProgressOf } from "./progress.ts";
import { blockedByOf, type Diagnosis, decisive, diagnose } from "./verdicts.ts";
import { isWaiting, leavesOf, waitsBelow } from "./waiting.ts";
import type { SessionRecord, Stall, World } from "./world.ts";

export interface Standing {
  readonly session: string;
  readonly state: SessionState;
  readonly blockedBy: BlockedBy;
  readonly diagnosis: Diagnosis;
}

/** What each session with an open run is doing. */
export function standings(world: World): readonly Standing[] {
  const owners = ownersOf(world);
  return world.records.flatMap((record) => {
    const found = standingOf(world, owners, record);
    return found === undefined ? [] : [found];
  });
}

/** Reports what has changed: sessions, tools that are silent beside others, verdicts of claims. */
export function reportChanges(world: World): void {
  const owners = ownersOf(world);
  renewRecords(world, owners);
  for (const record of world.inAnyOrder(world.records)) {
    const standing = standingOf(world, owners, record);
    if (standing !== undefined) {
      reportState(world, record, standing);
    }
  }
  reportHiddenTools(world, owners);
  reportVerdicts(world, owners);
}

/** Moments at which a state may change though nothing happens. */
export function changesAtMs(world: World): readonly number[] {
  const { stalledAfterMs, longRunningAfterMs } = world.limits;
  const owners = ownersOf(world);
  const open = owners.all.filter(({ isOpen }) => isOpen);
  return [
    ...open.flatMap((owner) => [
      progressOf(world, owner) + stalledAfterMs,
      ...leavesOf(world, owners, owner).map((leaf) => spanProgressOf(world, leaf) + stalledAfterMs),
    ]),
    ...world.records.map(({ sinceMs }) => sinceMs + longRunningAfterMs),
  ];
}

function standingOf(world: World, owners: Owners, record: SessionRecord): Standing | undefined {
  const open = owners.all.filter(({ isOpen, session }) => isOpen && session === record.key);
  const diagnosis = decisive(
    world,
    open.map((owner) => diagnose(world, owners, owner)),
  );
  if (diagnosis === undefined) {
    return undefined;
  }
  const session = record.key;
  const blockedBy = blockedByOf[diagnosis.verdict] ?? "none";
  switch (diagnosis.verdict) {
    case "waiting_for_person":
      return { session, state: "paused", blockedBy, diagnosis };
    case "progressing": {
      const isLong = world.nowMs >= record.sinceMs + world.limits.longRunningAfterMs;
      return { session, state: isLong ? "long_running" : "active", blockedBy, diagnosis };
    }
    case "silent_tool":
      return { session, state: "blocked_tool_call", blockedBy, diagnosis };
    default:
      return { session, state: "stalled", blockedBy, diagnosis };
  }
}

/** Sessions with an open run; what was reported of one goes on where its runs, or its references, are. */
function renewRecords(world: World, owners: Owners): void {
  const open = new Map<string, Owner[]>();
  for (const owner of owners.all.filter(({ isOpen }) => isOpen)) {
    open.set(owner.session, [...(open.get(owner.session) ?? []), owner]);
  }
  const left = [...world.records];
  world.records = [...open].map(([key, its]) => {
    const runs = new Set(its.flatMap((owner) => owner.runs));
    const before = left.filter(
      (record) => record.key === key || [...record.runs].some((run) => runs.has(run)),
    );
    for (const record of before) {
      left.splice(left.indexOf(record), 1);
    }
    const [stalled, ...others] = before.filter((record) => record.stalled !== undefined);
    for (const _ of others) {
      world.occurrences.push({ type: "recovered", cause: "progress", atMs: world.nowMs });
    }
    const sinceMs = Math.min(world.nowMs, ...before.map((record) => record.sinceMs));
    return { key, runs, sinceMs, stalled: stalled?.stalled };
  });
  for (const { stalled } of left) {
    reportRecovered(world, stalled);
  }
}

function reportState(world: World, record: SessionRecord, standing: Standing): void {
  const { state, blockedBy, diagnosis } = standing;
  const { stalled } = record;
  if (state !== "stalled" && state !== "blocked_tool_call") {
    reportRecovered(world, stalled);
    record.stalled = undefined;
    return;
  }
  const { owner, culprit, verdict, sinceMs } = diagnosis;
  record.stalled = {
    state,
    blockedBy,
    runs: owner.runs.filter((run) => run.state === "open"),
    culprit: culprit?.kind === "run" ? undefined : culprit,
  };
  if (stalled?.state !== state || stalled.blockedBy !== blockedBy) {
    const { nowMs } = world;
    world.occurrences.push({
      type: "stalled",
      state,
      verdict,
      blockedBy,
      atMs: nowMs,
      culprit: culpritName(culprit),
      silentMs: nowMs - sinceMs,
    });
  }
}

function reportRecovered(world: World, stalled: Stall | undefined): void {
  if (stalled !== undefined) {
    const { runs, culprit } = stalled;
    const owners = ownersOf(world);
    const sessions = runs.map((run) => owners.sessionOf(run));
    // Complaints about a session that has recovered are over.
    world.complaints = world.complaints.filter(
      ({ references }) => !sessions.includes(owners.sessionNamed(references) ?? ""),
    );
    const isOver = runs.every(({ state }) => state !== "open");
    const wentAs = (closed: "evicted" | "untracked") =>
      culprit?.state === closed || (isOver && runs.some(({ state }) => state === closed));
    const cause = wentAs("evicted") ? "evicted" : wentAs("untracked") ? "unwatched" : "progress";
    world.occurrences.push({ type: "recovered", cause, atMs: world.nowMs });
  }
}

/** Tools that are silent while their own run is not, each once for each of its silences. */
function reportHiddenTools(world: World, owners: Owners): void {
  for (const owner of owners.all.filter(({ isOpen }) => isOpen)) {
    if (isSilent(world, owner) || isWaiting(world, owners, owner)) {
      continue;
    }
    const tools = leavesOf(world, owners, owner).filter(
      (leaf) =>
        leaf.kind === "tool" &&
        owners.above(leaf) === owner &&
        !waitsBelow(world, owners, owner, leaf) &&
        progressOf(world, owner) - spanProgressOf(world, leaf) > world.latenessMs &&
        world.nowMs >= spanProgressOf(world, leaf) + world.limits.stalledAfterMs,
    );
    for (const tool of tools.filter(({ isDiagnosed }) => !isDiagnosed)) {
      tool.isDiagnosed = true;
      world.occurrences.push({
        type: "diagnosed",
        claim: "none",
        verdict: "silent_tool",
        atMs: world.nowMs,
        culprit: culpritName(tool),
      });
    }
  }
}
