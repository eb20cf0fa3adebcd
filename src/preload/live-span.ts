import { type Attributes, SpanStatusCode } from "@opentelemetry/api";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { endSignal, signalKey } from "../activity/recognition/work-spans.ts";
import { parentIdOf, type StartedSpan } from "./started-span.ts";

/** Longer values are prompts and documents, which only the finished span contains. */
const maxValueLength = 1024;
const maxListLength = 32;

/** The span without an end, which makes it a live span, as it is now. Later changes of `span` do not affect it. */
export function liveSpanOf(span: StartedSpan, resourceOf: ResourceOf): ReadableSpan {
  return copyOf(span, resourceOf, {
    endTime: [0, 0],
    status: SpanStatusCode.UNSET,
    attributes: {},
  });
}

/** The span with its end and the attribute by which the collector knows that it is for the collector alone. */
export function endedSpanOf(
  span: StartedSpan,
  resourceOf: ResourceOf,
  nowUnixMs: number,
): ReadableSpan {
  const [seconds, nanos] = span.endTime ?? [0, 0];
  const isSet = seconds !== 0 || nanos !== 0;
  return copyOf(span, resourceOf, {
    endTime: isSet ? [seconds, nanos] : hrTimeOf(nowUnixMs),
    status: span.status?.code ?? SpanStatusCode.UNSET,
    attributes: { [signalKey]: endSignal },
  });
}

/** `end`: what the copy has of the end of the span. Of its status only the code: a message may contain what the app works on. */
function copyOf(
  span: StartedSpan,
  resourceOf: ResourceOf,
  end: {
    readonly endTime: [number, number];
    readonly status: SpanStatusCode;
    readonly attributes: Attributes;
  },
): ReadableSpan {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const parentId = parentIdOf(span);
  const attributes = shortValues(span.attributes);
  const scope = span.instrumentationScope ?? span.instrumentationLibrary;
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => ({ traceId, spanId, traceFlags }),
    ...(parentId === undefined
      ? {}
      : { parentSpanContext: { traceId, spanId: parentId, traceFlags } }),
    startTime: [span.startTime[0], span.startTime[1]],
    endTime: end.endTime,
    duration: [0, 0],
    ended: span.ended,
    status: { code: end.status },
    attributes: { ...attributes, ...end.attributes },
    droppedAttributesCount: Object.keys(span.attributes).length - Object.keys(attributes).length,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    // Read when the span is encoded, because detectors may still run before.
    get resource() {
      return resourceOf(span.resource);
    },
    instrumentationScope: {
      name: scope?.name ?? "",
      ...(scope?.version === undefined ? {} : { version: scope.version }),
      ...(scope?.schemaUrl === undefined ? {} : { schemaUrl: scope.schemaUrl }),
    },
  };
}

export type ResourceOf = (resource: StartedSpan["resource"]) => Resource;

/** Converts a resource of any SDK, always to the same object, so that spans are grouped by it. */
export function createResourceOf(): ResourceOf {
  const known = new WeakMap<StartedSpan["resource"], Resource>();
  return (resource) => {
    const ours = known.get(resource) ?? resourceFromAttributes(shortValues(resource.attributes));
    known.set(resource, ours);
    return ours;
  };
}

function shortValues(attributes: Readonly<Record<string, unknown>>): Attributes {
  const kept: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (isShort(value)) {
      kept[key] = value;
    } else if (Array.isArray(value) && value.length <= maxListLength) {
      const strings = value.filter((each) => typeof each === "string" && isShort(each));
      if (strings.length === value.length) {
        kept[key] = strings;
      }
    }
  }
  return kept;
}

function isShort(value: unknown): value is string | number | boolean {
  return typeof value === "string"
    ? value.length <= maxValueLength
    : typeof value === "number" || typeof value === "boolean";
}

function hrTimeOf(unixMs: number): [number, number] {
  return [Math.floor(unixMs / 1_000), Math.round((unixMs % 1_000) * 1e6)];
}
