import { otlp } from "../../src/otlp/proto/generated.js";
import type { ClaimAnswer } from "./claim-score.ts";
import type { Derived } from "./collector.ts";

/** Evictions that the collector emitted in one event. */
export interface EvictionEvent {
  readonly atMs: number;
  readonly reason: string;
  /** How many markers. */
  readonly count: number;
  /** Span id of the oldest marker, or of the owner when only a count is known. */
  readonly spanId: string;
  readonly confidence: string;
}

/** One marker that was evicted by name. */
export interface NamedEviction {
  readonly atMs: number;
  readonly reason: string;
  readonly spanId: string;
  readonly confidence: string;
}

/** A session that makes no progress. */
export interface StallEvent {
  readonly atMs: number;
  /** Of the culprit, or of any work of the session. */
  readonly spanId: string;
}

/** All events that the collector emitted, in order. */
export interface DerivedEvents {
  readonly evictions: readonly EvictionEvent[];
  readonly named: readonly NamedEviction[];
  readonly stalls: readonly StallEvent[];
  readonly answers: readonly ClaimAnswer[];
  readonly reconciled: number;
  /** How often evictions were held back. */
  readonly held: number;
}

/** Reads the log records and closing spans of a collector. */
export function readDerived(derived: readonly Derived[]): DerivedEvents {
  const evictions: EvictionEvent[] = [];
  const named: NamedEviction[] = [];
  const stalls: StallEvent[] = [];
  const answers: ClaimAnswer[] = [];
  let reconciled = 0;
  let held = 0;
  for (const { signal, bytes, atMs } of derived) {
    if (signal === "traces") {
      for (const { links, attributes } of spansIn(bytes)) {
        const spanId = hex(links?.[0]?.spanId);
        named.push({
          atMs,
          spanId,
          reason: attributeOf(attributes, "openclaw.reason"),
          confidence: attributeOf(attributes, "openclaw.confidence"),
        });
      }
      continue;
    }
    for (const { eventName, attributes, spanId } of recordsIn(bytes)) {
      switch (eventName) {
        case "session.activity.evicted":
          evictions.push({
            atMs,
            reason: attributeOf(attributes, "openclaw.reason"),
            count:
              Number(attributeOf(attributes, "openclaw.evictedTools")) +
              Number(attributeOf(attributes, "openclaw.evictedModelCalls")),
            spanId: hex(spanId),
            confidence: attributeOf(attributes, "openclaw.confidence"),
          });
          break;
        case "session.activity.reconciled":
          reconciled++;
          break;
        case "session.activity.held":
          held++;
          break;
        case "session.stalled":
          stalls.push({ atMs, spanId: hex(spanId) });
          break;
        case "session.diagnosed":
          answers.push({
            atMs,
            claim: attributeOf(attributes, "openclaw.claim"),
            verdict: attributeOf(attributes, "openclaw.verdict"),
            spanId: hex(spanId),
          });
          break;
        default:
      }
    }
  }
  return { evictions, named, stalls, answers, reconciled, held };
}

function spansIn(bytes: Uint8Array) {
  return otlp.ExportTraceServiceRequest.decode(bytes)
    .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans ?? [])
    .flatMap(({ spans }) => spans ?? []);
}

function recordsIn(bytes: Uint8Array) {
  return otlp.ExportLogsServiceRequest.decode(bytes)
    .resourceLogs.flatMap(({ scopeLogs }) => scopeLogs ?? [])
    .flatMap(({ logRecords }) => logRecords ?? []);
}

function attributeOf(
  attributes: readonly otlp.KeyValue.$Properties[] | null | undefined,
  key: string,
): string {
  const value = attributes?.find((attribute) => attribute.key === key)?.value;
  return value?.stringValue ?? String(value?.intValue ?? "");
}

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}
