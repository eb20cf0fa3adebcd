import { OldestFirstMap } from "../../collections/oldest-first-map.ts";
import { scanJson } from "../../otlp/json-scan.ts";
import { otlp } from "../../otlp/proto/generated.js";
import { attributeTypes } from "../../otlp/span-batch.ts";
import { tagOf, WireReader } from "../../otlp/wire-reader.ts";
import { maxCallsPerSpan } from "../model/limits.ts";
import { answerIn, requestIn } from "./tool-call-parts.ts";
import { isDecodable, shapes } from "./value-count.ts";

const attributeTag = tagOf(9, "length");
const keyTag = tagOf(1, "length");
/** All keys with numbers begin with `llm.` or `gen_ai.`. */
const letterL = 0x6c;
const letterG = 0x67;

/** Longer contents are not read: they would cost too much for a hint. */
const maxContentBytes = 1 << 20;
/** Memory for the values of a content, and for each of its bytes. That of messages takes a third; only empty values take more. */
const freeContentWeight = 64 * 1024;
const contentWeightPerByte = 16;
/** The attributes of a span whose keys are looked at for numbers, and the longest such key. */
const maxIndexed = 4_096;
const maxIndexedKeyBytes = 127;
/** Messages, their parts, the content of a part: as deep as any of the conventions goes. */
const maxDepth = 8;

/** A tool call that a model requested. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
}

/** The tool calls in the content of a model call or a run. */
export interface ToolCalls {
  readonly requested: readonly ToolCall[];
  /** Ids of calls that have a result, a refusal, or a question to a person. */
  readonly answered: readonly string[];
  /** Whether more calls were requested than were read. */
  readonly isCut: boolean;
}

/** What an attribute contains. `indexed`: for each message the span has attributes with a number in their key. */
type Reading = "output" | "input" | "input that is not read" | "indexed output" | "indexed input";

/** Attributes of model calls and runs that have requests and answers, if content is captured. */
const readings: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  // The GenAI conventions, and Pydantic AI's content of a whole run.
  ["gen_ai.output.messages", "output"],
  ["gen_ai.input.messages", "input"],
  ["pydantic_ai.all_messages", "input"],
  ["all_messages_events", "input"],
  ["final_result", "input"],
  // Pydantic AI and Logfire by the first versions of the conventions: events of both directions.
  ["events", "output"],
  // The Vercel AI SDK.
  ["ai.response.toolCalls", "output"],
  ["ai.prompt.messages", "input"],
  ["ai.prompt", "input that is not read"],
  // OpenInference.
  ["llm.output_messages.0.message.role", "indexed output"],
  ["llm.output_messages.0.message.tool_calls.0.tool_call.id", "indexed output"],
  ["llm.input_messages.0.message.role", "indexed input"],
  ["input.value", "input that is not read"],
  // OpenLLMetry, and Traceloop and AgentOps, which are built on it.
  ["gen_ai.completion.0.role", "indexed output"],
  ["gen_ai.completion.0.finish_reason", "indexed output"],
  ["gen_ai.completion.0.tool_calls.0.id", "indexed output"],
  ["gen_ai.prompt.0.role", "indexed input"],
  ["gen_ai.prompt.0.content", "indexed input"],
  ["traceloop.entity.input", "input that is not read"],
  // Langfuse, LangSmith, Mastra, Google ADK.
  ["langfuse.observation.input", "input that is not read"],
  ["gen_ai.prompt", "input that is not read"],
  ["mastra.model_generation.input", "input that is not read"],
  ["mastra.model_step.input", "input that is not read"],
  ["mastra.span.input", "input that is not read"],
  ["gcp.vertex.agent.llm_request", "input that is not read"],
]);

export const toolCallContentKeys: readonly string[] = [...readings.keys()];

/** Whether an attribute is the input of a model, or comes with it. */
export function isModelInput(key: string): boolean {
  return readings.get(key)?.includes("input") === true || key === "events";
}

/** Whether a span that has the attribute has others with numbers in their keys. */
export function isIndexed(key: string): boolean {
  return readings.get(key)?.startsWith("indexed") === true;
}

const indexedCall =
  /^(llm\.output_messages\.\d+\.message\.tool_calls\.\d+\.tool_call|gen_ai\.completion\.\d+\.tool_calls\.\d+)\.(id|name|function\.name)$/;
const indexedAnswer = /^(llm\.input_messages\.\d+\.message|gen_ai\.prompt\.\d+)\..*tool_call_id$/;
/** AutoGen's result of a function, as JSON. */
const indexedResult = /^llm\.input_messages\.\d+\.function\.\d+$/;

/** What an attribute with numbers in its key has of a tool call. */
export interface IndexedPart {
  readonly part: "id" | "name" | "answer" | "result";
  /** The shortest key that is read as this one is. */
  readonly key: string;
}

/** Undefined for a key of which nothing is read. */
export function indexedPartOf(key: string): IndexedPart | undefined {
  const [, , field] = indexedCall.exec(key) ?? [];
  if (field !== undefined) {
    return { part: field === "id" ? "id" : "name", key };
  }
  const [, message] = indexedAnswer.exec(key) ?? [];
  if (message !== undefined) {
    return { part: "answer", key: `${message}.tool_call_id` };
  }
  return indexedResult.test(key) ? { part: "result", key } : undefined;
}

