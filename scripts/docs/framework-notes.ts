import type { frameworks } from "../../src/activity/recognition/frameworks.ts";

type FrameworkId = keyof typeof frameworks;

/** Notes about a framework that are not in the tables of `session_activity`. */
export interface FrameworkNote {
  readonly title: string;
  /** Other frameworks whose rules its spans fall under too. */
  readonly follows: readonly FrameworkId[];
  /** Folders of `test/senders` with a program that uses it. */
  readonly senders: readonly string[];
  /** Folders of `test/testdata/senders` with recordings of it that no program makes. */
  readonly recordings?: readonly string[];
  /** Other proofs, each with the file or folder that has it. */
  readonly proofs?: readonly { readonly text: string; readonly path: string }[];
  /** Its start signal. */
  readonly starts: string;
  /** Sentences in Markdown. */
  readonly text: string;
}

const preload = "live spans, with the [preload](preload.md)";
const python = "live spans, with the [span processor for Python](../python/README.md)";
const pendingOrHeartbeats =
  "pending spans with Logfire; heartbeats with `partial-span-processor`, for any OpenTelemetry SDK of Python";

export const frameworkNotes: Readonly<Record<FrameworkId, FrameworkNote>> = {
  openclaw: {
    title: "OpenClaw",
    follows: ["genAi"],
    senders: [],
    starts: "the [relay](openclaw.md), which knows every harness; live spans with the preload",
    proofs: [
      {
        text: "recorded: OpenClaw 2026.4.30, 2026.6.10 and 2026.9.6",
        path: "test/testdata/openclaw",
      },
      { text: "a real gateway in CI", path: "test/system/gateway.test.ts" },
    ],
    text: "A harness run and the run directly below it are one owner, and are counted as one run. OpenClaw 2026.4.30 exports the two in two traces: if both come from one process and begin and end within a second of each other, they are counted as one. It also exports each harness run twice: a harness run directly below another that began at the same time is the same one.",
  },
  genAi: {
    title: "OpenTelemetry GenAI conventions",
    follows: [],
    senders: [
      "openai-agents-v2",
      "ddtrace",
      "genai-late",
      "genai-cjs",
      "genai-at-end",
      "genai-auto",
      "genai-vercel-otel",
    ],
    recordings: ["autogen"],
    starts: `${preload}, for Node; ${python}; ${pendingOrHeartbeats}`,
    text: "These rules also cover Pydantic AI 2, Google ADK, Mastra, the Vercel AI SDK 7, Microsoft Agent Framework, Semantic Kernel, Strands and everything else that follows the conventions. `create_agent`, `plan`, `retrieval` and memory operations are not work, because they cannot leave a marker open. OpenTelemetry's instrumentation of the OpenAI Agents SDK has a run for the whole trace and another for the agent in it. Datadog's `ddtrace` sends the attributes that its spans have, and snapshots of long-running spans for Ray jobs. AutoGen has spans of its own and those of OpenInference; [both count once](#one-work-two-spans).",
  },
  openInference: {
    title: "OpenInference",
    follows: ["genAi"],
    senders: [
      "openinference-langchain-js",
      "openinference-openai-agents",
      "openai-agents-py",
      "langgraph-py",
      "openai-agents-js",
      "openinference-crewai",
    ],
    recordings: ["agno", "openinference-llama-index", "smolagents"],
    starts: `${preload}, for Node; ${python}; ${pendingOrHeartbeats}`,
    text: "In LangChain and LangGraph everything from the turn to each step is a span of kind `CHAIN`, so only a `CHAIN` without a parent is a run. If the outermost `CHAIN` has a parent, because a web framework is instrumented too, its tools have no owner: add a rule for it, [as above](#spans-of-your-own). CrewAI has a run for the crew and one for each task of an agent; the OpenAI Agents SDK has one for the trace and one for each agent. LlamaIndex has a second model call in each model call; both count once.",
  },
  traceloop: {
    title: "Traceloop (OpenLLMetry)",
    follows: ["genAi"],
    senders: ["traceloop-js"],
    starts: `${preload}, for Node; ${python}; ${pendingOrHeartbeats}`,
    text: "A workflow and each agent in it are separate runs. A task is not work. Older versions set `llm.request.type` on model calls.",
  },
  vercelAi: {
    title: "Vercel AI SDK",
    follows: ["genAi"],
    senders: ["ai-sdk", "ai-sdk-6", "ai-sdk-legacy", "logfire-js"],
    starts: preload,
    text: "Version 7 with `@ai-sdk/otel` follows the GenAI conventions and sends no session: add an attribute with its option `enrichSpan`, and list the attribute in `session_references`. `experimental_telemetry` of versions 3 to 6 has its own names; its `metadata: { sessionId: … }` is the session. `ai.embed` only encloses `ai.embed.doEmbed`, and a step only encloses a model call and its tools, so neither is work.",
  },
  langfuse: {
    title: "Langfuse",
    follows: ["genAi"],
    senders: ["langfuse-js"],
    starts: `${preload}, for Node`,
    text: "A `span` or `chain` without a parent is a run; any other one is a step. Langfuse sends OTLP as JSON to `<baseUrl>/api/public/otel/v1/traces`. Set the receiver's `traces_url_path` to that path, or pass an OpenTelemetry exporter to the span processor (option `exporter`).",
  },
  langsmith: {
    title: "LangSmith",
    follows: ["vercelAi"],
    senders: ["langsmith-py"],
    starts: "none of its own: it sends spans only after their run has ended",
    text: "LangSmith sends these spans in its OpenTelemetry mode (`LANGSMITH_OTEL_ENABLED`). It translates its kinds into the GenAI conventions, and even a prompt template into `chat`, so the collector checks its own kind first. The outermost chain is the run. `langsmith.trace.session_id` is the id of a project, not a session.",
  },
  agentOps: {
    title: "AgentOps",
    follows: ["genAi"],
    senders: ["agentops"],
    starts: `${python}; ${pendingOrHeartbeats}`,
    text: "The session and the agent in it are runs. Its instrumentation of the OpenAI client creates a span `tool_call.<name>` for every tool that the model requests; that span is not work. The tool is the span of the decorator.",
  },
  mastra: {
    title: "Mastra",
    follows: ["genAi"],
    senders: ["mastra", "mastra-bridge"],
    starts: `none of its own: its exporter sends a span only after it has ended. With its OpenTelemetry bridge (\`@mastra/otel-bridge\`): ${preload}`,
    text: "Mastra has four spans around a model call. Only the innermost, `model_inference` (`chat` in the GenAI conventions of the exporter), is a model call. The bridge sets attributes and the name of the conventions only when a span ends; until then the collector knows its spans by the names that they start with (`tool: '…'`). The memory thread is the session.",
  },
  googleAdk: {
    title: "Google ADK",
    follows: ["genAi"],
    senders: ["google-adk"],
    starts: `${python}; ${pendingOrHeartbeats}`,
    text: "After several parallel tools, Google ADK sends one more span with `execute_tool`; that span is not work. `call_llm` is not work either: older versions send it around `generate_content`, or instead of it. A tool is recognized only when it ends, because its start does not contain the operation.",
  },
  pydanticAi: {
    title: "Pydantic AI",
    follows: ["genAi"],
    senders: ["logfire-py", "partial-span-processor", "pydantic-ai"],
    starts: `${python}; ${pendingOrHeartbeats}`,
    text: "Version 2 follows the GenAI conventions. The names below are those of versions 0 and 1, from their source. `running tools` only encloses several tools and is not work.",
  },
  logfireOpenAiAgents: {
    title: "OpenAI Agents SDK under Logfire",
    follows: ["genAi"],
    senders: [],
    starts: "pending spans",
    text: "Names are from the source of Logfire 5.4. Other spans that Logfire sends follow the rules of the framework it instruments. Logfire sends pending spans only to its own URL (`LOGFIRE_BASE_URL`, `advanced.base_url`), not to `OTEL_EXPORTER_OTLP_ENDPOINT`.",
  },
  claudeCode: {
    title: "Claude Code",
    follows: ["genAi"],
    senders: ["claude-code"],
    starts: "none of its own",
    text: "Set `CLAUDE_CODE_ENABLE_TELEMETRY=1`, `CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1` and `OTEL_TRACES_EXPORTER=otlp`. `claude_code.tool.execution` is the inner part of a `claude_code.tool`. `claude_code.tool.blocked_on_user` is a wait for a permission; it takes a few milliseconds if a rule grants the permission. Spans of hooks, sub-agents and the MCP client are not work.",
  },
  codex: {
    title: "Codex CLI",
    follows: [],
    senders: ["codex"],
    starts: "none of its own",
    text: "Set `[otel] trace_exporter` in its `config.toml`. It also sends hundreds of internal spans, which are not work. Its log records are forwarded but not read.",
  },
  genkit: {
    title: "Genkit",
    follows: [],
    senders: ["genkit-js"],
    recordings: ["genkit"],
    starts: preload,
    text: "A flow is a run. `generate` only encloses model calls and tools and is not work. The attributes are the same in Genkit for JavaScript, Python and Go, of which JavaScript was run; `agent` and `tool.v2` are from the source. It sends a session only with its own chats; else add an attribute of your own and list it in `session_references`.",
  },
  geminiCli: {
    title: "Gemini CLI",
    follows: ["genAi"],
    senders: [],
    recordings: ["gemini-cli"],
    starts: preload,
    text: "A turn has no run: `llm_call` and `tool_call` spans are in several traces, which the session connects. `schedule_tool_calls` is the frame around the tools that a model call asked for; prompts (`system_prompt`, `user_prompt`) are not work either. `agent_call` is a sub-agent, a run inside the tool that called it; it and its name are from the source.",
  },
  qwenCode: {
    title: "Qwen Code",
    follows: ["genAi"],
    senders: [],
    starts: preload,
    text: "An interaction is a run; a sub-agent in the foreground is a run inside a tool, one in the background has a trace of its own. `qwen-code.tool.blocked_on_user` is a wait for a permission. Its log records (`qwen-code.tool_call`, `qwen-code.api_response` …) are written when a call has ended, and say the same as the spans, so they are forwarded and not read: they could open nothing and would count everything twice. The same is true of the spans that it makes of log records for backends without logs. Its `session.start` and `session.end` are read.",
  },
  strands: {
    title: "Strands Agents",
    follows: ["genAi"],
    senders: ["strands-py"],
    recordings: ["strands"],
    starts: `${python}; ${pendingOrHeartbeats}`,
    text: "`invoke_swarm` and `invoke_graph` are runs around those of their agents. The session is what `trace_attributes` has as `session.id`. Memory operations are not work.",
  },
  agentFramework: {
    title: "Microsoft Agent Framework",
    follows: ["genAi"],
    senders: [],
    recordings: ["agent-framework"],
    starts: `${python}; ${pendingOrHeartbeats}`,
    text: "Spans of workflows and executors are not work; the agents in them are runs.",
  },
  semanticKernel: {
    title: "Semantic Kernel",
    follows: ["genAi"],
    senders: [],
    starts: `${python}; ${pendingOrHeartbeats}`,
    text: "Set `SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS=true`. Every kernel function is a tool, also one that is a prompt, under its full name (`plugin-function`). `AutoFunctionInvocationLoop` is not work. Without an agent there is no run, and the tools belong to no owner. The names are from version 1.45 for Python.",
  },
  haystack: {
    title: "Haystack",
    follows: [],
    senders: [],
    starts: `${python}; ${pendingOrHeartbeats}`,
    text: "A pipeline is a run, and so is an agent in it. A component is not work; the model call of a generator that is used without an agent is not recognized, because its span is that of any component. The names are from version 3.4. With OpenInference's instrumentation its rules apply instead.",
  },
  openclawObservability: {
    title: "OpenClaw's community plugin `openclaw-observability-plugin`",
    follows: ["genAi", "traceloop"],
    senders: [],
    starts: "none of its own: use the [relay](openclaw.md)",
    text: "A turn is a run. The spans of tools, `tool.NAME`, are created when the result is there, so they can neither be open nor orphaned. To count them, add a rule: `kind: tool`, `match: { name: tool.*, scope: openclaw-observability }`. Tools that it sends with the attributes of the GenAI conventions need none. A session that the plugin does not know is `unknown`, which is none. Beside OpenClaw's own exporter each turn is counted twice: use one of them. The names are from its source of February 2026.",
  },
};
