import Long from "long";
import { otlp } from "../../../src/otlp/proto/generated.js";
import type { Kind, Reason } from "./tally.ts";

/** A run, tool or model call as its sender has it. */
export interface Work {
  readonly kind: Kind;
  readonly process: string;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parent?: Work;
  readonly session?: string;
  /** What becomes of it in the end: its own end, nothing, or an eviction. */
  readonly fate: "ends" | "stays" | Reason;
  startMs: number;
  endMs: number;
}

/** What a sender tells of its work. */
export type Step =
  | {
      readonly type: "start" | "end" | "heartbeat" | "partial_log" | "pause";
      readonly work: Work;
      /** How long after the step before it is told, at the least. */
      readonly afterMs?: number;
    }
  /** Once all that was told of the session before has arrived. */
  | { readonly type: "session_end"; readonly process: string; readonly session: string }
  /** Once all that was told of the process before has arrived. */
  | { readonly type: "process_end"; readonly process: string };

export interface Request {
  readonly signal: "traces" | "logs";
  readonly steps: readonly Step[];
  readonly bytes: Uint8Array;
}

const names: Readonly<Record<Kind, string>> = {
  run: "openclaw.run",
  tool: "openclaw.tool.execution",
  model_call: "openclaw.model.call",
};

/** One request for the steps that are spans, one for those that are log records, which are of this moment. */
export function requestsOf(steps: readonly Step[], unixMs = Date.now()): readonly Request[] {
  const spans = steps.filter(isSpan);
  const records = steps.filter((step) => !isSpan(step));
  return [
    ...(spans.length === 0
      ? []
      : [{ signal: "traces" as const, steps: spans, bytes: tracesOf(spans) }]),
    ...(records.length === 0
      ? []
      : [{ signal: "logs" as const, steps: records, bytes: logsOf(records, unixMs) }]),
  ];
}

function processOf(step: Step): string {
  return "work" in step ? step.work.process : step.process;
}

type SpanStep = Extract<Step, { readonly work: Work }>;

function isSpan(step: Step): step is SpanStep {
  return "work" in step && step.type !== "partial_log" && step.type !== "pause";
}

function tracesOf(steps: readonly SpanStep[]): Uint8Array {
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: byProcess(steps).map(([process, some]) => ({
      resource: resourceOf(process),
      scopeSpans: [{ spans: some.map(({ type, work }) => spanOf(work, type === "end")) }],
    })),
  }).finish();
}

function spanOf(work: Work, isEnded: boolean) {
  return {
    traceId: work.traceId,
    spanId: work.spanId,
    ...(work.parent === undefined ? {} : { parentSpanId: work.parent.spanId }),
    name: names[work.kind],
    startTimeUnixNano: nanosOf(work.startMs),
    ...(isEnded ? { endTimeUnixNano: nanosOf(work.endMs) } : {}),
    attributes: [
      ...(work.kind === "tool" ? [text("gen_ai.tool.name", "exec")] : []),
      ...(work.session === undefined ? [] : [text("session.id", work.session)]),
    ],
  };
}

function logsOf(steps: readonly Step[], unixMs: number): Uint8Array {
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: byProcess(steps).map(([process, some]) => ({
      resource: resourceOf(process),
      scopeLogs: [{ logRecords: some.map((step) => recordOf(step, unixMs)) }],
    })),
  }).finish();
}

function recordOf(step: Step, unixMs: number): otlp.LogRecord.$Properties {
  const timeUnixNano = nanosOf(unixMs);
  switch (step.type) {
    case "session_end":
      return {
        timeUnixNano,
        eventName: "session.end",
        attributes: [text("session.id", step.session)],
      };
    case "process_end":
      return {
        timeUnixNano,
        eventName: "entity.delete",
        attributes: [text("entity.type", "service.instance")],
      };
    case "pause":
      return {
        timeUnixNano,
        eventName: "gen_ai.agent.paused",
        traceId: step.work.traceId,
        spanId: step.work.spanId,
      };
    default:
      return {
        timeUnixNano,
        attributes: [text("partial.event", "heartbeat"), text("partial.frequency", "1000ms")],
        body: { bytesValue: tracesOf([{ type: "start", work: step.work }]) },
      };
  }
}

function byProcess<S extends Step>(
  steps: readonly S[],
): readonly (readonly [string, readonly S[]])[] {
  const processes = [...new Set(steps.map(processOf))];
  return processes.map((process) => [process, steps.filter((step) => processOf(step) === process)]);
}

function resourceOf(process: string) {
  return {
    attributes: [
      text("service.name", process),
      text("host.name", "box"),
      text("service.instance.id", "one"),
    ],
  };
}

function nanosOf(unixMs: number): Long {
  return Long.fromNumber(unixMs, true).multiply(1_000_000);
}

function text(key: string, stringValue: string) {
  return { key, value: { stringValue } };
}
