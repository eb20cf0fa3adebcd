import { describe, expect, test } from "vitest";
import {
  dialectNames,
  dialectRows,
  dialects,
  toDialect,
} from "../../../src/activity/model/dialects.ts";

/** What journals that were written until now hold. */
const stored = [
  [0, "span"],
  [1, "live_span"],
  [2, "datadog_partial"],
  [3, "logfire_pending"],
  [4, "partial_log"],
  [5, "span_state_log"],
  [6, "relay"],
  [7, "entity_event"],
  [8, "session_event"],
  [9, "pause_event"],
  [10, "implied_parent"],
  [11, "requested_tool"],
  [12, "session_claim"],
] as const;

describe("the stored number of a dialect", () => {
  for (const [storedId, name] of stored) {
    test(`of ${name} is still ${storedId}`, () => {
      expect(dialectRows.find((row) => row.name === name)?.storedId).toBe(storedId);
    });
  }

  test("is its index in the tables, and fits four bits", () => {
    expect(dialectRows.map(({ storedId }) => storedId)).toEqual([...dialectRows.keys()]);
    expect(dialectNames).toEqual(dialectRows.map(({ name }) => name));
    expect(dialectRows.length).toBeLessThanOrEqual(16);
  });

  test("that no dialect has is read as a span", () => {
    expect(toDialect(dialects.relay.storedId)).toBe(dialects.relay.storedId);
    expect(toDialect(dialectRows.length)).toBe(dialects.span.storedId);
  });
});

test("no two dialects share a name, and no result stands twice in a row", () => {
  expect(new Set(dialectNames).size).toBe(dialectNames.length);
  for (const { name, results } of dialectRows) {
    expect([name, new Set(results).size]).toEqual([name, results.length]);
  }
});

test("each code of the comments is of one dialect", () => {
  const sources = Array.from({ length: 10 }, (_, number) => `S${number}`);
  const codes = dialectRows.flatMap((row) => [...row.codes]);
  expect(codes.toSorted()).toEqual(["I1", "I2", "I3", "I4", ...sources]);
});
