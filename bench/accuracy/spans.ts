import Long from "long";
import { otlp } from "../../src/otlp/proto/generated.js";
import { type GatewayProcess, isRun, type Work, type WorkKind } from "./story.ts";
import { type Mode, namesSessions, namesSessionsAlways, type Request, sentMs } from "./telling.ts";

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

/** What a harness run of stock OpenClaw says at its end of the tools below it. */
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
  more: { readonly endedMs?: number; readonly items?: Items; readonly asked?: readonly Work[] },
): Span {
  const { process } = work;
  const isGenAi = namesSessions(mode, process);
  return {
    traceId: Buffer.from(work.traceId, "hex"),
    spanId: Buffer.from(work.spanId, "hex"),
    ...(work.parent === undefined ? {} : { parentSpanId: Buffer.from(work.parent.spanId, "hex") }),
    name: isGenAi ? `${operations[work.kind]} ${work.tool}` : openclawNames[work.kind],
    startTimeUnixNano: nanosOf(work.startMs, process),
    ...(more.endedMs === undefined ? {} : { endTimeUnixNano: nanosOf(more.endedMs, process) }),
    ...(work.isFailed && more.endedMs !== undefined ? { status: { code: statusError } } : {}),
    attributes: isGenAi ? genAiAttributes(work, more.asked ?? []) : openclawAttributes(work, more),
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

function genAiAttributes(work: Work, asked: readonly Work[]): Attribute[] {
  const parts = asked.map(({ spanId, tool }) => ({ type: "tool_call", id: spanId, name: tool }));
  return [
    text("gen_ai.operation.name", operations[work.kind]),
    ...(!work.isUnnamed && (isRun(work) || namesSessionsAlways(work.process))
      ? [text("gen_ai.conversation.id", work.session.name)]
      : []),
    ...(work.model === "" ? [] : [text("gen_ai.request.model", work.model)]),
    ...(work.kind === "tool"
      ? [text("gen_ai.tool.name", work.tool), text("gen_ai.tool.call.id", work.spanId)]
      : []),
    ...(parts.length === 0
      ? []
      : [text("gen_ai.output.messages", JSON.stringify([{ role: "assistant", parts }]))]),
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
      text("service.instance.id", process.instance),
      integer("process.pid", process.pid),
    ],
  };
}
