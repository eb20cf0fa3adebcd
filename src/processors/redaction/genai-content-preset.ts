import { contentMask, everywhere } from "./redaction-places.ts";
import type { RedactionRule } from "./redaction-rule.ts";

/**
 * Attributes with prompts, completions, system instructions, the definitions of tools, their arguments and results, and documents. An
 * entry stands for itself and for what is below it: `gen_ai.prompt` also for `gen_ai.prompt.0.content`.
 */
const contentKeys = [
  // The GenAI conventions, also the ones of earlier versions and what Traceloop (OpenLLMetry) makes of them.
  "gen_ai.prompt",
  "gen_ai.completion",
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.request.messages",
  "gen_ai.response.messages",
  "gen_ai.response.text",
  "gen_ai.system_instructions",
  "gen_ai.request.instructions",
  "gen_ai.request.functions",
  "gen_ai.request.tools",
  "gen_ai.tool.definitions",
  "gen_ai.tool.description",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.tool.message",
  "gen_ai.tool.input",
  "gen_ai.tool.output",
  "gen_ai.agent.description",
  "gen_ai.agent.instructions",
  "gen_ai.retrieval.documents",
  "gen_ai.retrieval.query",
  "gen_ai.evaluation.explanation",
  "gen_ai.event.content",
  "gen_ai.content",
  "gen_ai.choice",
  "gen_ai.thinking",
  "gen_ai.reasoning",
  "traceloop.entity.input",
  "traceloop.entity.output",
  "traceloop.prompt.template",
  "traceloop.prompt.template_variables",
  "llm.prompts",
  "llm.completions",
  "llm.request.functions",
  "llm.responses",
  "llm.content",
  // OpenInference.
  "input.value",
  "output.value",
  "llm.input_messages",
  "llm.output_messages",
  "llm.prompt_template",
  "llm.function_call",
  "llm.invocation_parameters",
  "llm.tools",
  "llm.choices",
  "message.content",
  "message.contents",
  "message.tool_calls",
  "message.function_call_arguments_json",
  "message_content.text",
  "tool.parameters",
  "tool.description",
  "tool.json_schema",
  "tool_call.function.arguments",
  "retrieval.documents",
  "document.content",
  "embedding.text",
  "embedding.vector",
  "embedding.embeddings",
  "reranker.query",
  "reranker.input_documents",
  "reranker.output_documents",
  "prompt.template",
  "openclaw.content",
  // The AI SDK of Vercel.
  "ai.prompt",
  "ai.response.text",
  "ai.response.object",
  "ai.response.toolCalls",
  "ai.response.reasoning",
  "ai.response.files",
  "ai.result.text",
  "ai.result.object",
  "ai.result.toolCalls",
  "ai.toolCall.args",
  "ai.toolCall.input",
  "ai.toolCall.result",
  "ai.toolCall.output",
  "ai.value",
  "ai.values",
  "ai.embedding",
  "ai.embeddings",
  "ai.documents",
  "ai.schema",
  // Langfuse, LangSmith, MLflow, Weave.
  "langfuse.observation.input",
  "langfuse.observation.output",
  "langfuse.trace.input",
  "langfuse.trace.output",
  "langsmith.span.inputs",
  "langsmith.span.outputs",
  "mlflow.spanInputs",
  "mlflow.spanOutputs",
  "mlflow.chat.messages",
  "mlflow.chat.tools",
  "weave.input",
  "weave.output",
  // CrewAI, as Traceloop records it.
  "crewai.task.description",
  "crewai.task.expected_output",
  "crewai.task.result",
  "crewai.agent.goal",
  "crewai.agent.backstory",
  "crewai.crew.tasks",
  "crewai.crew.agents",
  "crewai.crew.result",
  // Pydantic AI, Google ADK, Genkit.
  "pydantic_ai.all_messages",
  "gcp.vertex.agent.llm_request",
  "gcp.vertex.agent.llm_response",
  "gcp.vertex.agent.tool_call_args",
  "gcp.vertex.agent.tool_response",
  "gcp.vertex.agent.data",
  "genkit:input",
  "genkit:output",
];
/** The same of Logfire, Pydantic AI, CrewAI, Claude Code, Codex and Gemini CLI, which have no prefix: whole keys. */
const contentNames = [
  "all_messages_events",
  "final_result",
  "model_request_parameters",
  "tool_arguments",
  "tool_response",
  "events",
  "request_data",
  "response_data",
  "crew_agents",
  "crew_tasks",
  "crew_inputs",
  "crew_output",
  "crew_tasks_output",
  "task_output",
  "formatted_description",
  "formatted_expected_output",
  "prompt",
  "prompt_text",
  "user_prompt",
  "response",
  "request_text",
  "response_text",
  "completion",
  "arguments",
  "function_args",
  "tool_input",
  "tool_parameters",
  "tool_output",
  "tool_result",
  "full_command",
  "bash_command",
  "command",
  "output",
  "input",
  "new_context",
];
/** Attributes of libraries that give every kind of step its own name: `agentops.tool.input`, `mastra.model_step.output`. */
const inputsAndOutputs =
  /^(?:agentops|mastra|openclaw|haystack|crewai|smolagents|agno|langchain|dspy|semantic_kernel)\.(?:.*\.)?(?:inputs?|outputs?|input_messages|output_messages|system_prompt|prompt|completion|content)$/;

/** Span events and log records that are content as a whole. */
const contentEvents = new Set([
  "gen_ai.system.message",
  "gen_ai.user.message",
  "gen_ai.assistant.message",
  "gen_ai.tool.message",
  "gen_ai.choice",
  "gen_ai.content.prompt",
  "gen_ai.content.completion",
  "gen_ai.prompt",
  "gen_ai.completion",
  "gen_ai.client.inference.operation.details",
  "gen_ai.evaluation.result",
  "api_request_body",
  "api_response_body",
  "claude_code.api_request_body",
  "claude_code.api_response_body",
  "llm.content.prompt",
  "llm.content.completion",
]);
/** What such an event has beside its content. */
const eventFacts =
  /^(?:event\.name|role|index|finish_reason|id|tool_call_id|error\.type|gen_ai\.(?:system|provider\.name|operation\.name|output\.type|conversation\.id|data_source\.id|(?:request|usage|tool\.(?:name|type|call\.id)|agent\.(?:id|name)|response\.(?:id|model|finish_reasons)|evaluation\.(?:name|score))(?:\..*)?)|server\.(?:address|port)|session\.id|user\.id|redaction\..*)$/;

const exact = new Set([...contentKeys, ...contentNames]);
const withBelow = new Set(contentKeys);

/** Whether an attribute with this key has content. */
export function isContentKey(key: string): boolean {
  if (exact.has(key) || inputsAndOutputs.test(key)) {
    return true;
  }
  for (let dot = key.indexOf("."); dot > 0; dot = key.indexOf(".", dot + 1)) {
    if (withBelow.has(key.slice(0, dot))) {
      return true;
    }
    if (dot > maxDots) {
      return false;
    }
  }
  return false;
}

/** No entry is longer. */
const maxDots = 64;

/** Whether a span event or a log record of this name is content. */
export function isContentEvent(name: string): boolean {
  return contentEvents.has(name);
}

/** The content of model calls and tools. Names, models, token counts, times and ids stay. */
export const contentRules: readonly RedactionRule[] = [
  {
    name: "genai_content/attributes",
    action: "delete",
    places: everywhere,
    matchesKey: isContentKey,
  },
  {
    name: "genai_content/events",
    action: "delete",
    places: contentMask,
    matchesKey: (key) => !eventFacts.test(key),
    matchesBody: true,
  },
];
