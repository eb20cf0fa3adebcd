import { describe, expect, test } from "vitest";
import { changeHistories } from "./histories/change-histories.ts";
import { claimHistories } from "./histories/claim-histories.ts";
import { crossProcessHistories } from "./histories/cross-process-histories.ts";
import { detachedHistories } from "./histories/detached-histories.ts";
import { endHistories } from "./histories/end-histories.ts";
import { finishedHistories } from "./histories/finished-histories.ts";
import { foundHistories } from "./histories/found-histories.ts";
import { guessHistories } from "./histories/guess-histories.ts";
import {
  enginePlayer,
  type HistoryCase,
  type Played,
  play,
  referencePlayer,
} from "./histories/history-text.ts";
import { holderHistories } from "./histories/holder-histories.ts";
import { orderHistories } from "./histories/order-histories.ts";
import { overlapHistories } from "./histories/overlap-histories.ts";
import { stateHistories } from "./histories/state-histories.ts";
import { unknownRunHistories } from "./histories/unknown-run-histories.ts";

const all: readonly HistoryCase[] = [
  ...holderHistories,
  ...overlapHistories,
  ...orderHistories,
  ...crossProcessHistories,
  ...unknownRunHistories,
  ...endHistories,
  ...finishedHistories,
  ...stateHistories,
  ...changeHistories,
  ...claimHistories,
  ...foundHistories,
  ...detachedHistories,
  ...guessHistories,
];

/** The expectations of a case, and for those it leaves out the result of the play. */
function expectedOf(history: HistoryCase, played: Played): Played {
  const { evicted, states, changes, diagnosed, late, open } = { ...played, ...history };
  return { evicted, states, changes, diagnosed, late, open };
}

describe.each([
  ["the naive engine", referencePlayer],
  ["the engine", enginePlayer],
] as const)("%s makes of a small history what is right", (_, playerOf) => {
  for (const history of all) {
    test(`${history.name}: ${history.rule}`, () => {
      const played = play(history, playerOf(history.limits));
      expect(played).toEqual(expectedOf(history, played));
    });
  }
});

test("each small history has a name of its own and an expectation", () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  for (const { evicted, states, changes, diagnosed } of all) {
    expect(evicted ?? states ?? changes ?? diagnosed).toBeDefined();
  }
});
