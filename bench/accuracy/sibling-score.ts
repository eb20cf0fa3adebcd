import type { ClaimAnswer } from "./claim-score.ts";
import type { StateTruth } from "./state-samples.ts";
import { ownerOf, type Story } from "./story.ts";

/** Silences of tools whose run goes on, each of which is to be reported once. */
export interface SiblingScore {
  readonly silences: number;
  readonly reported: number;
  /** Reports of tools that were not silent beside others. */
  readonly wrong: number;
}

/** Compares the reports of tools that are silent beside others with the silences that there were. */
export function scoreSiblings(
  { works }: Story,
  truth: StateTruth,
  answers: readonly ClaimAnswer[],
): SiblingScore {
  const reports = new Map<string, number>();
  for (const { claim, spanId } of answers) {
    if (claim === "none") {
      reports.set(spanId, (reports.get(spanId) ?? 0) + 1);
    }
  }
  const score = { silences: 0, reported: 0, wrong: 0 };
  for (const tool of works.filter(({ kind }) => kind === "tool")) {
    const silences = truth.silencesBesideOthers(tool, ownerOf(tool));
    const certain = silences.filter(({ isCertain }) => isCertain).length;
    const given = reports.get(tool.spanId) ?? 0;
    score.silences += certain;
    score.reported += Math.min(certain, given);
    score.wrong += Math.max(0, given - silences.length);
    reports.delete(tool.spanId);
  }
  // What is left is of no tool.
  score.wrong += [...reports.values()].reduce((sum, count) => sum + count, 0);
  return score;
}
