import { signalFlags } from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";
import { type SpanClass, spanClass, spanClasses } from "./span-class.ts";

/** How one framework, or one convention that several follow, marks its spans. */
export interface Framework {
  /** The class of a span by the value of an attribute. A value that is not listed is no work: a step, a retrieval. */
  readonly attributes?: readonly {
    readonly key: string;
    readonly values: Readonly<Record<string, SpanClass>>;
  }[];
  /** The class of a span by its name, if none of the attributes is present; in one instrumentation scope or in any. */
  readonly names?: {
    readonly scope?: string;
    readonly values: Readonly<Record<string, SpanClass>>;
  };
  /** Names of spans that are no work, whatever attributes they have. */
  readonly notWork?: readonly string[];
  /** Those of `notWork` that are always directly inside a tool: their parent is one. */
  readonly toolParts?: readonly string[];
  /** Endings of names of spans that are no work, though an attribute marks them as a model call. */
  readonly notWorkEndings?: readonly string[];
  /** Attributes that name the session of a span. */
  readonly sessionReferences?: readonly string[];
  /** Attributes with the name of a tool. */
  readonly toolNames?: readonly string[];
  /** Instrumentation scopes in which the span of a tool is named after it, followed by one of these endings. */
  readonly toolSpanNames?: Readonly<Record<string, readonly string[]>>;
  /** Attributes with the name of the agent of a run. */
  readonly agentNames?: readonly string[];
}

const { run, rootRun, tool, namedTool, modelCall } = spanClasses;

/**
 * Every known framework, in order of precedence: of the attributes that a span has, the first in this order decides. To add
 * one: an entry here and a note in `scripts/docs/framework-notes.ts`, from which `docs/frameworks.md` is generated.
 * `test/senders` has recordings of real ones.
 */
