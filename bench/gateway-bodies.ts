import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** Spans of one turn: a harness run, the run in it, three model calls and three tools. */
const spansPerTurn = 8;
const turnsPerBody = 64;
export const spansPerBody = spansPerTurn * turnsPerBody;

/**
 * An OTLP request that can be sent repeatedly as a new one: `refresh` writes a number into
 * every trace id, so that no two spans that a server gets have the same key.
 */
export interface Body {
  readonly bytes: Buffer;
  refresh(serial: number): void;
}

/** The same turns twice: their starts, as a sender of live spans reports them, and their finished spans, as every SDK does. */
export interface Turns {
  readonly starts: Body;
  readonly ends: Body;
}

/** Turns of a busy gateway, recorded and serialized by the OpenTelemetry SDK. `index` numbers the bodies. */
export function recordTurns(index: number): Turns {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": "openclaw",
      "service.instance.id": "instance-1",
      "service.version": "2026.9.6",
      "host.id": "host-1",
      "process.pid": 4711,
      "telemetry.sdk.language": "nodejs",
    }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer("openclaw");
  for (let turn = 0; turn < turnsPerBody; turn++) {
    recordTurn(tracer, index * turnsPerBody + turn);
  }
  const spans = exporter.getFinishedSpans();
  return { starts: bodyOf(spans.map(stillOpen)), ends: bodyOf(spans) };
}

function recordTurn(tracer: ReturnType<TracerProvider["getTracer"]>, turn: number): void {
  // Tools rarely have this attribute: they belong to the session of the run above them.
  const session = {
    "openclaw.sessionKey": `agent:main:webchat:direct:session-${turn % 997}`,
  };
  const model = {
    "openclaw.provider": "anthropic",
    "openclaw.model": "claude-sonnet-4-5",
    "gen_ai.request.model": "claude-sonnet-4-5",
  };
  const start = (name: string, parent: Span | undefined, attributes: Attributes) =>
    tracer.startSpan(
      name,
      {
        kind: name === "openclaw.model.call" ? SpanKind.CLIENT : SpanKind.INTERNAL,
        startTime: [1_795_000_000 + turn, 123_456_789],
        attributes: { "openclaw.channel": "webchat", ...model, ...attributes },
      },
      parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent),
    );
  const end = (span: Span) => span.end([1_795_000_004 + turn, 987_654_321]);

  const harness = start("openclaw.harness.run", undefined, {
    ...session,
    "openclaw.harness.id": "openclaw",
    "openclaw.harness.plugin": "builtin",
    "openclaw.outcome": "completed",
    "openclaw.harness.result_classification": "success",
    "openclaw.harness.items.started": 6,
    "openclaw.harness.items.completed": 6,
    "openclaw.harness.items.active": 0,
  });
  const run = start("openclaw.run", harness, {
    ...session,
    "openclaw.trigger": "user",
    "openclaw.outcome": "completed",
    "openclaw.streaming": 1,
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "main",
    "gen_ai.response.temperature": 0.25,
    "openclaw.thinking": "low",
  });
  for (let call = 0; call < 3; call++) {
    const modelCall = start("openclaw.model.call", run, {
      ...session,
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "openclaw.api": "anthropic-messages",
      "openclaw.transport": "http",
      "gen_ai.usage.input_tokens": 1000 + turn + call,
      "gen_ai.usage.output_tokens": 40_000 + turn,
      "openclaw.model_call.request_bytes": 18_204 + turn,
    });
    const tool = start("openclaw.tool.execution", run, {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": `tool_${(turn + call) % 23}`,
      "openclaw.toolName": `tool_${(turn + call) % 23}`,
      "gen_ai.tool.call.id": `toolu_${turn}_${call}`,
      "openclaw.tool.params.kind": "object",
      "openclaw.tool.params.length": 3,
      "openclaw.tool.source": "core",
      "openclaw.tool.owner": "builtin",
    });
    if ((turn + call) % 10 === 9) {
      tool.setStatus({ code: SpanStatusCode.ERROR, message: "timeout" });
      tool.addEvent("exception", { "exception.type": "TimeoutError" });
    }
    end(tool);
    end(modelCall);
  }
  end(run);
  end(harness);
}

/** The span as it was before it ended, with OTLP's end time of 0. */
function stillOpen(span: ReadableSpan): ReadableSpan {
  return Object.create(span, { endTime: { value: [0, 0] }, ended: { value: false } });
}

function bodyOf(spans: readonly ReadableSpan[]): Body {
  const serialized = ProtobufTraceSerializer.serializeRequest([...spans]);
  if (serialized === undefined) {
    throw new Error("The SDK could not serialize the spans.");
  }
  const bytes = Buffer.from(serialized);
  const places: number[] = [];
  for (const traceId of new Set(spans.map((span) => span.spanContext().traceId))) {
    const id = Buffer.from(traceId, "hex");
    for (let at = bytes.indexOf(id); at !== -1; at = bytes.indexOf(id, at + id.length)) {
      places.push(at);
    }
  }
  if (places.length !== spans.length) {
    throw new Error(`Found ${places.length} trace ids of ${spans.length} spans.`);
  }
  return {
    bytes,
    refresh(serial) {
      for (const place of places) {
        bytes.writeUInt32BE(serial, place);
      }
    },
  };
}
