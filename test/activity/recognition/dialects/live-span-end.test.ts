import { describe, expect, test } from "vitest";
import { observe, plain, tool } from "../observed-spans.ts";

const reporting = (value: string | number | boolean) => ({
  name: "t",
  attributes: { ...tool, "openclaw.activity.signal": value },
});

describe("a copy of a finished span that reports its end (S1)", () => {
  test("is an end of a live span, and goes no further", () => {
    expect(observe(reporting("end"))).toEqual({
      isConsumed: true,
      signals: [{ ...plain, type: "end", dialect: "live_span" }],
    });
  });

  test("is a start without an end time, as any live span", () => {
    expect(observe({ ...reporting("end"), end: 0 })).toEqual({
      isConsumed: true,
      signals: [{ ...plain, type: "start", dialect: "live_span" }],
    });
  });

  for (const value of ["", "start", "END", "end ", 1, true]) {
    test(`is an ordinary finished span with ${JSON.stringify(value)} in that attribute`, () => {
      expect(observe(reporting(value))).toEqual({
        isConsumed: false,
        signals: [{ ...plain, type: "end", dialect: "span" }],
      });
    });
  }
});
