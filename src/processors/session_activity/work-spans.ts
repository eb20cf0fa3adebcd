import { type WorkKind, workKinds } from "./kinds.ts";
import { signalFlags } from "./signal-batch.ts";

/** What a span is: its kind, and bits of `signalFlags`. */
export interface SpanClass {
  readonly kind: WorkKind;
  readonly flags?: number;
}

const run: SpanClass = { kind: workKinds.run };
const tool: SpanClass = { kind: workKinds.tool };
const modelCall: SpanClass = { kind: workKinds.modelCall };

/**
 * What stands above every other rule. OpenClaw puts `gen_ai.operation.name` on the summary span
 * `openclaw.model.usage`, which is no call of its own, and `invoke_agent` on model calls of a whole turn.
 */
export const exceptions: {
  readonly notWork: readonly string[];
  readonly modelCallAttributes: readonly string[];
} = {
  notWork: ["openclaw.model.usage"],
  modelCallAttributes: ["openclaw.api"],
};

/**
 * Which attribute value makes a span what; the first attribute that a span carries decides. A value
 * that is not listed makes it no work: a step, a retrieval, a chain.
 */
export const attributeRules: readonly {
  readonly key: string;
  readonly values: Readonly<Record<string, SpanClass>>;
}[] = [
  {
    key: "gen_ai.operation.name",
    values: {
      invoke_agent: run,
      invoke_workflow: run,
      create_agent: run,
      execute_tool: tool,
      chat: modelCall,
      text_completion: modelCall,
      generate_content: modelCall,
      embeddings: modelCall,
    },
  },
  {
    key: "openinference.span.kind",
    values: { AGENT: run, TOOL: tool, LLM: modelCall, EMBEDDING: modelCall },
  },
  { key: "traceloop.span.kind", values: { workflow: run, agent: run, tool } },
  {
    key: "ai.operationId",
    values: {
      "ai.generateText": run,
      "ai.streamText": run,
      "ai.generateObject": run,
      "ai.streamObject": run,
      "ai.toolCall": tool,
      "ai.generateText.doGenerate": modelCall,
      "ai.streamText.doStream": modelCall,
      "ai.generateObject.doGenerate": modelCall,
      "ai.streamObject.doStream": modelCall,
    },
  },
  {
    key: "langfuse.observation.type",
    values: { agent: run, tool, generation: modelCall, embedding: modelCall },
  },
  { key: "langsmith.span.kind", values: { chain: run, tool, llm: modelCall } },
  {
    key: "mastra.span.type",
    values: {
      agent_run: run,
      workflow_run: run,
      tool_call: tool,
      mcp_tool_call: tool,
      provider_tool_call: tool,
      model_generation: modelCall,
    },
  },
];

/** Span names that tell what a span is when no attribute does. */
export const nameRules: Readonly<Record<string, SpanClass>> = {
  "openclaw.harness.run": { kind: workKinds.run, flags: signalFlags.harness },
  "openclaw.run": { kind: workKinds.run, flags: signalFlags.innerRun },
  "openclaw.tool.execution": tool,
  "openclaw.model.call": modelCall,
  "claude_code.interaction": run,
  "claude_code.tool": tool,
  "claude_code.llm_request": modelCall,
};

/** Attributes that say which session a span belongs to. All that a span carries name one session. */
export const sessionReferences: readonly string[] = [
  "openclaw.sessionKey",
  "openclaw.sessionId",
  "gen_ai.conversation.id",
  "session.id",
  "conversation.id",
  "langfuse.session.id",
  "langsmith.trace.session_id",
  "gcp.vertex.agent.session_id",
];

/** Where a tool's name stands; the first that a span carries counts. */
export const toolNames: readonly string[] = [
  "gen_ai.tool.name",
  "openclaw.toolName",
  "tool.name",
  "ai.toolCall.name",
];
