import Long from "long";
import { jsonOfRequest } from "../../src/otlp/json-text.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import type { Kind } from "../system/kill/tally.ts";
import type { Request, Step, Work } from "../system/kill/work.ts";
import { type DialectName, type DialectOptions, type Encode, sessionCanary } from "./dialect.ts";
import { hex, itemKey } from "./items.ts";
import { createRelay } from "./relay-steps.ts";

const spanNames: Readonly<Record<Kind, string>> = {
  run: "openclaw.run",
  tool: "openclaw.tool.execution",
  model_call: "openclaw.model.call",
};
/** Longer than any test, so that only what promises less misses a heartbeat. */
const longIntervalMs = 600_000;

/** What one step adds to the requests of its process. */
interface Part {
  readonly step: Step | undefined;
  readonly process: string;
  readonly span?: otlp.Span.$Properties;
  readonly record?: otlp.LogRecord.$Properties;
}

export function createDialect(name: DialectName, options: DialectOptions): Encode {
  return name === "relay" ? createRelay(options) : createPlain(name, options);
}

function createPlain(
  name: Exclude<DialectName, "relay">,
  { sender, skewMs }: DialectOptions,
): Encode {
  let records = 0;
  return (steps, atMs) => {
    const nanos = (ms: number) => nanosOf(ms + skewMs(ms));
    const forwarded = (record: otlp.LogRecord.$Properties) => ({
      ...record,
      attributes: [...(record.attributes ?? []), text(itemKey, `${sender} ${records++}`)],
    });
    const parts = steps.flatMap((step) => partsOf(name, step, { atMs, nanos, forwarded }));
    return requestsOf(parts);
  };
}

interface Moment {
  readonly atMs: number;
  readonly nanos: (unixMs: number) => Long;
  readonly forwarded: (record: otlp.LogRecord.$Properties) => otlp.LogRecord.$Properties;
}

function partsOf(
  name: Exclude<DialectName, "relay">,
  step: Step,
  { atMs, nanos, forwarded }: Moment,
): readonly Part[] {
  const timeUnixNano = nanos(atMs);
  switch (step.type) {
    case "session_end":
      return [
        {
          step,
          process: step.process,
          record: forwarded({
            timeUnixNano,
            eventName: "session.end",
            attributes: [text("session.id", sessionIdOf(step.session))],
          }),
        },
      ];
    case "process_end":
      return [
        {
          step,
          process: step.process,
          record: forwarded({
            timeUnixNano,
            eventName: "entity.delete",
            attributes: [text("entity.type", "service.instance")],
          }),
        },
      ];
    case "pause": {
      const { process, traceId, spanId } = step.work;
      const record = { timeUnixNano, eventName: "gen_ai.agent.paused", traceId, spanId };
      return [{ step, process, record: forwarded(record) }];
    }
    case "partial_log":
      return [{ ...partialLog(step.work, "heartbeat", timeUnixNano, nanos, 1_000), step }];
    default:
      return workParts(name, step, timeUnixNano, nanos);
  }
}

function workParts(
  name: Exclude<DialectName, "relay">,
  step: Extract<Step, { readonly work: Work }>,
  timeUnixNano: Long,
  nanos: Moment["nanos"],
): readonly Part[] {
  const { work } = step;
  const { process } = work;
  const open = openSpan(work, nanos);
  const isEnd = step.type === "end";
  const ended = { ...open, endTimeUnixNano: nanos(work.endMs) };
  switch (name) {
    case "live_span":
      return [{ step, process, span: isEnd ? ended : open }];
    case "span":
      return isEnd ? [{ step, process, span: ended }] : [];
    case "datadog_partial": {
      const mark = isEnd ? "_dd.was_long_running" : "_dd.partial_version";
      const span = isEnd ? ended : { ...open, endTimeUnixNano: timeUnixNano };
      const attributes = [...(span.attributes ?? []), integer(mark, 1)];
      return [{ step, process, span: { ...span, attributes } }];
    }
    case "logfire_pending": {
      if (isEnd) {
        const attributes = [...(open.attributes ?? []), text("logfire.span_type", "span")];
        return [{ step, process, span: { ...ended, attributes } }];
      }
      const above = work.parent === undefined ? "0".repeat(16) : hex(work.parent.spanId);
      const attributes = [
        ...(open.attributes ?? []),
        text("logfire.span_type", "pending_span"),
        text("logfire.pending_parent_id", above),
      ];
      const spanId = work.spanId.map((byte) => byte ^ 0x5a);
      const pending = {
        ...open,
        spanId,
        parentSpanId: work.spanId,
        endTimeUnixNano: nanos(work.startMs),
      };
      return [{ step, process, span: { ...pending, attributes } }];
    }
    case "partial_log": {
      const log = partialLog(work, isEnd ? "stop" : "heartbeat", timeUnixNano, nanos);
      return isEnd
        ? [
            { ...log, step },
            { step: undefined, process, span: ended },
          ]
        : [{ ...log, step }];
    }
    case "span_state_log": {
      const bytes = tracesOf([{ process, spans: [isEnd ? ended : open] }]);
      const record = {
        timeUnixNano,
        attributes: [
          text("span.state", isEnd ? "ended" : "heartbeat"),
          text("log.body.type", "json/v1"),
        ],
        body: { stringValue: jsonOfRequest("traces", bytes).text },
      };
      return isEnd
        ? [
            { step, process, record },
            { step: undefined, process, span: ended },
          ]
        : [{ step, process, record }];
    }
    default: {
      const never: never = name;
      return never;
    }
  }
}

