import { describe, expect, test } from "vitest";
import {
  ToolCallReader,
  type ToolCalls,
  toolCallContentKeys,
} from "../../src/activity/recognition/tool-call-reader.ts";
import { CaptureKeys } from "../../src/cli/capture-keys.ts";
import { CaptureRedactor } from "../../src/cli/capture-redactor.ts";
import { CaptureText } from "../../src/cli/capture-text.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { attributeTypes } from "../../src/otlp/span-batch.ts";
import { sessionRef } from "../../src/privacy/session-ref.ts";

type AnyValue = otlp.AnyValue.$Properties;
type KeyValue = otlp.KeyValue.$Properties;

const hashKey = new Uint8Array(32).fill(9);
/** Texts that look like names, so that only their place keeps them out. */
const canary = /CANARY/i;
const given = {
  CANARYKEY: ["CANARYITEM", { CANARYINNER: true, type: "CANARYTYPE", id: "CANARYID" }],
};

const call = (id: string) => ({
  type: "tool_call",
  id,
  name: "read",
  arguments: given,
  CANARYMORE: 1,
});
const answer = (id: string) => ({ type: "tool_call_response", id, response: given, result: given });
const messages = [
  {
    role: "CANARYROLE",
    name: "CANARYNAME",
    finish_reason: "CANARYREASON",
    index: 4711,
    CANARYSIBLING: given,
  },
  {
    role: "assistant",
    parts: [{ type: "CANARYTYPE", content: "CANARYTEXT" }, call("call_a"), given],
  },
  { role: "assistant", parts: [{ ...call("call_not_run"), providerExecuted: true }] },
  { role: "tool", parts: [answer("call_b"), JSON.stringify({ CANARYJSON: given })] },
  { functionCall: { id: "call_c", name: "write", args: given } },
];

function spanAfter(attributes: readonly KeyValue[]): otlp.Span.$Properties {
  const redactor = new CaptureRedactor(
    new CaptureKeys({ sessions: [], work: [] }),
    new CaptureText(hashKey),
  );
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ scopeSpans: [{ spans: [{ name: "chat", attributes: [...attributes] }] }] }],
  }).finish();
  const out = redactor.redacted({ signal: "traces", bytes });
  expect(Buffer.from(out ?? [0]).toString("latin1")).not.toMatch(canary);
  const request = otlp.ExportTraceServiceRequest.decode(out ?? new Uint8Array(0));
  return request.resourceSpans[0]?.scopeSpans?.[0]?.spans?.[0] ?? {};
}

function anyValueOf(value: unknown): AnyValue {
  if (Array.isArray(value)) {
    return { arrayValue: { values: value.map(anyValueOf) } };
  }
  if (typeof value === "object" && value !== null) {
    const values = Object.entries(value).map(([key, inner]) => ({ key, value: anyValueOf(inner) }));
    return { kvlistValue: { values } };
  }
  return typeof value === "boolean" ? { boolValue: value } : { stringValue: String(value) };
}

function callsIn(key: string, value: AnyValue | null | undefined): ToolCalls {
  const reader = new ToolCallReader({ mayRequest: true });
  if (typeof value?.stringValue === "string") {
    reader.read(key, attributeTypes.string, Buffer.from(value.stringValue));
  } else if (value?.arrayValue) {
    reader.read(key, attributeTypes.array, otlp.ArrayValue.encode(value.arrayValue).finish());
  }
  return reader.result();
}

const hashed = (id: string) => sessionRef(hashKey, id);

describe("of the content of messages a recording has only the tool calls", () => {
  for (const key of toolCallContentKeys.filter((each) => !each.endsWith(".id"))) {
    for (const [kind, value] of [
      ["JSON", { stringValue: JSON.stringify(messages) }],
      ["lists and maps", anyValueOf(messages)],
      ["a map", anyValueOf(messages[1])],
      ["a list of JSON", anyValueOf(messages.map((each) => JSON.stringify(each)))],
      ["text", { stringValue: "CANARY and more" }],
      ["a word", { stringValue: "CANARY" }],
      ["bytes", { bytesValue: Buffer.from("CANARY") }],
    ] as const) {
      test(`${key} as ${kind}`, () => {
        const { attributes } = spanAfter([{ key, value }]);
        const original = callsIn(key, value);
        expect(attributes?.map((each) => each.key)).toEqual([key]);
        expect(callsIn(key, attributes?.[0]?.value)).toEqual({
          requested: original.requested.map(({ id, name }) => ({ id: hashed(id), name })),
          answered: original.answered.map(hashed),
          isCut: false,
        });
      });
    }
  }

  test("also when there are more calls than are read", () => {
    const many = {
      stringValue: JSON.stringify(Array.from({ length: 5_000 }, (_, at) => call(`call-${at}`))),
    };
    const { attributes } = spanAfter([{ key: "gen_ai.output.messages", value: many }]);
    const original = callsIn("gen_ai.output.messages", many);
    const recorded = callsIn("gen_ai.output.messages", attributes?.[0]?.value);
    expect(original.isCut).toBe(true);
    expect(recorded.isCut).toBe(true);
    expect(recorded.requested.map(({ id }) => id)).toEqual(
      original.requested.map(({ id }) => hashed(id)),
    );
  });

  test("and nothing of a content that is too long to be read", () => {
    const long = JSON.stringify([call("call_a"), "x".repeat(1 << 20)]);
    const { attributes } = spanAfter([
      { key: "gen_ai.output.messages", value: { stringValue: long } },
    ]);
    expect(attributes?.[0]?.value?.stringValue).toBe("");
  });
});

