import {
  indexedPartOf,
  ToolCallReader,
  type ToolCalls,
} from "../activity/recognition/tool-call-reader.ts";
import { otlp } from "../otlp/proto/generated.js";
import { attributeTypes } from "../otlp/span-batch.ts";
import type { CaptureText } from "./capture-text.ts";

/** An input of any of the conventions: only what answers a call counts in it, as in the result of a function. */
const inputKey = "gen_ai.input.messages";
/** One more call than are read, so that it is known that there were more. */
const oneMore = { type: "tool_call", id: "more", name: "more" };

/**
 * What a recording keeps of messages: the tool calls that `session_activity` reads in the attribute `key`, in one form, with hashed ids.
 * JSON, or empty text if there are none. Nothing else of the messages is copied, so their shape, roles, types and keys cannot be seen.
 */
export function capturedContent(
  key: string,
  value: otlp.AnyValue.$Properties,
  text: CaptureText,
): string {
  const calls = callsIn(indexedPartOf(key)?.part === "result" ? inputKey : key, value);
  const items = [
    ...calls.requested.map(({ id, name }) => ({
      type: "tool_call",
      id: text.id(id),
      name: text.name(name),
    })),
    ...(calls.isCut ? [oneMore] : []),
    ...calls.answered.map((id) => ({ type: "tool_call_response", id: text.id(id) })),
  ];
  return items.length === 0 ? "" : JSON.stringify(items);
}

function callsIn(key: string, { stringValue, arrayValue }: otlp.AnyValue.$Properties): ToolCalls {
  const reader = new ToolCallReader({ mayRequest: true });
  if (typeof stringValue === "string") {
    reader.read(key, attributeTypes.string, Buffer.from(stringValue));
  } else if (arrayValue) {
    reader.read(key, attributeTypes.array, otlp.ArrayValue.encode(arrayValue).finish());
  }
  return reader.result();
}
