import type { SpanBatch } from "../../../otlp/span-batch.ts";
import { dialects } from "../../model/dialects.ts";
import { type SignalBatch, type SignalRow, signalTypes } from "../../model/signal-batch.ts";
import { type WorkKind, workKinds } from "../../model/work.ts";
import type { KeyedHash } from "../keyed-hash.ts";
import type { LabelValues } from "../label-values.ts";
import { isIndexed, ToolCallReader, toolCallContentKeys } from "../tool-call-reader.ts";

const dialect = dialects.requestedTool.storedId;

/** I2: adds the tool calls that the content of a finished model call or run requests and answers. */
export class ToolCallSignals {
  readonly #hash: KeyedHash;
  readonly #tools: LabelValues;
  readonly #names: readonly string[];
  /** Key index → 1 for an attribute with content. */
  readonly #isContent: Uint8Array;

  /** `names` are those of the key set that scans use. */
  constructor(
    names: readonly string[],
    parts: { readonly hash: KeyedHash; readonly tools: LabelValues },
  ) {
    this.#names = names;
    this.#hash = parts.hash;
    this.#tools = parts.tools;
    this.#isContent = Uint8Array.from(names, (name) =>
      toolCallContentKeys.includes(name) ? 1 : 0,
    );
  }

  /** Reads the content of the span in `row`, whose signal is `of`. Only a model call requests tools. */
  add(spans: SpanBatch, row: number, kind: WorkKind, of: number, signals: SignalBatch): void {
    const reader = new ToolCallReader({ mayRequest: kind === workKinds.modelCall });
    let hasIndexed = false;
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      const key = spans.attributeKey.get(attribute);
      if (this.#isContent[key] === 1) {
        const name = this.#names[key] ?? "";
        const from = spans.attributeA.get(attribute);
        const value = spans.bytes.subarray(from, spans.attributeB.get(attribute));
        hasIndexed ||= isIndexed(name);
        reader.read(name, spans.attributeType.get(attribute), value);
      }
    }
    if (hasIndexed) {
      reader.readIndexed(messageOf(spans, row));
    }
    const { requested, answered, isCut } = reader.result();
    for (const { id, name } of requested) {
      const signal = this.#addCall(id, signalTypes.request, of, signals);
      signals.name.set(signal, this.#numberOf(name));
    }
    if (isCut) {
      // A request without a key is counted as untracked.
      signals.addAbout(of, { type: signalTypes.request, dialect });
    }
    for (const id of answered) {
      this.#addCall(id, signalTypes.answer, of, signals);
    }
  }

  #addCall(id: string, type: SignalRow["type"], of: number, signals: SignalBatch): number {
    const signal = signals.addAbout(of, { type, dialect });
    this.#hash.updateWithText(id);
    signals.setKey(signal, this.#hash.hi, this.#hash.lo);
    return signal;
  }

  /** The number of a tool's name; 0 for one beyond the bound, which identifies no tool. */
  #numberOf(name: string): number {
    const bytes = Buffer.from(name);
    const number = this.#tools.numberOf(bytes, 0, bytes.length);
    return number === this.#tools.overflow ? 0 : number;
  }
}

/** The bytes of a span's message, without the tag and the length of its field. */
function messageOf(spans: SpanBatch, row: number): Uint8Array {
  let from = spans.fieldStart.get(row) + 1;
  while (((spans.bytes[from] ?? 0) & 0x80) !== 0) {
    from++;
  }
  return spans.bytes.subarray(from + 1, spans.fieldEnd.get(row));
}
