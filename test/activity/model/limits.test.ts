import { expect, test } from "vitest";
import { storedLimits } from "../../../src/activity/model/limits.ts";
import { limits } from "../engine/history.ts";

const { includesMarkers: _, ...others } = limits;

for (const [title, stored, want] of [
  ["today's key is read", { ...others, includesMarkers: true }, true],
  ["the key of version 3 is read", { ...others, tellsMarkers: true }, true],
  ["the key of version 3 is read when it is false", { ...others, tellsMarkers: false }, false],
] as const) {
  test(title, () => {
    expect(storedLimits.parse(stored)).toEqual({ ...others, includesMarkers: want });
  });
}

test("journals from before a rule do not have its key", () => {
  const {
    holdsAcrossProcesses: __,
    boundsSearches: ___,
    correctsKinds: ____,
    presumesElsewhere: _____,
    ...before
  } = limits;
  expect(storedLimits.parse(before)).toEqual({
    ...limits,
    holdsAcrossProcesses: false,
    boundsSearches: false,
    correctsKinds: false,
    presumesElsewhere: false,
  });
});

for (const [title, stored] of [
  ["without one of the keys", others],
  ["with a text for a number", { ...limits, maxAgeMs: "12h" }],
  ["that are no object", 7],
] as const) {
  test(`limits ${title} are refused`, () => {
    expect(() => storedLimits.parse(stored)).toThrow();
  });
}
