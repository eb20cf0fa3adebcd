import { expect, test } from "vitest";
import { connectionsWithin } from "../../src/net/open-files-limit.ts";

test("eight ports with all their connections stay below the limit of open files", () => {
  for (const [limit, want] of [
    [Number.POSITIVE_INFINITY, 1000],
    [1_048_576, 1000],
    [8_256, 1000],
    [4_096, 480],
    [1_024, 96],
    [256, 16],
  ] as const) {
    expect([limit, connectionsWithin(limit)]).toEqual([limit, want]);
  }
});
