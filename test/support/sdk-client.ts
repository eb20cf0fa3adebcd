import { type Attributes, context, type Span, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Encoding } from "../../src/otlp/encode.ts";
import { send } from "./send.ts";

/** An application with the real OpenTelemetry SDK, which also tells when a span starts. */
export interface SdkClient {
  startSpan(name: string, attributes: Attributes, parent?: Span): Span;
  /** A span whose start is told only by `tellWithheld`. */
  startWithheld(name: string, attributes: Attributes, parent?: Span): Span;
  tellWithheld(): Promise<void>;
  /** Resolves when every start and every ended span has been sent; rejects when one was not taken. */
  flush(): Promise<void>;
  /** The batches of ended spans in the order they were sent, each as the protobuf of the SDK. */
  readonly batches: readonly Uint8Array[];
  /** Sends these spans in one request, whether or not they have ended. */
  sendTogether(spans: readonly Span[]): Promise<void>;
  shutdown(): Promise<void>;
}

/** `base` is where the receiver listens. */
export function createSdkClient(base: string, service: string, encoding: Encoding): SdkClient {
  const serialize = (spans: readonly ReadableSpan[]): Uint8Array => {
    const serializer = encoding === "json" ? JsonTraceSerializer : ProtobufTraceSerializer;
    return serializer.serializeRequest([...spans]) ?? new Uint8Array();
  };
  const post = async (body: Uint8Array): Promise<void> => {
    const contentType = encoding === "json" ? "application/json" : "application/x-protobuf";
    const { status } = await send(base, "traces", body, { "content-type": contentType });
    if (status !== 200) {
      throw new Error(`A request was answered with ${status}.`);
    }
  };

  // One after the other: the start of a run shall not be overtaken by that of its tool.
  let starts: Promise<void> = Promise.resolve();
  let withheld: Uint8Array[] = [];
  let isWithholding = false;
  const liveSpans: SpanProcessor = {
    onStart(span) {
      const body = serialize([span]);
      if (isWithholding) {
        withheld.push(body);
      } else {
        starts = starts.then(() => post(body));
      }
    },
    onEnd() {},
    async forceFlush() {},
    async shutdown() {},
  };

  const batches: Uint8Array[] = [];
  const failures: unknown[] = [];
  const Exporter = encoding === "json" ? JsonExporter : ProtobufExporter;
  const exporter = recording(new Exporter({ url: `${base}/v1/traces` }), (spans, error) => {
    batches.push(ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array());
    if (error !== undefined) {
      failures.push(error);
    }
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": service }),
    spanProcessors: [liveSpans, new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer("agent", "1.0.0");

  const startSpan: SdkClient["startSpan"] = (name, attributes, parent) =>
    tracer.startSpan(
      name,
      { attributes },
      parent === undefined ? context.active() : trace.setSpan(context.active(), parent),
    );

  return {
    batches,
    startSpan,
    startWithheld(name, attributes, parent) {
      isWithholding = true;
      const span = startSpan(name, attributes, parent);
      isWithholding = false;
      return span;
    },
    async tellWithheld() {
      for (const body of withheld) {
        await post(body);
      }
      withheld = [];
    },
    async flush() {
      await starts;
      await provider.forceFlush();
      if (failures.length > 0) {
        throw new Error("The SDK could not export.", { cause: failures[0] });
      }
    },
    sendTogether: (spans) => post(serialize(spans as unknown as readonly ReadableSpan[])),
    shutdown: () => provider.shutdown(),
  };
}

function recording(
  exporter: SpanExporter,
  onExport: (spans: ReadableSpan[], error: unknown) => void,
): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        onExport(spans, result.code === 0 ? undefined : (result.error ?? result));
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
