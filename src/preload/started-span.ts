/** Seconds and nanoseconds since the Unix epoch, as the SDKs write times. */
type HrTime = [number, number];

/** The public part of a resource of any OpenTelemetry JS SDK. */
interface SpanResource {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Whether detectors are still running; `attributes` must not be read before they are done. SDK 1.13 and newer. */
  readonly asyncAttributesPending?: boolean | undefined;
  readonly waitForAsyncAttributes?: (() => Promise<void>) | undefined;
}

interface SpanScope {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
}

interface SpanIdentity {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/**
 * A span that any OpenTelemetry JS SDK, 1.x to 3.x, has started: only the properties that all of them publish. All names that
 * differ between the versions are here.
 */
export interface StartedSpan {
  readonly name: string;
  readonly kind: number;
  readonly startTime: HrTime;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: SpanResource;
  readonly ended: boolean;
  /** Of a span that has ended. */
  readonly endTime?: HrTime | undefined;
  readonly status?: { readonly code: number } | undefined;
  spanContext(): SpanIdentity;
  /** SDK 2.x and 3.x. */
  readonly parentSpanContext?: SpanIdentity | undefined;
  /** SDK 1.x. */
  readonly parentSpanId?: string | undefined;
  /** SDK 2.x and 3.x. */
  readonly instrumentationScope?: SpanScope | undefined;
  /** SDK 1.x. */
  readonly instrumentationLibrary?: SpanScope | undefined;
}

/** Whether a value that a tracer returned is a span of an SDK, and not the empty one of a disabled tracer. */
export function isStartedSpan(span: unknown): span is StartedSpan {
  return (
    isObject(span) &&
    "spanContext" in span &&
    typeof span.spanContext === "function" &&
    "name" in span &&
    typeof span.name === "string" &&
    "attributes" in span &&
    isObject(span.attributes) &&
    "resource" in span &&
    isObject(span.resource) &&
    "startTime" in span &&
    Array.isArray(span.startTime) &&
    "ended" in span
  );
}

/** Whether the span's end will be exported. The end of an unsampled start would never arrive. */
export function isSampled(span: StartedSpan): boolean {
  return (span.spanContext().traceFlags & 1) === 1;
}

/** The 16 hex digits of its id. */
export function spanIdOf(span: StartedSpan): string {
  return span.spanContext().spanId;
}

/** The 16 hex digits of the parent, or undefined for a root. */
export function parentIdOf(span: StartedSpan): string | undefined {
  const id = span.parentSpanContext?.spanId ?? span.parentSpanId;
  return id === undefined || id === "" || id === "0000000000000000" ? undefined : id;
}

export function scopeNameOf(span: StartedSpan): string {
  return (span.instrumentationScope ?? span.instrumentationLibrary)?.name ?? "";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
