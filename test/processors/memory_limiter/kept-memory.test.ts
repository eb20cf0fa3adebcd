import { expect, test } from "vitest";
import { KeptMemory } from "../../../src/processors/memory_limiter/kept-memory.ts";

const limit = { softBytes: 600, hardBytes: 800 };

/** Whether memory has settled after each measurement: seconds, and bytes. */
function settledAfter(...measured: readonly (readonly [number, number])[]): readonly boolean[] {
  const kept = new KeptMemory();
  return measured.map(([atS, rssBytes]) => kept.isSettled({ rssBytes }, limit, atS * 1_000));
}

for (const [title, measured, settled] of [
  [
    "below the hard limit it never has",
    [
      [0, 799],
      [60, 799],
    ],
    [false, false],
  ],
  [
    "above it, it has after 10 s",
    [
      [0, 800],
      [9.9, 800],
      [10, 800],
    ],
    [false, false, true],
  ],
  [
    "it may grow by a tenth of the limit meanwhile",
    [
      [0, 800],
      [5, 880],
      [10, 840],
    ],
    [false, false, true],
  ],
  [
    "growth by more has the time begin anew",
    [
      [0, 800],
      [5, 881],
      [10, 881],
      [15, 881],
    ],
    [false, false, false, true],
  ],
  [
    "growth after that has it begin anew, too",
    [
      [0, 800],
      [10, 800],
      [11, 881],
      [21, 881],
    ],
    [false, true, false, true],
  ],
  [
    "growth in small steps is growth",
    [
      [0, 800],
      [4, 860],
      [8, 900],
      [10, 900],
      [18, 900],
    ],
    [false, false, false, false, true],
  ],
  [
    "memory that was below the limit meanwhile has to settle again",
    [
      [0, 800],
      [5, 799],
      [10, 800],
      [20, 800],
    ],
    [false, false, false, true],
  ],
] as const) {
  test(title, () => {
    expect(settledAfter(...measured)).toEqual(settled);
  });
}