/** Collects the tool calls in the attributes of one model call or run: at most `maxCallsPerSpan` requests and as many answers. */
export class ToolCallReader {
  readonly #requested = new Map<string, string>();
  /** Of more the last ones, because the others are history. */
  readonly #answered = new OldestFirstMap<string, true>(maxCallsPerSpan);
  readonly #mayRequest: boolean;
  #isCut = false;

  /** `mayRequest`: its requests count, as those of a model call do. */
  constructor({ mayRequest }: { readonly mayRequest: boolean }) {
    this.#mayRequest = mayRequest;
  }

  /** `value` is the bytes of the attribute's value, `type` one of `attributeTypes`. */
  read(key: string, type: number, value: Uint8Array): void {
    const reading = readings.get(key);
    const isRead = reading === "output" || reading === "input";
    if (isRead && value.length <= maxContentBytes) {
      this.#readContent(contentOf(type, value), reading, 0);
    }
  }

  /** Reads the attributes with numbers in their keys; `span` is the bytes of the span's message. */
  readIndexed(span: Uint8Array): void {
    if (span.length > maxContentBytes) {
      return;
    }
    /** The key of a call without its last part → the call. */
    const calls = new Map<string, { id: string; name: string }>();
    for (const attribute of attributesOf(span)) {
      const key = attribute.key ?? "";
      const text = attribute.value?.stringValue ?? "";
      const [, prefix, field] = indexedCall.exec(key) ?? [];
      if (prefix !== undefined) {
        const call = calls.get(prefix) ?? { id: "", name: "" };
        call[field === "id" ? "id" : "name"] = text;
        calls.set(prefix, call);
      } else if (indexedAnswer.test(key)) {
        this.#answer(text);
      } else if (indexedResult.test(key)) {
        this.#readContent(parsed(Buffer.from(text)), "input", 0);
      }
    }
    for (const { id, name } of calls.values()) {
      this.#request(id, name);
    }
  }

  result(): ToolCalls {
    return {
      requested: [...this.#requested].map(([id, name]) => ({ id, name })),
      answered: [...this.#answered.keys()],
      isCut: this.#isCut,
    };
  }

  #readContent(content: unknown, reading: "output" | "input", depth: number): void {
    if (depth > maxDepth || typeof content !== "object" || content === null) {
      return;
    }
    const answered = answerIn(content);
    const requested = requestIn(content);
    if (answered !== undefined) {
      this.#answer(answered);
    } else if (requested !== undefined) {
      if (reading === "output") {
        this.#request(requested.id, requested.name);
      }
    } else {
      // The arguments and the result of a call are not searched.
      const inner = isInputEvent(content) ? "input" : reading;
      for (const part of Object.values(content)) {
        this.#readContent(part, inner, depth + 1);
      }
    }
  }

  #request(id: string, name: string): void {
    if (!this.#mayRequest || id === "" || name === "") {
      return;
    }
    if (this.#requested.size < maxCallsPerSpan || this.#requested.has(id)) {
      this.#requested.set(id, name);
    } else {
      this.#isCut = true;
    }
  }

  #answer(id: string): void {
    if (id !== "") {
      this.#answered.set(id, true);
    }
  }
}

/** An event of the first conventions: every one but the choice of the model is its input. */
function isInputEvent(part: object): boolean {
  return "event.name" in part && part["event.name"] !== "gen_ai.choice";
}

/** JSON in a string, or a structured value; undefined if it is neither. */
function contentOf(type: number, value: Uint8Array): unknown {
  if (type === attributeTypes.string) {
    return parsed(value);
  }
  try {
    return type === attributeTypes.array && isDecodable(value, shapes.valueList)
      ? (otlp.ArrayValue.decode(value).values ?? []).map(plainOf)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined also for JSON with too many values. */
function parsed(json: Uint8Array): unknown {
  if (scanJson(json).weightBytes > freeContentWeight + contentWeightPerByte * json.length) {
    return undefined;
  }
  try {
    return JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString());
  } catch {
    return undefined;
  }
}

/** The first of the attributes that may have a number in their key. */
function attributesOf(span: Uint8Array): readonly otlp.KeyValue.$Properties[] {
  const found: otlp.KeyValue.$Properties[] = [];
  const reader = new WireReader(span);
  const end = span.length;
  while (reader.position < end && found.length < maxIndexed) {
    const tag = reader.tag(end);
    if (tag !== attributeTag) {
      if (!reader.skip(tag, end)) {
        break;
      }
      continue;
    }
    const stop = reader.length(end);
    if (stop < 0) {
      break;
    }
    const attribute = indexedAttribute(span, reader.position, stop);
    if (attribute !== undefined) {
      found.push(attribute);
    }
    reader.position = stop;
  }
  return found;
}

function indexedAttribute(
  span: Uint8Array,
  start: number,
  end: number,
): otlp.KeyValue.$Properties | undefined {
  // Every encoder writes the key first, so that nearly all others are passed over without being decoded.
  const first = span[start + 2];
  const mayBeIndexed = first === letterL || first === letterG;
  if (span[start] !== keyTag || (span[start + 1] ?? 0) > maxIndexedKeyBytes || !mayBeIndexed) {
    return undefined;
  }
  const bytes = span.subarray(start, end);
  if (!isDecodable(bytes, shapes.keyValue)) {
    return undefined;
  }
  try {
    return otlp.KeyValue.decode(bytes);
  } catch {
    return undefined;
  }
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
