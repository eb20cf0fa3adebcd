import { KeySet } from "../../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../../otlp/span-batch.ts";
import { toolCallIds, toolNames } from "../frameworks/work-spans.ts";
import { type WorkKind, workKinds } from "../kinds.ts";
import { dialects } from "./dialects.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import type { LabelValues } from "./label-values.ts";
import { type ToolCall, ToolCallReader, toolCallContentKeys } from "./requested-calls.ts";
import { type SignalBatch, signalFlags, signalTypes } from "./signal-batch.ts";

const outcomeKey = "openclaw.outcome";
const activeItemsKey = "openclaw.harness.items.active";
const completedItemsKey = "openclaw.harness.items.completed";
const channelKey = "openclaw.channel";
const sequenceKey = "openclaw.seq";
/** True on a repeat of a start that says there was progress. */
const progressKey = "openclaw.progress";
const toolExecutionName = new KeySet(["openclaw.tool.execution"]);
const blockedOutcome = new KeySet(["blocked"]);
/** A harness run with more open items than this is not believed. */
const mostItems = 10_000;

/** Attributes that a scan must report. */
export const workKeys: readonly string[] = [
  ...toolNames,
  ...toolCallIds,
  ...toolCallContentKeys,
  outcomeKey,
  activeItemsKey,
  completedItemsKey,
  channelKey,
  sequenceKey,
  progressKey,
];

/** Writes what the attributes of work say into the signal of its span: session, tool, outcome, claims, order. */
export class SpanAttributes {
  readonly #hash: KeyedHash;
  readonly #tools: LabelValues;
  readonly #channels: LabelValues;
  readonly #names: readonly string[];
  /** Key index → 1 where a session reference, a tool-call id, content of messages stands. */
  readonly #isReference: Uint8Array;
  readonly #isCallId: Uint8Array;
  readonly #isContent: Uint8Array;
  /** Key index → rank among tool names, from 1. */
  readonly #toolRank: Uint8Array;
  readonly #outcome: number;
  readonly #activeItems: number;
  readonly #completedItems: number;
  readonly #channel: number;
  readonly #sequence: number;
  readonly #progress: number;

  /** `names` are those of the key set that scans use. */
  constructor(
    names: readonly string[],
    parts: {
      readonly hash: KeyedHash;
      readonly tools: LabelValues;
      readonly channels: LabelValues;
      /** Attributes that name a session. */
      readonly sessionReferences: readonly string[];
    },
  ) {
    this.#hash = parts.hash;
    this.#tools = parts.tools;
    this.#channels = parts.channels;
    this.#names = names;
    const marked = (among: readonly string[]) =>
      Uint8Array.from(names, (name) => (among.includes(name) ? 1 : 0));
    this.#isReference = marked(parts.sessionReferences);
    this.#isCallId = marked(toolCallIds);
    this.#isContent = marked(toolCallContentKeys);
    this.#toolRank = Uint8Array.from(names, (name) => toolNames.indexOf(name) + 1);
    this.#outcome = names.indexOf(outcomeKey);
    this.#activeItems = names.indexOf(activeItemsKey);
    this.#completedItems = names.indexOf(completedItemsKey);
    this.#channel = names.indexOf(channelKey);
    this.#sequence = names.indexOf(sequenceKey);
    this.#progress = names.indexOf(progressKey);
  }

