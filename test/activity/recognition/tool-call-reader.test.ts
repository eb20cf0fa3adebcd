import { describe, expect, test } from "vitest";
import {
  isIndexed,
  isModelInput,
  ToolCallReader,
} from "../../../src/activity/recognition/tool-call-reader.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { attributeTypes } from "../../../src/otlp/span-batch.ts";

const output = "gen_ai.output.messages";
const input = "gen_ai.input.messages";
const call = (id: string) => ({ type: "tool_call", id, name: "t" });
const result = (id: string) => ({ type: "tool_call_response", id });

/** Reads one attribute with JSON. */
function read(key: string, content: unknown, mayRequest = true) {
  const reader = new ToolCallReader({ mayRequest });
  reader.read(key, attributeTypes.string, Buffer.from(JSON.stringify(content)));
  const { requested, answered, isCut } = reader.result();
  return { requested: requested.map(({ id }) => id), answered, isCut };
}

describe("the content of an attribute", () => {
  for (const [what, key, content, requested, answered] of [
    ["output requests and answers", output, [call("a"), result("b")], ["a"], ["b"]],
    ["input only answers", input, [call("a"), result("b")], [], ["b"]],
    ["input that is not read does neither", "input.value", [call("a"), result("b")], [], []],
    ["an attribute of another name does neither", "other", [call("a")], [], []],
    ["a message 8 levels down is read", output, [[[[[[[[call("a")]]]]]]]], ["a"], []],
    ["a message 9 levels down is not", output, [[[[[[[[[call("a")]]]]]]]]], [], []],
    [
      "the arguments of a call are not searched",
      output,
      [{ ...call("a"), x: [call("b")] }],
      ["a"],
      [],
    ],
  ] as const) {
    test(what, () => {
      expect(read(key, content)).toEqual({ requested, answered, isCut: false });
    });
  }

  test("of a run answers and requests nothing", () => {
    expect(read(output, [call("a"), result("b")], false)).toEqual({
      requested: [],
      answered: ["b"],
      isCut: false,
    });
  });

  test("a call that is answered twice counts where it was answered last", () => {
    expect(read(input, [result("a"), result("b"), result("a")]).answered).toEqual(["b", "a"]);
  });

  test("a structured value is read as JSON is", () => {
    const reader = new ToolCallReader({ mayRequest: true });
    const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    const values = [
      { kvlistValue: { values: [text("type", "tool_call"), text("id", "a"), text("name", "t")] } },
    ];
    reader.read(output, attributeTypes.array, otlp.ArrayValue.encode({ values }).finish());
    expect(reader.result().requested).toEqual([{ id: "a", name: "t" }]);
  });

  test("more than 1 MiB is not read, with numbers in the keys neither", () => {
    const reader = new ToolCallReader({ mayRequest: true });
    const long = JSON.stringify([call("a"), { text: "x".repeat(1 << 20) }]);
    reader.read(output, attributeTypes.string, Buffer.from(long));
    const prefix = "gen_ai.completion.0.tool_calls.0";
    const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    const attributes = [text(`${prefix}.id`, "b"), text(`${prefix}.name`, "t"), text("x", long)];
    reader.readIndexed(otlp.Span.encode({ attributes }).finish());
    expect(reader.result().requested).toEqual([]);
    reader.readIndexed(otlp.Span.encode({ attributes: attributes.slice(0, 2) }).finish());
    expect(reader.result().requested).toEqual([{ id: "b", name: "t" }]);
  });
});

for (const [key, is] of [
  ["gen_ai.input.messages", { input: true, indexed: false }],
  ["gen_ai.prompt.0.role", { input: true, indexed: true }],
  ["input.value", { input: true, indexed: false }],
  ["events", { input: true, indexed: false }],
  ["gen_ai.output.messages", { input: false, indexed: false }],
  ["gen_ai.completion.0.role", { input: false, indexed: true }],
  ["other", { input: false, indexed: false }],
] as const) {
  test(`${key} is ${is.input ? "" : "no "}input, ${is.indexed ? "" : "not "}indexed`, () => {
    expect({ input: isModelInput(key), indexed: isIndexed(key) }).toEqual(is);
  });
}

describe("content that is costly to read", () => {
  for (const [what, json] of [
    ["hundreds of thousands of empty objects", `[${"{},".repeat(300_000)}{}]`],
    ["arrays that nest without end", "[".repeat(400_000) + "]".repeat(400_000)],
  ] as const) {
    test(`of ${what} is not read, and costs no other attribute`, () => {
      const reader = new ToolCallReader({ mayRequest: true });
      reader.read(output, attributeTypes.string, Buffer.from(json));
      reader.read(output, attributeTypes.string, Buffer.from(JSON.stringify([call("a")])));
      expect(reader.result().requested).toEqual([{ id: "a", name: "t" }]);
    });
  }

  test("with as many small arguments as a model could write is read", () => {
    const arguments_ = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`key${n}`, n]));
    const message = { role: "assistant", parts: [{ ...call("a"), arguments: arguments_ }] };
    expect(read(output, [message]).requested).toEqual(["a"]);
  });

  test("of structured values by the ten thousand is not read", () => {
    const reader = new ToolCallReader({ mayRequest: true });
    const values = Buffer.alloc(400_000, Uint8Array.of(0x0a, 0));
    reader.read(output, attributeTypes.array, values);
    expect(reader.result()).toEqual({ requested: [], answered: [], isCut: false });
  });
});
