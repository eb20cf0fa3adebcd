import { type Framework, frameworks } from "./frameworks.ts";
import type { SpanClass } from "./span-class.ts";

/** The tables of `frameworks.ts` together, as the classifier and the preload read them. */
const all: readonly Framework[] = Object.values(frameworks);

/** OpenClaw puts `invoke_agent` on model calls of a whole turn; this attribute distinguishes them from runs. */
export const modelCallAttributes: readonly string[] = ["openclaw.api"];

/** Names of spans that are no work. They come before every other rule. */
export const notWorkNames: readonly string[] = all.flatMap(({ notWork }) => notWork ?? []);

/** Names of spans that are always directly inside a tool. */
export const toolPartNames: readonly string[] = all.flatMap(({ toolParts }) => toolParts ?? []);

/**
 * The class of a span by the value of an attribute. The first attribute that a span has decides; a value that is not listed is
 * no work.
 */
export const attributeRules: readonly {
  readonly key: string;
  readonly values: Readonly<Record<string, SpanClass>>;
}[] = all.flatMap(({ attributes }) => attributes ?? []);

/** The class of a span by its name, if none of the attributes is present. */
export const nameRules: readonly {
  readonly name: string;
  /** The instrumentation scope in which the name counts; any if left out. */
  readonly scope?: string;
  readonly spanClass: SpanClass;
}[] = all.flatMap(({ names }) =>
  Object.entries(names?.values ?? {}).map(([name, spanClass]) => ({
    name,
    spanClass,
    ...(names?.scope === undefined ? {} : { scope: names.scope }),
  })),
);

/** Attributes that name the session of a span. All that a span has name one session. */
export const sessionReferences: readonly string[] = [
  ...new Set(all.flatMap(({ sessionReferences: keys }) => keys ?? [])),
];

/** Attributes with the name of a tool. The first that a span has counts. */
export const toolNames: readonly string[] = [
  ...new Set(all.flatMap(({ toolNames: keys }) => keys ?? [])),
];

/** Instrumentation scopes that name the span of a tool after it, and what they append; empty for nothing. */
export const toolSpanNames: readonly {
  readonly scope: string;
  readonly endings: readonly string[];
}[] = all.flatMap(({ toolSpanNames: names }) =>
  Object.entries(names ?? {}).map(([scope, endings]) => ({ scope, endings })),
);

/** Names of classes of tools, which libraries put into the name of a span when they do not know the tool's own. */
export const genericToolNames: readonly string[] = [
  "tool",
  "Tool",
  "BaseTool",
  "DynamicStructuredTool",
  "DynamicTool",
  "FunctionTool",
  "SimpleTool",
  "StructuredTool",
];

/** Endings of names of spans that are no work, though an attribute marks them as a model call. */
export const notWorkEndings: readonly string[] = all.flatMap(
  ({ notWorkEndings: endings }) => endings ?? [],
);

/** Attributes with the name of the agent of a run. */
export const agentNames: readonly string[] = [
  ...new Set(all.flatMap(({ agentNames: keys }) => keys ?? [])),
];

/** Spans that are open while their parent waits for a person. */
export const pauseSpans: readonly string[] = [
  "claude_code.tool.blocked_on_user",
  "qwen-code.tool.blocked_on_user",
];

/** Attributes with the id of a tool call, on the span of the tool. */
export const toolCallIds: readonly string[] = [
  "gen_ai.tool.call.id",
  "gen_ai.tool.call_id",
  "tool_call.id",
  "tool.id",
  "ai.toolCall.id",
  "tool_use_id",
];

/** The attribute of a copy of a finished span that a sender of live spans (S1) reports its end with, and its value. */
export const signalKey = "openclaw.activity.signal";
export const endSignal = "end";
