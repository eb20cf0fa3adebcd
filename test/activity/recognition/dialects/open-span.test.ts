import { describe, expect, test } from "vitest";
import { observe, plain, tool } from "../observed-spans.ts";

describe("live spans (S1)", () => {
  test("a span without an end is a start and is consumed", () => {
    expect(observe({ name: "t", attributes: tool, end: 0 })).toEqual({
      isConsumed: true,
      signals: [{ ...plain, type: "start", dialect: "live_span" }],
    });
  });

  for (const [what, span, isProgress] of [
    ["a live start with it", { end: 0, attributes: { "openclaw.progress": true } }, true],
    [
      "a relayed start with it",
      { end: 0, scope: "openclaw-activity-relay", attributes: { "openclaw.progress": true } },
      true,
    ],
    ["a start with false", { end: 0, attributes: { "openclaw.progress": false } }, false],
    ["a start with it as text", { end: 0, attributes: { "openclaw.progress": "true" } }, false],
    ["an end", { end: 2, attributes: { "openclaw.progress": true } }, false],
  ] as const) {
    test(`${what} is ${isProgress ? "" : "not "}progress`, () => {
      const attributes = { ...tool, ...span.attributes };
      expect(observe({ name: "t", ...span, attributes }).signals).toMatchObject([{ isProgress }]);
    });
  }
});
