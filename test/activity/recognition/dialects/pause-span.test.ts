import { describe, expect, test } from "vitest";
import { observe } from "../observed-spans.ts";

describe("a tool that waits for a person (S8)", () => {
  const name = "claude_code.tool.blocked_on_user";
  const parent = "00000000000000b2";

  test("is paused while the span is open", () => {
    const { isConsumed, signals } = observe({ name, parent, end: 0 });
    expect(isConsumed).toBe(true);
    expect(signals.map(({ type, dialect, span, hasKey }) => [type, dialect, span, hasKey])).toEqual(
      [
        ["start", "live_span", 0xa1, false],
        ["pause", "pause_event", 0xb2, true],
        ["start", "implied_parent", 0xb2, false],
      ],
    );
  });

  test("resumes when the span ends, which is forwarded", () => {
    const { isConsumed, signals } = observe({ name, parent });
    expect(isConsumed).toBe(false);
    expect(signals.map(({ type, dialect, span }) => [type, dialect, span])).toEqual([
      ["end", "span", 0xa1],
      ["resume", "pause_event", 0xb2],
      ["start", "implied_parent", 0xb2],
    ]);
  });
});

test("a wait for a person of Qwen Code pauses its parent, which can be a run", () => {
  const { signals } = observe({
    name: "qwen-code.tool.blocked_on_user",
    parent: "00000000000000b2",
    end: 0,
  });
  expect(signals.map(({ type, dialect, span }) => [type, dialect, span])).toEqual([
    ["start", "live_span", 0xa1],
    ["pause", "pause_event", 0xb2],
  ]);
});
