import type { frameworks } from "../../src/activity/recognition/frameworks.ts";

type FrameworkId = keyof typeof frameworks;

/** What of a framework the tables of `session_activity` do not say. */
export interface FrameworkNote {
  readonly title: string;
  /** Other frameworks whose rules its spans fall under too. */
  readonly follows: readonly FrameworkId[];
  /** Folders of `test/senders` whose recordings were made with it; none: what its documentation says. */
  readonly senders: readonly string[];
  /** What else it was tried with. */
  readonly tried?: string;
  /** How it can tell that work started. */
  readonly starts: string;
  /** Sentences in Markdown. */
  readonly text: string;
}

const preload = "live spans, with the [preload](preload.md)";
const python =
  "pending spans with Logfire, heartbeats with `partial-span-processor`: both work for any OpenTelemetry SDK of Python";

export const frameworkNotes: Readonly<Record<FrameworkId, FrameworkNote>> = {
  openclaw: {
    title: "OpenClaw",
    follows: ["genAi"],
    senders: [],
    starts: "the [relay](openclaw.md), which knows every harness; live spans with the preload",
    tried: "OpenClaw 2026.4.30, 2026.6.10 and 2026.9.6 (recorded as `test/testdata/openclaw`)",
    text: "A harness run and the run directly below it are one owner, and are counted as one run. OpenClaw 2026.4.30 exports the two in two traces: of one process, what begins and ends together, within a second, is counted as one. It also exports each harness run twice: one directly below another that began at the same time is that one.",
  },
  genAi: {
    title: "OpenTelemetry GenAI conventions",
    follows: [],
    senders: ["openai-agents-v2", "ddtrace"],
    tried: "AutoGen and Gemini CLI (recorded as `autogen` and `gemini-cli`)",
    starts: `${preload}, for Node. In Python: ${python}`,
    text: "Also Pydantic AI 2, Google ADK, Mastra, the Vercel AI SDK 7, Microsoft Agent Framework, Semantic Kernel, Strands and everything else that follows the conventions. `create_agent`, `plan`, `retrieval` and operations of a memory are no work: no marker can be left behind by them. OpenTelemetry's instrumentation of the OpenAI Agents SDK has a run for the whole trace and one for the agent in it. Datadog's `ddtrace` sends whatever its spans carry, and snapshots of long-running ones for jobs of Ray. Gemini CLI has `llm_call` and `tool_call`, each turn's in several traces that its session joins, and no run. AutoGen has spans of its own, and those of OpenInference beside them: see above.",
  },
  openInference: {
    title: "OpenInference",
    follows: ["genAi"],
    senders: ["openinference-langchain-js", "openinference-openai-agents", "openinference-crewai"],
    tried: "LlamaIndex (recorded as `openinference-llama-index`)",
    starts: `${preload}, for Node. In Python: ${python}`,
    text: "LangChain and LangGraph are spans of kind `CHAIN` from the turn down to every step, so only the outermost is a run. Where that is not the outermost span of its trace, because a web framework is instrumented too, nothing owns its tools: give it a rule, as below. CrewAI has a run for the crew and one for each task of an agent; the OpenAI Agents SDK has one for the trace and one for each agent. LlamaIndex has a model call in each model call, which is the same one.",
  },
  traceloop: {
    title: "Traceloop (OpenLLMetry)",
    follows: ["genAi"],
    senders: ["traceloop-js"],
    starts: `${preload}, for Node. In Python: ${python}`,
    text: "A workflow and the agents in it are runs of their own. A task is no work. `llm.request.type` is what older versions put on model calls.",
  },
  vercelAi: {
    title: "Vercel AI SDK",
    follows: ["genAi"],
    senders: ["ai-sdk", "ai-sdk-legacy", "logfire-js"],
    starts: preload,
    text: "Version 7 with `@ai-sdk/otel` follows the GenAI conventions and names no session: add an attribute of your own, for which it has the option `enrichSpan`, and name it in `session_references`. `experimental_telemetry` of versions 3 to 6 has names of its own; its `metadata: { sessionId: … }` is the session. `ai.embed` is a frame around `ai.embed.doEmbed`, a step is a frame around a call and its tools.",
  },
  langfuse: {
    title: "Langfuse",
    follows: ["genAi"],
    senders: ["langfuse-js"],
    starts: `${preload}, for Node`,
    text: "A `span` or `chain` is a run when it is the outermost, and a step otherwise. It sends OTLP as JSON to `<baseUrl>/api/public/otel/v1/traces`, so set the receiver's `traces_url_path` to that path, or hand an exporter of OpenTelemetry to the span processor (`exporter`).",
  },
  langsmith: {
    title: "LangSmith",
    follows: ["vercelAi"],
    senders: ["langsmith-py"],
    starts: "none of its own: it sends a span when its run has ended",
    text: "In its OpenTelemetry mode (`LANGSMITH_OTEL_ENABLED`). It translates its kinds into the GenAI conventions, a prompt template into `chat`, so its own kind is asked first. The outermost chain is the run. `langsmith.trace.session_id` is the id of a project and no session.",
  },
  agentOps: {
    title: "AgentOps",
    follows: ["genAi"],
    senders: ["agentops"],
    starts: python,
    text: "The session and the agent in it are runs. Its instrumentation of the OpenAI client makes a span `tool_call.<name>` for every tool that the model asks for, which is no work; the tool is the span of its decorator.",
  },
  mastra: {
    title: "Mastra",
    follows: ["genAi"],
    senders: ["mastra"],
    starts: "none of its own: its exporter sends a span when it has ended",
    text: "Of the four spans that it has around a model call only the innermost, `model_inference`, which is `chat` to the GenAI conventions, is one. The memory's thread is the session.",
  },
  googleAdk: {
    title: "Google ADK",
    follows: ["genAi"],
    senders: ["google-adk"],
    starts: python,
    text: "After several tools at once it sends one more span with `execute_tool`, which is no work. `call_llm`, which older versions put around `generate_content` or have instead of it, is none either. A tool is known as one when it ends: the operation is not there at its start.",
  },
  pydanticAi: {
    title: "Pydantic AI",
    follows: ["genAi"],
    senders: ["logfire-py", "partial-span-processor"],
    starts: python,
    text: "Version 2 follows the GenAI conventions. The names below are those of versions 0 and 1, from their source; `running tools` is a frame around several tools and no work.",
  },
  logfireOpenAiAgents: {
    title: "OpenAI Agents SDK under Logfire",
    follows: ["genAi"],
    senders: [],
    starts: "pending spans",
    text: "Names are from the source of Logfire 5.4. Everything else that Logfire sends is of the frameworks it instruments. Its pending spans go only to where it takes Logfire to be (`LOGFIRE_BASE_URL`, `advanced.base_url`), not to `OTEL_EXPORTER_OTLP_ENDPOINT`.",
  },
  claudeCode: {
    title: "Claude Code",
    follows: ["genAi"],
    senders: ["claude-code"],
    starts: "none of its own",
    text: "With `CLAUDE_CODE_ENABLE_TELEMETRY=1`, `CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1` and `OTEL_TRACES_EXPORTER=otlp`. `claude_code.tool.execution` is the inner part of a `claude_code.tool`; `claude_code.tool.blocked_on_user` is a wait for a permission, a few milliseconds where a rule gives it. Spans of hooks, sub-agents and of its MCP client are no work.",
  },
  codex: {
    title: "Codex CLI",
    follows: [],
    senders: ["codex"],
    starts: "none of its own",
    text: "With `[otel] trace_exporter` in its `config.toml`. Hundreds of spans of its inner workings are no work. Its log records are passed on and not read.",
  },
  genkit: {
    title: "Genkit",
    follows: [],
    senders: [],
    tried: "Genkit for JavaScript (recorded as `genkit`)",
    starts: preload,
    text: "A flow is a run. `generate` is a frame around model calls and tools, and no work. It names no session: name an attribute of your own in `session_references`.",
  },
};
