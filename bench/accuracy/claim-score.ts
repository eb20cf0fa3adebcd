import type { ArrivalTimes } from "./arrival-times.ts";
import { push } from "./owners.ts";
import type { StateTruth } from "./state-samples.ts";
import { type GatewayClaim, ownerOf, type Story, type Work } from "./story.ts";
import type { SessionTruth } from "./true-states.ts";

/** What the collector answered to what its gateway complained of. */
export interface ClaimAnswer {
  readonly atMs: number;
  readonly claim: string;
  readonly verdict: string;
  /** Of the culprit, if there is one. */
  readonly spanId: string;
}

export interface ClaimScore {
  /** Claims that arrived, not near a change, and can be answered; and repeats that were answered as if they were new. */
  readonly claims: number;
  readonly right: number;
  readonly wrong: readonly {
    readonly claim: GatewayClaim;
    readonly atMs: number;
    readonly truth: string;
  }[];
}

/** Compares the answers to claims, given as they arrive, with what was so then. */
export function scoreClaims(
  story: Story,
  by: {
    readonly arrivals: ArrivalTimes;
    readonly truth: StateTruth;
    readonly answers: readonly ClaimAnswer[];
  },
): ClaimScore {
  const { arrivals, truth } = by;
  const answers = new Map<string, string[]>();
  for (const { atMs, claim, verdict } of by.answers) {
    push(answers, keyOf(claim, atMs), verdict);
  }
  const news = new Set(
    story.claims
      .filter(({ first }) => first === undefined)
      .map((claim) => keyOf(claim.type, arrivals.claimOf(claim))),
  );
  const wrong: ClaimScore["wrong"][number][] = [];
  let claims = 0;
  for (const claim of story.claims) {
    const atMs = arrivals.claimOf(claim);
    const session = truth.owners.sessionOf(claim.work ?? sessionWork(story, claim));
    const isAnswerable =
      Number.isFinite(atMs) && truth.isSettled(session, atMs) && truth.isKnowable(session, atMs);
    if (
      !isAnswerable ||
      (claim.work !== undefined && !Number.isFinite(arrivals.startOf(claim.work)))
    ) {
      continue;
    }
    if (claim.first !== undefined && !truth.isStill(session, arrivals.claimOf(claim.first), atMs)) {
      continue;
    }
    const right = verdictOf(claim, truth, { session, atMs });
    // The collector counts in whole milliseconds.
    const given =
      [0, 1, -1]
        .map((offMs) => answers.get(keyOf(claim.type, atMs + offMs)))
        .find((verdicts) => verdicts?.includes(right)) ?? [];
    const index = given.indexOf(right);
    const isRepeat = claim.first !== undefined;
    // Where a new one came with it the answer is to that.
    if (isRepeat && (index === -1 || news.has(keyOf(claim.type, atMs)))) {
      continue;
    }
    claims++;
    if (isRepeat) {
      wrong.push({ claim, atMs, truth: "a repeat, which is no new claim" });
    } else if (index === -1) {
      wrong.push({ claim, atMs, truth: right });
    } else {
      given.splice(index, 1);
    }
  }
  return { claims, right: claims - wrong.length, wrong };
}

function keyOf(claim: string, atMs: number): string {
  return `${claim} ${Math.round(atMs)}`;
}

function sessionWork({ works }: Story, { session, process }: GatewayClaim): Work {
  const work = works.find((each) => each.session === session && each.process === process);
  if (work === undefined) {
    throw new Error("A gateway complained of a session without work.");
  }
  return work;
}

/** What a claim is: of a marker without an owner, of a queue, of a run that does this or that. */
function verdictOf(
  { work, queueDepth }: GatewayClaim,
  truth: StateTruth,
  at: { readonly session: string; readonly atMs: number },
): string {
  const state = truth.seen(at.session, at.atMs);
  if (work !== undefined) {
    const verdict = state?.verdicts.get(ownerOf(work).spanId);
    return verdict ?? "stale_marker";
  }
  if (state === undefined) {
    return queueDepth > 0 ? "queued_only" : "unknown";
  }
  return decidingVerdictOf(state);
}

const precedence = [
  "progressing",
  "silent_tool",
  "silent_model_call",
  "retrying",
  "wedged_run",
  "waiting_for_person",
];

/** The verdict that makes the state of a session what it is. */
function decidingVerdictOf({ verdicts }: SessionTruth): string {
  const given = new Set(verdicts.values());
  return precedence.find((verdict) => given.has(verdict)) ?? "unknown";
}
