import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

/** Resource attributes of the spans `recordSpans` makes. */
export const resourceAttributes = {
  "service.name": "openclaw",
  "service.instance.id": "instance-1",
  "service.version": "2026.6.10",
  "host.id": "host-1",
  "process.pid": 4711,
  "telemetry.sdk.language": "nodejs",
};

/**
 * Spans as the real JavaScript SDK records them when a gateway works: a run, model calls and tools
 * below it, about twelve attributes each, now and then an error, an event and a link.
 */
export function recordSpans(count: number): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resourceAttributes),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer("openclaw", "1.2.3");
  for (let i = 0; i < count; i++) {
    const kind = ["openclaw.run", "openclaw.model.call", "openclaw.tool.execution"][i % 3] ?? "";
    const span = tracer.startSpan(kind, {
      kind: i % 3 === 1 ? SpanKind.CLIENT : SpanKind.INTERNAL,
      startTime: [1_760_000_000 + i, 123_456_789],
      attributes: {
        "gen_ai.operation.name": i % 3 === 2 ? "execute_tool" : "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.conversation.id": `conversation-${i % 17}`,
        "gen_ai.tool.name": `tool_${i % 7}`,
        "gen_ai.usage.input_tokens": 1000 + i,
        "gen_ai.usage.output_tokens": 40_000 + i,
        "gen_ai.response.temperature": 0.25,
        "gen_ai.response.finish_reasons": ["stop"],
        "openclaw.channel": "webchat",
        "openclaw.sessionKey": `agent:main:session-${i % 17}`,
        "openclaw.streaming": i % 2 === 0,
      },
    });
    if (i % 10 === 9) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: "it timed out" });
      span.addEvent("exception", { "exception.type": "TimeoutError" });
      span.addLink({ context: span.spanContext(), attributes: { again: true } });
    }
    span.end([1_760_000_001 + i, 987_654_321]);
  }
  return exporter.getFinishedSpans();
}