  /**
   * Reads the span in `row` into the row `signal`. `isFinished`: it is an ordinary span, so that its outcome
   * and its content count. What its content says is added as signals of its own. Returns whether an
   * attribute was there for the name of a tool, one that may be a label or not.
   */
  observe(
    spans: SpanBatch,
    row: number,
    of: { readonly signal: number; readonly kind: WorkKind; readonly isFinished: boolean },
    signals: SignalBatch,
  ): boolean {
    const { signal, kind, isFinished } = of;
    let toolRank = Number.POSITIVE_INFINITY;
    let hasContent = false;
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      const key = spans.attributeKey.get(attribute);
      const type = spans.attributeType.get(attribute);
      const a = spans.attributeA.get(attribute);
      const b = spans.attributeB.get(attribute);
      if (this.#isContent[key] === 1) {
        hasContent = kind === workKinds.modelCall && isFinished;
      } else if (type === attributeTypes.string) {
        const rank = this.#toolRank[key] ?? 0;
        if (this.#isReference[key] === 1) {
          if (b > a) {
            this.#hash.update(spans.bytes, a, b);
            signals.addReference(this.#hash.hi, this.#hash.lo);
          }
        } else if (rank > 0) {
          if (kind === workKinds.tool && rank < toolRank) {
            toolRank = rank;
            signals.name.set(signal, this.#tools.numberOf(spans.bytes, a, b));
          }
        } else if (this.#isCallId[key] === 1) {
          if (kind === workKinds.tool && b > a) {
            this.#hash.update(spans.bytes, a, b);
            signals.setKey(signal, this.#hash.hi, this.#hash.lo);
          }
        } else if (key === this.#channel) {
          signals.channel.set(signal, this.#channels.numberOf(spans.bytes, a, b));
        } else if (key === this.#outcome && isFinished) {
          this.#observeOutcome(spans, row, a, b, signal, signals);
        }
      } else if (type === attributeTypes.int) {
        if (key === this.#sequence) {
          signals.seq.set(signal, a === 0 && b > 0 ? b : 0);
        } else if (kind === workKinds.run && key === this.#activeItems) {
          signals.claimed.set(signal, toItems(a, b));
        } else if (kind === workKinds.run && key === this.#completedItems) {
          signals.completed.set(signal, toItems(a, b));
        }
      } else if (type === attributeTypes.bool && key === this.#progress && a === 1) {
        if (signals.type.get(signal) === signalTypes.start) {
          signals.flags.set(signal, signals.flags.get(signal) | signalFlags.progress);
        }
      }
    }
    if (hasContent) {
      this.#addToolCalls(spans, row, signal, signals);
    }
    return toolRank !== Number.POSITIVE_INFINITY;
  }

  /** A tool's own end has no outcome unless it was blocked: with another one, its run ended it. */
  #observeOutcome(
    spans: SpanBatch,
    row: number,
    from: number,
    to: number,
    signal: number,
    signals: SignalBatch,
  ): void {
    const isTool =
      toolExecutionName.match(spans.bytes, spans.nameStart.get(row), spans.nameEnd.get(row)) === 0;
    if (isTool && blockedOutcome.match(spans.bytes, from, to) !== 0) {
      signals.flags.set(signal, signals.flags.get(signal) | signalFlags.closedByRun);
    }
  }

  /** I2: the tools that a model call asked for, and those whose results it was handed. */
  #addToolCalls(spans: SpanBatch, row: number, of: number, signals: SignalBatch): void {
    const reader = new ToolCallReader();
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      const key = spans.attributeKey.get(attribute);
      if (this.#isContent[key] === 1) {
        const value = spans.bytes.subarray(
          spans.attributeA.get(attribute),
          spans.attributeB.get(attribute),
        );
        reader.read(this.#names[key] ?? "", spans.attributeType.get(attribute), value);
      }
    }
    const { requested, answered } = reader.result();
    for (const call of requested) {
      this.#addToolCall(call, signalTypes.request, of, signals);
    }
    for (const call of answered) {
      this.#addToolCall(call, signalTypes.answer, of, signals);
    }
  }

  #addToolCall(
    call: ToolCall,
    type: typeof signalTypes.request | typeof signalTypes.answer,
    of: number,
    signals: SignalBatch,
  ): void {
    const signal = signals.addAbout(of, { type, dialect: dialects.requestedTool });
    const id = Buffer.from(call.id);
    this.#hash.update(id, 0, id.length);
    signals.setKey(signal, this.#hash.hi, this.#hash.lo);
    const name = Buffer.from(call.name);
    signals.name.set(signal, this.#tools.numberOf(name, 0, name.length));
  }
}

function toItems(hi: number, lo: number): number {
  return hi === 0 && lo > 0 && lo <= mostItems ? lo : 0;
}
