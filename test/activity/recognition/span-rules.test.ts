import { describe, expect, test } from "vitest";
import { signalFlags } from "../../../src/activity/model/signal-batch.ts";
import type { SpanRule } from "../../../src/activity/recognition/span-rules.ts";
import { type Attributes, classify, type Rest } from "./classified-spans.ts";

describe("rules of the user", () => {
  const tool = (match: SpanRule["match"]): SpanRule => ({ kind: "tool", match });

  for (const [title, match, name, attributes, kind] of [
    ["a name", { name: "my.tool.*" }, "my.tool.search", {}, "tool"],
    ["a name that does not fit", { name: "my.tool.*" }, "my.tools", {}, "other"],
    ["a scope", { scope: "te*" }, "x", {}, "tool"],
    ["a scope that does not fit", { scope: "Te*" }, "x", {}, "other"],
    ["a text", { attributes: { a: "x*" } }, "x", { a: "xy" }, "tool"],
    ["any text", { attributes: { a: "*" } }, "x", { a: "" }, "tool"],
    ["any text where there is a number", { attributes: { a: "*" } }, "x", { a: 1 }, "other"],
    ["an attribute that is missing", { attributes: { a: "*" } }, "x", { b: "x" }, "other"],
    ["a number", { attributes: { a: 7 } }, "x", { a: 7 }, "tool"],
    ["a negative number", { attributes: { a: -7 } }, "x", { a: -7 }, "tool"],
    ["a large number", { attributes: { a: 2 ** 40 + 3 } }, "x", { a: 2 ** 40 + 3 }, "tool"],
    ["another number", { attributes: { a: 2 ** 32 + 7 } }, "x", { a: 7 }, "other"],
    ["a number as text", { attributes: { a: 7 } }, "x", { a: "7" }, "other"],
    ["true", { attributes: { a: true } }, "x", { a: true }, "tool"],
    ["false where there is true", { attributes: { a: false } }, "x", { a: true }, "other"],
    ["true where there is 1", { attributes: { a: true } }, "x", { a: 1 }, "other"],
    ["all of several", { name: "x", attributes: { a: 1, b: "y" } }, "x", { a: 1, b: "y" }, "tool"],
    ["not all of several", { name: "x", attributes: { a: 1, b: "y" } }, "x", { a: 1 }, "other"],
  ] as const) {
    test(`${title}: ${kind}`, () => {
      expect(classify(name, attributes, { workSpans: [tool(match)] }).kind).toBe(kind);
    });
  }

  test("the first that matches decides, before the built-in ones", () => {
    const workSpans: readonly SpanRule[] = [
      { kind: "none", match: { attributes: { retry: true } } },
      { kind: "model_call", match: { name: "openclaw.*" } },
      { kind: "run", match: { name: "openclaw.run" } },
    ];
    const kindOf = (name: string, attributes: Attributes = {}) =>
      classify(name, attributes, { workSpans }).kind;
    expect(kindOf("openclaw.run")).toBe("model_call");
    expect(kindOf("openclaw.run", { retry: true })).toBe("other");
    expect(kindOf("claude_code.tool")).toBe("tool");
    expect(kindOf("x", { "gen_ai.operation.name": "chat" })).toBe("model_call");
  });

  test("may have an attribute that a built-in rule has too", () => {
    const workSpans: readonly SpanRule[] = [
      { kind: "run", match: { attributes: { "gen_ai.operation.name": "agent_*" } } },
    ];
    const kindOf = (operation: string) =>
      classify("x", { "gen_ai.operation.name": operation }, { workSpans }).kind;
    expect(kindOf("agent_step")).toBe("run");
    expect(kindOf("execute_tool")).toBe("tool");
  });

  test("of an attribute that a span has twice the first counts", () => {
    const workSpans = [tool({ attributes: { a: "x" } })];
    expect(classify("x", { a: "x" }, { workSpans, more: [["a", "y"]] }).kind).toBe("tool");
    expect(classify("x", { a: "y" }, { workSpans, more: [["a", "x"]] }).kind).toBe("other");
  });

  test("a tool of a rule has its name from an attribute, else from the span", () => {
    const workSpans = [tool({ name: "my.*" })];
    const toolOf = (attributes: Attributes) =>
      classify("my.search", attributes, { workSpans }).tool;
    expect(toolOf({ "tool.name": "search" })).toBe("search");
    expect(toolOf({})).toBe("my.search");
  });

  test("a tool may outlive its run if a rule has `detached`, whatever reports it", () => {
    const workSpans: readonly SpanRule[] = [
      { kind: "tool", match: { name: "my.background.*" }, detached: true },
      { kind: "tool", match: { name: "my.*" } },
    ];
    const isDetached = (name: string, rest: Rest = {}) =>
      (classify(name, {}, { workSpans, ...rest }).flags & signalFlags.detached) !== 0;
    expect(isDetached("my.background.search")).toBe(true);
    expect(isDetached("my.background.search", { isOpen: true })).toBe(true);
    expect(isDetached("my.search")).toBe(false);
    expect(classify("my.background.search", {}, { workSpans }).tool).toBe("my.background.search");
  });

  test("session references of the user count besides the built-in ones", () => {
    const both = { "my.session": "1", "session.id": "2" };
    expect(classify("openclaw.run", both).references).toBe(1);
    expect(classify("openclaw.run", both, { sessionReferences: ["my.session"] }).references).toBe(
      2,
    );
  });
});