test("of attributes with numbers in their keys a recording has only ids and names of tool calls", () => {
  const text = (stringValue: string) => ({ stringValue });
  const { attributes } = spanAfter([
    { key: "gen_ai.completion.0.role", value: text("CANARY") },
    { key: "gen_ai.completion.0.finish_reason", value: text("CANARY") },
    { key: "gen_ai.completion.0.CANARY.name", value: text("CANARY") },
    { key: "gen_ai.completion.0.tool_calls.1.id", value: text("call_a") },
    { key: "gen_ai.completion.0.tool_calls.1.name", value: text("exec") },
    { key: "gen_ai.completion.0.tool_calls.1.type", value: text("CANARY") },
    { key: "gen_ai.completion.0.tool_calls.1.arguments", value: text('{"CANARY":1}') },
    { key: "gen_ai.prompt.1.CANARY.tool_call_id", value: text("call_b") },
    { key: "gen_ai.prompt.491511234567.tool_call_id", value: text("call_b") },
    { key: "gen_ai.prompt.1.name", value: text("CANARY") },
    { key: "llm.input_messages.0.message.role", value: text("CANARY") },
    { key: "llm.input_messages.2.message.name", value: text("CANARY") },
    { key: "llm.input_messages.2.message.CANARY.id", value: text("CANARY") },
    {
      key: "llm.input_messages.2.function.0",
      value: text(JSON.stringify([answer("call_c"), given])),
    },
    {
      key: "llm.output_messages.0.message.tool_calls.0.tool_call.function.name",
      value: text("read"),
    },
  ]);
  expect(attributes?.map(({ key, value }) => [key, value?.stringValue])).toEqual([
    ["gen_ai.completion.0.role", ""],
    ["gen_ai.completion.0.finish_reason", ""],
    ["gen_ai.completion.0.tool_calls.1.id", hashed("call_a")],
    ["gen_ai.completion.0.tool_calls.1.name", "exec"],
    ["gen_ai.prompt.1.tool_call_id", hashed("call_b")],
    ["llm.input_messages.0.message.role", ""],
    [
      "llm.input_messages.2.function.0",
      `[{"type":"tool_call_response","id":"${hashed("call_c")}"}]`,
    ],
    ["llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "read"],
  ]);
});

test("of maps in other attributes a recording has no key that it does not know", () => {
  const map = anyValueOf({
    CANARYKEY: "x",
    "service.instance.id": "CANARY",
    list: [{ CANARYKEY: 1 }],
  });
  const { attributes } = spanAfter([
    { key: "entity.id", value: map },
    { key: "session.id", value: map },
    { key: "gen_ai.tool.name", value: map },
    { key: "gen_ai.operation.name", value: map },
    { key: "gen_ai.tool.call.arguments", value: map },
    { key: "gen_ai.tool.call.result", value: anyValueOf(JSON.stringify(given)) },
    { key: "openclaw.content.tool_input", value: anyValueOf("CANARY") },
  ]);
  expect(attributes?.map(({ key }) => key)).toEqual(["entity.id", "session.id"]);
});

test("a placeholder for a session stays one, and an id does not", () => {
  const keptOf = (stringValue: string) =>
    spanAfter([{ key: "session.id", value: { stringValue } }]).attributes?.[0]?.value?.stringValue;
  expect(["None", " ", "[Scrubbed due to 'session']"].map(keptOf)).toEqual([
    "None",
    " ",
    "[Scrubbed due to 'session']",
  ]);
  for (const id of ["main", `[Scrubbed due to '${"x".repeat(40)}']`]) {
    expect(keptOf(id)).toBe(sessionRef(hashKey, id));
  }
});

test("the name of a span keeps what is done, and a name behind it", () => {
  const text = new CaptureText(hashKey);
  const kept = ["execute_tool search", "chat gpt-5", "tool: 'search'", "agent run: 'weather'"];
  expect(kept.map((name) => text.spanName(name))).toEqual(kept);
  expect(text.spanName("tool: 'a secret of theirs'")).toMatch(/^tool: '<[0-9a-f]{12}>'$/);
  expect(text.spanName("what: 'search'")).toMatch(/^<[0-9a-f]{12}>$/);
});