function partialLog(
  work: Work,
  event: "heartbeat" | "stop",
  timeUnixNano: Long,
  nanos: Moment["nanos"],
  intervalMs = longIntervalMs,
): Omit<Part, "step"> {
  const open = openSpan(work, nanos);
  const span = event === "stop" ? { ...open, endTimeUnixNano: nanos(work.endMs) } : open;
  return {
    process: work.process,
    record: {
      timeUnixNano,
      attributes: [
        text("partial.event", event),
        ...(event === "stop" ? [] : [text("partial.frequency", `${intervalMs}ms`)]),
      ],
      body: { bytesValue: tracesOf([{ process: work.process, spans: [span] }]) },
    },
  };
}

function openSpan(work: Work, nanos: Moment["nanos"]): otlp.Span.$Properties {
  return {
    traceId: work.traceId,
    spanId: work.spanId,
    ...(work.parent === undefined ? {} : { parentSpanId: work.parent.spanId }),
    name: spanNames[work.kind],
    startTimeUnixNano: nanos(work.startMs),
    attributes: [
      ...(work.kind === "tool" ? [text("gen_ai.tool.name", "exec")] : []),
      ...(work.session === undefined ? [] : [text("session.id", sessionIdOf(work.session))]),
    ],
  };
}

/** One request for all spans, one for all log records; each counts as the answer to the steps that it holds. */
function requestsOf(parts: readonly Part[]): readonly Request[] {
  const requests: Request[] = [];
  const withSpans = parts.filter(({ span }) => span !== undefined);
  const withRecords = parts.filter(({ record }) => record !== undefined);
  const stepsOf = (some: readonly Part[]) =>
    some.flatMap(({ step }) => (step === undefined ? [] : [step]));
  if (withSpans.length > 0) {
    requests.push({
      signal: "traces",
      steps: stepsOf(withSpans),
      bytes: tracesOf(
        byProcess(withSpans).map(([process, some]) => ({
          process,
          spans: some.flatMap(({ span }) => (span === undefined ? [] : [span])),
        })),
      ),
    });
  }
  if (withRecords.length > 0) {
    requests.push({
      signal: "logs",
      steps: stepsOf(withRecords),
      bytes: otlp.ExportLogsServiceRequest.encode({
        resourceLogs: byProcess(withRecords).map(([process, some]) => ({
          resource: resourceOf(process),
          scopeLogs: [
            { logRecords: some.flatMap(({ record }) => (record === undefined ? [] : [record])) },
          ],
        })),
      }).finish(),
    });
  }
  return requests;
}

function tracesOf(
  ofProcesses: readonly {
    readonly process: string;
    readonly spans: readonly otlp.Span.$Properties[];
  }[],
): Uint8Array {
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: ofProcesses.map(({ process, spans }) => ({
      resource: resourceOf(process),
      scopeSpans: [{ spans: [...spans] }],
    })),
  }).finish();
}

function sessionIdOf(session: string): string {
  return `agent:main:${sessionCanary}:${session}`;
}

function byProcess(
  parts: readonly Part[],
): readonly (readonly [process: string, parts: readonly Part[]])[] {
  const processes = [...new Set(parts.map(({ process }) => process))];
  return processes.map((process) => [process, parts.filter((part) => part.process === process)]);
}

function resourceOf(process: string): otlp.Resource.$Properties {
  return {
    attributes: [
      text("service.name", process),
      text("host.name", "box"),
      text("service.instance.id", "one"),
    ],
  };
}

export function nanosOf(unixMs: number): Long {
  return Long.fromNumber(Math.max(1, Math.round(unixMs)), true).multiply(1_000_000);
}

export function text(key: string, stringValue: string): otlp.KeyValue.$Properties {
  return { key, value: { stringValue } };
}

function integer(key: string, value: number): otlp.KeyValue.$Properties {
  return { key, value: { intValue: Long.fromNumber(value) } };
}
