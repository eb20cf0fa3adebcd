import { expect, test } from "vitest";
import { toolNameEnd } from "../../../src/activity/recognition/tool-span-name.ts";

for (const [name, want] of [
  ["search.tool", "search"],
  ["search", "search"],
  ["search.tools", "search.tools"],
  ["a.tool.tool", "a.tool"],
  [".tool", ".tool"],
  ["tool", "tool"],
] as const) {
  test(`the tool of the span "${name}" is "${want}"`, () => {
    const bytes = Buffer.from(`x.tool${name}`);
    const end = toolNameEnd(bytes, 6, bytes.length);
    expect(bytes.subarray(6, end).toString()).toBe(want);
  });
}
