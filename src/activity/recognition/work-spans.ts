import { type Framework, frameworks } from "./frameworks.ts";
import type { SpanClass } from "./span-class.ts";

/** The tables of `frameworks.ts` put together, as the classifier and the preload read them. */
const all: readonly Framework[] = Object.values(frameworks);

/** OpenClaw puts `invoke_agent` on model calls of a whole turn; this attribute tells them apart. */
export const modelCallAttributes: readonly string[] = ["openclaw.api"];

/** Names of spans that are no work, above every other rule. */
export const notWorkNames: readonly string[] = all.flatMap(({ notWork }) => notWork ?? []);

/** Names of spans that are always directly inside a tool. */
export const toolPartNames: readonly string[] = all.flatMap(({ toolParts }) => toolParts ?? []);

/**
 * Which attribute value makes a span what; the first attribute that a span carries decides. A value
 * that is not listed makes it no work.
 */
export const attributeRules: readonly {
  readonly key: string;
  readonly values: Readonly<Record<string, SpanClass>>;
}[] = all.flatMap(({ attributes }) => attributes ?? []);

/** Span names that tell what a span is when no attribute does. */
export const nameRules: readonly {
  readonly name: string;
  /** The instrumentation scope that the name counts in; any when left out. */
  readonly scope?: string;
  readonly spanClass: SpanClass;
}[] = all.flatMap(({ names }) =>
  Object.entries(names?.values ?? {}).map(([name, spanClass]) => ({
    name,
    spanClass,
    ...(names?.scope === undefined ? {} : { scope: names.scope }),
  })),
);

/** Attributes that say which session a span belongs to. All that a span carries name one session. */
export const sessionReferences: readonly string[] = [
  ...new Set(all.flatMap(({ sessionReferences: keys }) => keys ?? [])),
];

/** Where a tool's name stands; the first that a span carries counts. */
export const toolNames: readonly string[] = [
  ...new Set(all.flatMap(({ toolNames: keys }) => keys ?? [])),
];

/** Endings of names of spans that are no work, though an attribute says that they are a model call. */
export const notWorkEndings: readonly string[] = all.flatMap(
  ({ notWorkEndings: endings }) => endings ?? [],
);

/** Where the name of the agent stands on the span of a run. */
export const agentNames: readonly string[] = [
  ...new Set(all.flatMap(({ agentNames: keys }) => keys ?? [])),
];

/** Spans that are open while their parent waits for a person. */
export const pauseSpans: readonly string[] = ["claude_code.tool.blocked_on_user"];

/** Where the id of a tool call stands on the span of the tool. */
export const toolCallIds: readonly string[] = [
  "gen_ai.tool.call.id",
  "gen_ai.tool.call_id",
  "tool_call.id",
  "tool.id",
  "ai.toolCall.id",
  "tool_use_id",
];
