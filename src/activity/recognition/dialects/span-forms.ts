import { KeySet } from "../../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../../otlp/span-batch.ts";
import { type Dialect, dialects } from "../../model/dialects.ts";
import { pauseSpans } from "../work-spans.ts";

/**
 * What a span is on the wire, whatever it speaks of: finished; S0, from our relay; S1, live; S2, a
 * snapshot of one that goes on; S3, a stand-in for its parent, which has just started.
 */
export type SpanForm = "finished" | "relayed" | "live" | "partial" | "pending";

export const dialectOfForm: Readonly<Record<SpanForm, Dialect>> = {
  finished: dialects.span.storedId,
  relayed: dialects.relay.storedId,
  live: dialects.liveSpan.storedId,
  partial: dialects.datadogPartial.storedId,
  pending: dialects.logfirePending.storedId,
};

/** Spans and events of this scope come from our plugin for OpenClaw. They speak to us alone. */
export const relayScopeName = "openclaw-activity-relay";
const relayScope = new KeySet([relayScopeName]);
/** S2. The number grows from one snapshot to the next. */
const partialVersionKey = "_dd.partial_version";
const spanTypeKey = "logfire.span_type";
const pendingSpan = new KeySet(["pending_span"]);
const pendingParentKey = "logfire.pending_parent_id";
const pauseNames = new KeySet(pauseSpans);

/** Attributes that a scan must report. */
export const formKeys: readonly string[] = [partialVersionKey, spanTypeKey, pendingParentKey];

/** Tells the forms of spans apart, comparing bytes and making no string. */
export class SpanForms {
  readonly #partialVersion: number;
  readonly #spanType: number;
  readonly #pendingParent: number;

  /** `names` are those of the key set that scans use. */
  constructor(names: readonly string[]) {
    this.#partialVersion = names.indexOf(partialVersionKey);
    this.#spanType = names.indexOf(spanTypeKey);
    this.#pendingParent = names.indexOf(pendingParentKey);
  }

  formOf(spans: SpanBatch, row: number): SpanForm {
    const scopeStart = spans.scopeNameStart.get(row);
    if (relayScope.match(spans.bytes, scopeStart, spans.scopeNameEnd.get(row)) === 0) {
      return "relayed";
    }
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      const key = spans.attributeKey.get(attribute);
      const type = spans.attributeType.get(attribute);
      const a = spans.attributeA.get(attribute);
      if (key === this.#partialVersion) {
        // Of a double as of an int, the sign is the first bit.
        if ((type === attributeTypes.int || type === attributeTypes.double) && a >= 0) {
          return "partial";
        }
      } else if (key === this.#spanType && type === attributeTypes.string) {
        if (pendingSpan.match(spans.bytes, a, spans.attributeB.get(attribute)) === 0) {
          return "pending";
        }
      }
    }
    return isLive(spans, row) ? "live" : "finished";
  }

  /** Of a pending span: the id of the parent of the span it stands for, as two words; zeros for a root. */
  pendingParentOf(spans: SpanBatch, row: number): readonly [number, number] {
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      if (
        spans.attributeKey.get(attribute) === this.#pendingParent &&
        spans.attributeType.get(attribute) === attributeTypes.string
      ) {
        const start = spans.attributeA.get(attribute);
        return spanIdIn(spans.bytes, start, spans.attributeB.get(attribute));
      }
    }
    return [0, 0];
  }
}

/** Whether a span has no end. */
export function isLive(spans: SpanBatch, row: number): boolean {
  return spans.endHi.get(row) === 0 && spans.endLo.get(row) === 0;
}

/** S8: whether the parent of a span waits for a person while it is open. */
export function isPause(spans: SpanBatch, row: number): boolean {
  const start = spans.nameStart.get(row);
  return pauseNames.match(spans.bytes, start, spans.nameEnd.get(row)) !== -1;
}

/** 16 hex digits as two words; zeros for anything else. */
function spanIdIn(bytes: Uint8Array, start: number, end: number): readonly [number, number] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  return /^[0-9a-fA-F]{16}$/.test(text)
    ? [Number.parseInt(text.slice(0, 8), 16) | 0, Number.parseInt(text.slice(8), 16) | 0]
    : [0, 0];
}
