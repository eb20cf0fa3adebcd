import { KeySet } from "../../../otlp/keys.ts";
import type { SpanBatch } from "../../../otlp/span-batch.ts";
import { dialects } from "../../model/dialects.ts";
import { type SignalBatch, signalTypes } from "../../model/signal-batch.ts";
import { pauseSpans } from "../work-spans.ts";

const names = new KeySet(pauseSpans);
const dialect = dialects.pauseEvent.storedId;

/** S8: whether a span is open exactly while its parent waits for a person. */
export function isPauseSpan(spans: SpanBatch, row: number): boolean {
  return names.match(spans.bytes, spans.nameStart.get(row), spans.nameEnd.get(row)) !== -1;
}

/** Adds the pause of its parent, or the end of that pause. `of` is the signal of the span, whose id is the key. */
export function addPause(
  spans: SpanBatch,
  row: number,
  isStart: boolean,
  of: number,
  signals: SignalBatch,
): void {
  const type = isStart ? signalTypes.pause : signalTypes.resume;
  const signal = signals.addAbout(of, { type, dialect });
  signals.setSpan(signal, spans.parentId0.get(row), spans.parentId1.get(row), 0, 0);
  signals.setKey(signal, spans.spanId0.get(row), spans.spanId1.get(row));
}
