import { describe, expect, test } from "vitest";
import { observe, plain, tool } from "../observed-spans.ts";

describe("snapshots of Datadog (S2)", () => {
  for (const [what, version] of [
    ["an int", 12],
    ["the Unix time in nanoseconds", 1_795_000_000_000_000],
    ["zero", 0],
    ["a double", { double: 20_000 }],
  ] as const) {
    test(`${what} as the version makes a span with an end a start`, () => {
      expect(
        observe({ name: "t", attributes: { ...tool, "_dd.partial_version": version } }),
      ).toEqual({
        isConsumed: true,
        signals: [{ ...plain, type: "start", dialect: "datadog_partial", sentMs: 2000 }],
      });
    });
  }

  for (const [what, version] of [
    ["a negative number", -1],
    ["a negative double", { double: -1 }],
    ["a text", "12"],
  ] as const) {
    test(`${what} as the version is no mark`, () => {
      expect(
        observe({ name: "t", attributes: { ...tool, "_dd.partial_version": version } }),
      ).toEqual({
        isConsumed: false,
        signals: [{ ...plain, type: "end", dialect: "span" }],
      });
    });
  }

  test("the end of a span that had snapshots is an end", () => {
    const { isConsumed, signals } = observe({
      name: "t",
      attributes: { ...tool, "_dd.was_long_running": 1 },
    });
    expect([isConsumed, signals[0]!.type]).toEqual([false, "end"]);
  });
});
