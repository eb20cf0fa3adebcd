import { otlp } from "../../../otlp/proto/generated.js";
import { attributeTypes } from "../../../otlp/span-batch.ts";

/** Longer contents are not read: what an agent was asked is not our business, and this is only a hint. */
const longestContentBytes = 1 << 20;
const mostCallsPerMessage = 16;

/** A call of a tool that a model asked for, or, with an empty name, one whose result it was handed. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
}

/** What the content of a model call says of tool calls. */
export interface ToolCalls {
  readonly requested: readonly ToolCall[];
  readonly answered: readonly ToolCall[];
}

/** How an attribute says it. */
type Reading = "output" | "input" | "call id" | "call name";

const indexed = (prefix: string, suffix: string, reading: Reading) =>
  Array.from(
    { length: mostCallsPerMessage },
    (_, call) => [`${prefix}${call}${suffix}`, reading] as const,
  );

/**
 * Attributes of model calls that carry what was asked and answered, with content capture on: the GenAI
 * conventions, the Vercel AI SDK, OpenInference, OpenLLMetry.
 */
const readings: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ["gen_ai.output.messages", "output"],
  ["gen_ai.input.messages", "input"],
  ["ai.response.toolCalls", "output"],
  ["ai.prompt.messages", "input"],
  ...indexed("llm.output_messages.0.message.tool_calls.", ".tool_call.id", "call id"),
  ...indexed("llm.output_messages.0.message.tool_calls.", ".tool_call.function.name", "call name"),
  ...indexed("gen_ai.completion.0.tool_calls.", ".id", "call id"),
  ...indexed("gen_ai.completion.0.tool_calls.", ".name", "call name"),
]);

export const toolCallContentKeys: readonly string[] = [...readings.keys()];

/** Collects what the attributes of one model call say. */
export class ToolCallReader {
  readonly #requested = new Map<string, string>();
  readonly #answered = new Set<string>();
  /** Of indexed attributes: where the call stands → what is known of it. */
  readonly #indexed = new Map<string, { id: string; name: string }>();

  /** `value` is the bytes of the attribute's value, `type` one of `attributeTypes`. */
  read(key: string, type: number, value: Uint8Array): void {
    const reading = readings.get(key);
    if (reading === undefined || value.length > longestContentBytes) {
      return;
    }
    if (reading === "call id" || reading === "call name") {
      if (type === attributeTypes.string) {
        const place = key.replace(/\.(tool_call\.)?(id|name|function\.name)$/, "");
        const call = this.#indexed.get(place) ?? { id: "", name: "" };
        call[reading === "call id" ? "id" : "name"] = Buffer.from(value).toString();
        this.#indexed.set(place, call);
      }
      return;
    }
    for (const part of partsIn(contentOf(type, value))) {
      this.#readPart(part, reading);
    }
  }

  result(): ToolCalls {
    for (const { id, name } of this.#indexed.values()) {
      this.#request(id, name);
    }
    return {
      requested: [...this.#requested].map(([id, name]) => ({ id, name })),
      answered: [...this.#answered].map((id) => ({ id, name: "" })),
    };
  }

  #readPart(part: Readonly<Record<string, unknown>>, reading: "output" | "input"): void {
    const id = textOf(part["id"]) || textOf(part["toolCallId"]);
    const name = textOf(part["name"]) || textOf(part["toolName"]);
    const isAnswer = part["type"] === "tool_call_response" || part["type"] === "tool-result";
    if (isAnswer && id !== "") {
      this.#answered.add(id);
    } else if (reading === "output" && name !== "" && part["providerExecuted"] !== true) {
      this.#request(id, name);
    }
  }

  #request(id: string, name: string): void {
    if (id !== "" && name !== "") {
      this.#requested.set(id, name);
    }
  }
}

/** JSON in a string, or a structured value; undefined when it is neither. */
function contentOf(type: number, value: Uint8Array): unknown {
  try {
    if (type === attributeTypes.string) {
      return JSON.parse(Buffer.from(value).toString());
    }
    return type === attributeTypes.array
      ? (otlp.ArrayValue.decode(value).values ?? []).map(plainOf)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Objects among messages, their parts and contents: as deep as any of the conventions goes. */
function partsIn(content: unknown, depth = 0): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(content)) {
    return depth > 4 ? [] : content.flatMap((each: unknown) => partsIn(each, depth + 1));
  }
  const fields = fieldsOf(content);
  return fields === undefined
    ? []
    : [
        fields,
        ...partsIn(listOf(fields["parts"]), depth + 1),
        ...partsIn(listOf(fields["content"]), depth + 1),
      ];
}

function listOf(value: unknown): unknown {
  return Array.isArray(value) ? value : undefined;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value))
    : undefined;
}

function plainOf(value: otlp.AnyValue.$Properties): unknown {
  if (value.kvlistValue) {
    return Object.fromEntries(
      (value.kvlistValue.values ?? []).map((pair) => [pair.key ?? "", plainOf(pair.value ?? {})]),
    );
  }
  return value.arrayValue
    ? (value.arrayValue.values ?? []).map(plainOf)
    : (value.stringValue ?? value.boolValue ?? undefined);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
