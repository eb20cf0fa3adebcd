import { describe, expect, test } from "vitest";
import { observe } from "../observed-spans.ts";

describe("a span that is always inside a tool (I1)", () => {
  const name = "claude_code.tool.execution";

  test("makes its parent a tool", () => {
    const { signals } = observe({ name, parent: "00000000000000b2" });
    expect(signals.map(({ type, dialect, span, parent }) => [type, dialect, span, parent])).toEqual(
      [
        ["end", "span", 0xa1, 0xb2],
        ["start", "implied_parent", 0xb2, 0],
      ],
    );
  });

  test("adds nothing if it has no parent", () => {
    expect(observe({ name }).signals.map(({ type }) => type)).toEqual(["end"]);
  });
});
