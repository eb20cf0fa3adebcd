import Long from "long";
import { otlp } from "../../src/otlp/proto/generated.js";
import {
  type Mode,
  namesSessions,
  namesSessionsAlways,
  type Request,
  sentMs,
} from "./sender-dialect.ts";
import {
  type GatewayProcess,
  isRun,
  type RequestedCall,
  type Work,
  type WorkKind,
} from "./story.ts";

type Attribute = otlp.KeyValue.$Properties;
export type Span = otlp.Span.$Properties;

const openclawNames: Readonly<Record<WorkKind, string>> = {
  harness: "openclaw.harness.run",
  run: "openclaw.run",
  tool: "openclaw.tool.execution",
  model_call: "openclaw.model.call",
};

const operations: Readonly<Record<WorkKind, string>> = {
  harness: "invoke_workflow",
  run: "invoke_agent",
  tool: "execute_tool",
  model_call: "chat",
};

const statusError = 2;
const nanosOfYear = Long.fromNumber(365 * 86_400_000, true).multiply(1_000_000);

/** What a harness run of stock OpenClaw reports at its end about the tools below it. */
export interface Items {
  readonly active: number;
  readonly completed: number;
}

/**
 * The span of a piece of work, open unless `endedMs`: by the GenAI conventions where the process names its
 * sessions, else as stock OpenClaw has it.
 */
export function spanOf(
  work: Work,
  mode: Mode,
  more: { readonly endedMs?: number; readonly items?: Items; readonly requested?: readonly Work[] },
): Span {
  const { process } = work;
  const isGenAi = namesSessions(mode, process);
  return {
    traceId: Buffer.from(work.traceId, "hex"),
    spanId: Buffer.from(work.spanId, "hex"),
    ...(work.parent === undefined ? {} : { parentSpanId: Buffer.from(work.parent.spanId, "hex") }),
    name: isGenAi ? `${operations[work.kind]} ${work.tool}` : openclawNames[work.kind],
    startTimeUnixNano: stampOf("start", work, work.startMs),
    ...(more.endedMs === undefined ? {} : { endTimeUnixNano: stampOf("end", work, more.endedMs) }),
    ...(work.isFailed && more.endedMs !== undefined ? { status: { code: statusError } } : {}),
    attributes: isGenAi
      ? genAiAttributes(work, more.requested ?? [])
      : openclawAttributes(work, more),
  };
}

export function tracesRequest(spans: readonly Span[], process: GatewayProcess): Request {
  return {
    signal: "traces",
    bytes: tracesData(spans, process),
    items: spans.length,
  };
}

export function tracesData(spans: readonly Span[], process: GatewayProcess): Uint8Array {
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: resourceOf(process),
        scopeSpans: [{ scope: { name: "agent" }, spans: [...spans] }],
      },
    ],
  }).finish();
}

export function logsRequest(
  logRecords: readonly otlp.LogRecord.$Properties[],
  process: GatewayProcess,
): Request {
  return {
    signal: "logs",
    bytes: otlp.ExportLogsServiceRequest.encode({
      resourceLogs: [
        { resource: resourceOf(process), scopeLogs: [{ logRecords: [...logRecords] }] },
      ],
    }).finish(),
    items: logRecords.length,
  };
}

export function text(key: string, stringValue: string): Attribute {
  return { key, value: { stringValue } };
}

/** Nanoseconds by the sender's clock; a world's millisecond has microseconds. */
export function nanosOf(atMs: number, process: GatewayProcess): Long {
  return Long.fromNumber(Math.round(sentMs(atMs, process) * 1000), true).multiply(1000);
}

/** A time of the span of work as its sender writes it, which may be nonsense. */
function stampOf(which: "start" | "end", { stamp, process }: Work, atMs: number): Long {
  const nanos = nanosOf(atMs, process);
  switch (stamp) {
    case "no start":
      return which === "start" ? Long.UZERO : nanos;
    case "far end":
      return which === "end" ? nanos.add(nanosOfYear) : nanos;
    case "greatest end":
      return which === "end" ? Long.MAX_UNSIGNED_VALUE : nanos;
    case "milliseconds":
      return nanos.divide(1_000_000);
    case "seconds":
      return nanos.divide(1_000_000_000);
    case "right":
      return nanos;
    default:
      return stamp satisfies never;
  }
}

function genAiAttributes(work: Work, requested: readonly Work[]): Attribute[] {
  const calls = [
    ...requested.map(({ callId, tool }) => ({ id: callId, name: tool })),
    ...work.requested,
  ];
  return [
    text("gen_ai.operation.name", operations[work.kind]),
    ...(!work.isUnnamed && (isRun(work) || namesSessionsAlways(work.process))
      ? [text("gen_ai.conversation.id", work.session.name)]
      : []),
    ...(work.model === "" ? [] : [text("gen_ai.request.model", work.model)]),
    ...(work.kind === "tool"
      ? [text("gen_ai.tool.name", work.tool), text("gen_ai.tool.call.id", work.callId)]
      : []),
    ...contentOf(work, calls),
  ];
}

/** What a model call requested and was given, where that is shown: by the GenAI conventions, or as OpenInference has it. */
function contentOf({ answered, process }: Work, calls: readonly RequestedCall[]): Attribute[] {
  if (answered !== undefined && process.index % 8 === 4) {
    const call = (at: number) => `llm.output_messages.0.message.tool_calls.${at}.tool_call`;
    const input = (at: number) => `llm.input_messages.${at}.message`;
    return [
      ...calls.flatMap(({ id, name }, at) => [
        text(`${call(at)}.id`, id),
        text(`${call(at)}.function.name`, name),
      ]),
      text(`${input(0)}.role`, "user"),
      ...answered.flatMap((id, at) => [
        text(`${input(at + 1)}.role`, "tool"),
        text(`${input(at + 1)}.tool_call_id`, id),
      ]),
    ];
  }
  const requests = calls.map((each) => ({ type: "tool_call", ...each }));
  const output = [{ role: "assistant", parts: requests }];
  const responses = answered?.map((id) => ({ type: "tool_call_response", id, response: "…" }));
  const input = [
    { role: "user", parts: [{ type: "text", content: "…" }] },
    { role: "tool", parts: responses },
  ];
  return [
    ...(calls.length === 0 ? [] : [text("gen_ai.output.messages", JSON.stringify(output))]),
    ...(answered === undefined ? [] : [text("gen_ai.input.messages", JSON.stringify(input))]),
  ];
}

function openclawAttributes(
  work: Work,
  { endedMs, items }: { readonly endedMs?: number; readonly items?: Items },
): Attribute[] {
  const isClosedByRun = work.isClosedByRun && endedMs !== undefined;
  return [
    text("openclaw.channel", "webchat"),
    ...(work.kind === "tool" ? [text("gen_ai.tool.name", work.tool)] : []),
    ...(isClosedByRun ? [text("openclaw.outcome", "error")] : []),
    ...(items === undefined
      ? []
      : [
          integer("openclaw.harness.items.active", items.active),
          integer("openclaw.harness.items.completed", items.completed),
        ]),
  ];
}

export function integer(key: string, value: number): Attribute {
  return { key, value: { intValue: Long.fromNumber(value) } };
}

function resourceOf(process: GatewayProcess): otlp.Resource.$Properties {
  return {
    attributes: [
      text("service.name", "gateway"),
      text("host.name", process.host),
      ...(process.instance === "" ? [] : [text("service.instance.id", process.instance)]),
      integer("process.pid", process.pid),
    ],
  };
}
