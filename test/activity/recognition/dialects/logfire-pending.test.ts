import { describe, expect, test } from "vitest";
import { observe, plain, tool } from "../observed-spans.ts";

describe("pending spans of Logfire (S3)", () => {
  const pending = { ...tool, "logfire.span_type": "pending_span" };
  const parent = "00000000000000b2";

  for (const [what, attributes, want] of [
    ["its parent", { "logfire.pending_parent_id": "00000000000000c3" }, 0xc3],
    ["zeros for a parent", { "logfire.pending_parent_id": "0000000000000000" }, 0],
    ["no attribute for its parent", {}, 0],
    ["a text that is no id for a parent", { "logfire.pending_parent_id": "the root of it all" }, 0],
  ] as const) {
    test(`start their parent, which has ${what}`, () => {
      expect(observe({ name: "t", parent, attributes: { ...pending, ...attributes } })).toEqual({
        isConsumed: true,
        signals: [
          { ...plain, type: "start", dialect: "logfire_pending", span: 0xb2, parent: want },
        ],
      });
    });
  }

  test("without a parent are malformed", () => {
    const { signals } = observe({ name: "t", attributes: pending });
    expect(signals[0]!.type).toBe("malformed");
  });

  test("are forwarded if the user wants them", () => {
    const { isConsumed, signals } = observe(
      { name: "t", parent, attributes: pending },
      { forwardsPending: true },
    );
    expect([isConsumed, signals[0]!.type]).toEqual([false, "start"]);
  });

  test("the finished span itself is no start, whatever its type", () => {
    const { isConsumed, signals } = observe({
      name: "t",
      attributes: { ...tool, "logfire.span_type": "span" },
    });
    expect([isConsumed, signals[0]!.type]).toEqual([false, "end"]);
  });
});