export const frameworks = {
  openclaw: {
    names: {
      values: {
        "openclaw.harness.run": spanClass(workKinds.run, { flags: signalFlags.harness }),
        "openclaw.run": spanClass(workKinds.run, { flags: signalFlags.innerRun }),
        "openclaw.tool.execution": spanClass(workKinds.tool, { flags: signalFlags.openclaw }),
        "openclaw.model.call": spanClass(workKinds.modelCall, { flags: signalFlags.openclaw }),
      },
    },
    // A summary, which has `gen_ai.operation.name`.
    notWork: ["openclaw.model.usage"],
    sessionReferences: ["openclaw.sessionKey", "openclaw.sessionId"],
    toolNames: ["gen_ai.tool.name", "openclaw.toolName"],
  },
  // Before the GenAI conventions: it translates its own kinds into theirs, a prompt template into `chat`.
  langsmith: {
    attributes: [
      {
        key: "langsmith.span.kind",
        values: { chain: rootRun, tool, llm: modelCall, embedding: modelCall },
      },
    ],
    // Not `langsmith.trace.session_id`: LangSmith calls a project a session there.
    sessionReferences: [
      "langsmith.metadata.session_id",
      "langsmith.metadata.thread_id",
      "langsmith.metadata.conversation_id",
    ],
    toolNames: ["gen_ai.tool.name"],
  },
  // Before the GenAI conventions: its bridge has `chat` on all steps of a generation, tools included.
  mastra: {
    attributes: [
      {
        key: "mastra.span.type",
        values: {
          agent_run: run,
          workflow_run: run,
          tool_call: tool,
          mcp_tool_call: tool,
          provider_tool_call: tool,
          model_inference: modelCall,
        },
      },
    ],
    sessionReferences: ["gen_ai.conversation.id"],
    toolNames: ["gen_ai.tool.name"],
  },
  genAi: {
    attributes: [
      {
        key: "gen_ai.operation.name",
        values: {
          invoke_agent: run,
          invoke_workflow: run,
          execute_tool: tool,
          chat: modelCall,
          text_completion: modelCall,
          generate_content: modelCall,
          embeddings: modelCall,
          // Gemini CLI's. An agent runs inside the tool that calls it.
          agent_call: run,
          llm_call: modelCall,
          tool_call: tool,
          // Semantic Kernel's, which are not those of the conventions.
          text_completions: modelCall,
          // Of several agents in Strands, which have `invoke_agent` in it.
          invoke_swarm: run,
          invoke_graph: run,
        },
      },
    ],
    sessionReferences: ["gen_ai.conversation.id", "session.id"],
    toolNames: ["gen_ai.tool.name"],
    agentNames: ["gen_ai.agent.name"],
  },
  openInference: {
    attributes: [
      {
        key: "openinference.span.kind",
        // LangChain and LangGraph are chains all the way down: only the outermost is the turn.
        values: { AGENT: run, CHAIN: rootRun, TOOL: tool, LLM: modelCall, EMBEDDING: modelCall },
      },
    ],
    // LlamaIndex prepares a request in a span of the kind LLM.
    notWorkEndings: ["._prepare_chat_with_tools"],
    sessionReferences: ["session.id"],
    toolNames: ["tool.name"],
    // Those that set `tool.name` at the end, or never. LlamaIndex and smolagents name the span after a class.
    toolSpanNames: {
      "@arizeai/openinference-instrumentation-langchain": [""],
      "openinference.instrumentation.dspy": [".__call__", ".acall"],
      "openinference.instrumentation.langchain": [""],
      "openinference.instrumentation.openai_agents": [""],
    },
    agentNames: ["agent.name", "graph.node.id"],
  },
  traceloop: {
    attributes: [
      { key: "traceloop.span.kind", values: { workflow: run, agent: run, tool } },
      {
        key: "llm.request.type",
        values: { chat: modelCall, completion: modelCall, embedding: modelCall },
      },
    ],
    sessionReferences: [
      "traceloop.association.properties.session_id",
      "traceloop.association.properties.thread_id",
      "traceloop.association.properties.conversation_id",
    ],
    toolNames: ["traceloop.entity.name"],
  },
  vercelAi: {
    attributes: [
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
          "ai.embed.doEmbed": modelCall,
          "ai.embedMany.doEmbed": modelCall,
        },
      },
    ],
    sessionReferences: ["ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.session_id"],
    toolNames: ["ai.toolCall.name"],
  },
  langfuse: {
    attributes: [
      {
        key: "langfuse.observation.type",
        values: {
          agent: run,
          chain: rootRun,
          span: rootRun,
          tool: namedTool,
          generation: modelCall,
          embedding: modelCall,
        },
      },
    ],
    sessionReferences: ["session.id", "langfuse.session.id"],
  },
  agentOps: {
    attributes: [
      {
        key: "agentops.span.kind",
        values: { session: run, workflow: run, agent: run, tool: namedTool, llm: modelCall },
      },
      // Its instrumentations of model clients have this instead.
      {
        key: "gen_ai.request.type",
        values: { chat: modelCall, completion: modelCall, embedding: modelCall },
      },
    ],
  },
  googleAdk: {
    names: { scope: "gcp.vertex.agent", values: { invocation: run } },
    // One more span after several tools ran at once. It has `execute_tool`.
    notWork: ["execute_tool (merged)"],
    sessionReferences: ["gen_ai.conversation.id", "gcp.vertex.agent.session_id"],
    toolNames: ["gen_ai.tool.name"],
  },
  pydanticAi: {
    // Its names before version 2, which has the GenAI conventions. `running tools` is a frame.
    names: { scope: "pydantic-ai", values: { "agent run": run, "running tool": tool } },
    sessionReferences: ["gen_ai.conversation.id"],
    toolNames: ["gen_ai.tool.name"],
  },
  logfireOpenAiAgents: {
    // Logfire names spans by their template.
    names: {
      scope: "logfire.openai_agents",
      values: {
        "OpenAI Agents trace: {name}": run,
        "Agent run: {name!r}": run,
        "Function: {name}": tool,
      },
    },
    toolNames: ["name"],
  },
  claudeCode: {
    names: {
      values: {
        "claude_code.interaction": run,
        "claude_code.tool": tool,
        "claude_code.llm_request": modelCall,
      },
    },
    // Both are part of a `claude_code.tool`; the first is a wait for a person.
    notWork: ["claude_code.tool.blocked_on_user", "claude_code.tool.execution"],
    toolParts: ["claude_code.tool.blocked_on_user", "claude_code.tool.execution"],
    sessionReferences: ["session.id"],
    toolNames: ["tool_name"],
  },
  codex: {
    attributes: [
      { key: "codex.tool.phase", values: { dispatch: tool } },
      { key: "codex.turn.phase", values: { sampling: modelCall } },
    ],
    names: { values: { run_turn: run } },
    sessionReferences: ["conversation.id"],
    toolNames: ["tool_name"],
  },
  genkit: {
    attributes: [
      {
        key: "genkit:metadata:subtype",
        // It sets `genkit:name` when the span ends.
        values: {
          flow: run,
          agent: run,
          tool: namedTool,
          "tool.v2": namedTool,
          model: modelCall,
          embedder: modelCall,
        },
      },
    ],
    sessionReferences: ["genkit:sessionId"],
    toolNames: ["genkit:name"],
  },
  geminiCli: {
    // The frame around the tools that a model call asked for.
    notWork: ["schedule_tool_calls"],
    sessionReferences: ["gen_ai.conversation.id"],
    toolNames: ["gen_ai.tool.name"],
  },
  qwenCode: {
    names: {
      values: {
        "qwen-code.interaction": run,
        "qwen-code.subagent": run,
        "qwen-code.tool": tool,
        "qwen-code.llm_request": modelCall,
      },
    },
    // Parts of a tool. They are no `toolParts`: without a tool they are below the run.
    notWork: ["qwen-code.hook", "qwen-code.tool.blocked_on_user", "qwen-code.tool.execution"],
    sessionReferences: ["session.id", "gen_ai.conversation.id"],
    toolNames: ["gen_ai.tool.name"],
  },
  strands: {
    // Its step: a model call and the tools that it asked for.
    notWork: ["execute_event_loop_cycle"],
    sessionReferences: ["session.id"],
    toolNames: ["gen_ai.tool.name"],
  },
  agentFramework: {
    sessionReferences: ["gen_ai.conversation.id"],
    toolNames: ["gen_ai.tool.name"],
  },
  semanticKernel: {
    toolNames: ["gen_ai.tool.name"],
  },
  haystack: {
    names: {
      values: {
        "haystack.pipeline.run": run,
        "haystack.agent.run": run,
        "haystack.agent.step.tool": tool,
        "haystack.agent.step.llm": modelCall,
        "haystack.chat_generator.run": modelCall,
      },
    },
    notWork: ["haystack.agent.step", "haystack.component.run"],
    toolNames: ["haystack.tool.name"],
  },
  openclawObservability: {
    names: { values: { "openclaw.agent.turn": run } },
    // The way of a message to its answer, with the turn in it.
    notWork: ["openclaw.request"],
    sessionReferences: ["openclaw.session.key"],
    toolNames: ["openclaw.tool.name"],
  },
} as const satisfies Readonly<Record<string, Framework>>;
