import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";
import { dialects } from "../model/dialects.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../model/signal-batch.ts";
import { type WorkKind, workKinds } from "../model/work.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import type { LabelValues } from "./label-values.ts";
import {
  isIndexed,
  isModelInput,
  ToolCallReader,
  toolCallContentKeys,
} from "./tool-call-reader.ts";
import { agentNames, toolCallIds, toolNames } from "./work-spans.ts";

const outcomeKey = "openclaw.outcome";
const activeItemsKey = "openclaw.harness.items.active";
const completedItemsKey = "openclaw.harness.items.completed";
const harnessKey = "openclaw.harness.id";
const channelKey = "openclaw.channel";
const sequenceKey = "openclaw.seq";
/** True on a repeat of a start that says there was progress. */
const progressKey = "openclaw.progress";
const toolExecutionName = new KeySet(["openclaw.tool.execution"]);
const blockedOutcome = new KeySet(["blocked"]);
/** Harnesses of which every item is a tool, its command or its patch; items of others are messages and thoughts, too. */
const harnessesOfTools = new KeySet(["openclaw", "pi"]);
/** Tools that OpenClaw counts as two items. */
const toolsOfTwoItems = new KeySet(["exec", "bash", "apply_patch"]);
/** A harness run with more open items than this is not believed. */
const maxItems = 10_000;

/** Attributes that a scan must report. */
export const workKeys: readonly string[] = [
  ...toolNames,
  ...toolCallIds,
  ...agentNames,
  ...toolCallContentKeys,
  outcomeKey,
  activeItemsKey,
  completedItemsKey,
  harnessKey,
  channelKey,
  sequenceKey,
  progressKey,
];

/** Writes what the attributes of work say into the signal of its span: session, tool, outcome, claims, order. */
export class SpanAttributeReader {
  readonly #hash: KeyedHash;
  readonly #tools: LabelValues;
  readonly #channels: LabelValues;
  readonly #names: readonly string[];
  /** Key index → 1 where a session reference, a tool-call id, content of messages, what a model was given stands. */
  readonly #isReference: Uint8Array;
  readonly #isCallId: Uint8Array;
  readonly #isContent: Uint8Array;
  readonly #isInput: Uint8Array;
  readonly #isAgentName: Uint8Array;
  /** Key index → rank among tool names, from 1. */
  readonly #toolRank: Uint8Array;
  readonly #outcome: number;
  readonly #activeItems: number;
  readonly #completedItems: number;
  readonly #harness: number;
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
    this.#isInput = marked(toolCallContentKeys.filter(isModelInput));
    this.#isAgentName = marked(agentNames);
    this.#toolRank = Uint8Array.from(names, (name) => toolNames.indexOf(name) + 1);
    this.#outcome = names.indexOf(outcomeKey);
    this.#activeItems = names.indexOf(activeItemsKey);
    this.#completedItems = names.indexOf(completedItemsKey);
    this.#harness = names.indexOf(harnessKey);
    this.#channel = names.indexOf(channelKey);
    this.#sequence = names.indexOf(sequenceKey);
    this.#progress = names.indexOf(progressKey);
  }

  /**
   * Reads the span in `row` into the row `signal`. `isFinished`: it is an ordinary span, so that its outcome
   * and its content count. What its content says is added as signals of its own. Returns whether an
   * attribute was there for the name of a tool, one that may be a label or not.
   */
  read(
    spans: SpanBatch,
    row: number,
    of: { readonly signal: number; readonly kind: WorkKind; readonly isFinished: boolean },
    signals: SignalBatch,
  ): boolean {
    const { signal, kind, isFinished } = of;
    let toolRank = Number.POSITIVE_INFINITY;
    let hasContent = false;
    let isOneItem = false;
    let areItemsTools = true;
    let hasOutcome = false;
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      const key = spans.attributeKey.get(attribute);
      const type = spans.attributeType.get(attribute);
      const a = spans.attributeA.get(attribute);
      const b = spans.attributeB.get(attribute);
      if (this.#isContent[key] === 1) {
        hasContent = isFinished && (kind === workKinds.modelCall || kind === workKinds.run);
        if (hasContent && kind === workKinds.modelCall && this.#isInput[key] === 1) {
          signals.flags.set(signal, signals.flags.get(signal) | signalFlags.hasPrompt);
        }
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
            this.#setNameHash(spans.bytes, a, b, signal, signals);
            signals.name.set(signal, this.#tools.numberOf(spans.bytes, a, b));
            isOneItem = toolsOfTwoItems.match(spans.bytes, a, b) === -1;
          }
        } else if (this.#isCallId[key] === 1) {
          if (kind === workKinds.tool && b > a) {
            this.#hash.update(spans.bytes, a, b);
            signals.setKey(signal, this.#hash.hi, this.#hash.lo);
          }
        } else if (this.#isAgentName[key] === 1) {
          if (kind === workKinds.run) {
            this.#setNameHash(spans.bytes, a, b, signal, signals);
          }
        } else if (key === this.#harness) {
          areItemsTools = harnessesOfTools.match(spans.bytes, a, b) !== -1;
        } else if (key === this.#channel) {
          signals.channel.set(signal, this.#channels.numberOf(spans.bytes, a, b));
        } else if (key === this.#outcome && isFinished) {
          hasOutcome = true;
          this.#readOutcome(spans, row, a, b, signal, signals);
        }
      } else if (type === attributeTypes.int) {
        if (key === this.#sequence) {
          signals.seq.set(signal, a === 0 && b > 0 ? b : 0);
        } else if (kind === workKinds.run && key === this.#activeItems) {
          signals.reportedOpen.set(signal, toItems(a, b));
        } else if (kind === workKinds.run && key === this.#completedItems) {
          signals.reportedCompleted.set(signal, toItems(a, b));
        }
      } else if (type === attributeTypes.bool && key === this.#progress && a === 1) {
        if (signals.type.get(signal) === signalTypes.start) {
          signals.flags.set(signal, signals.flags.get(signal) | signalFlags.progress);
        }
      }
    }
    if (!areItemsTools) {
      signals.reportedOpen.set(signal, 0);
    }
    const flags = signals.flags.get(signal);
    if (isFinished && !hasOutcome && (flags & signalFlags.harness) !== 0) {
      signals.flags.set(signal, flags | signalFlags.noOutcome);
    }
    if (kind === workKinds.tool && (flags & signalFlags.openclaw) !== 0 && !isOneItem) {
      signals.flags.set(signal, flags | signalFlags.countsTwoItems);
    }
    if (hasContent) {
      this.#addToolCalls(spans, row, of, signals);
    }
    return toolRank !== Number.POSITIVE_INFINITY;
  }

  #setNameHash(
    bytes: Uint8Array,
    from: number,
    to: number,
    signal: number,
    signals: SignalBatch,
  ): void {
    this.#hash.update(bytes, from, to);
    signals.nameHash.set(signal, this.#hash.lo);
  }

  /** A tool's own end has no outcome unless it was blocked: with another one, its run ended it. */
  #readOutcome(
    spans: SpanBatch,
    row: number,
    from: number,
    to: number,
    signal: number,
    signals: SignalBatch,
  ): void {
    const isTool =
      toolExecutionName.match(spans.bytes, spans.nameStart.get(row), spans.nameEnd.get(row)) === 0;
    if (isTool) {
      const isBlocked = blockedOutcome.match(spans.bytes, from, to) === 0;
      const flag = isBlocked ? signalFlags.hasOutcome : signalFlags.closedByRun;
      signals.flags.set(signal, signals.flags.get(signal) | flag);
    }
  }

  /** I2: the tools that a model call asked for, and calls that it or a run says were answered. */
  #addToolCalls(
    spans: SpanBatch,
    row: number,
    { signal: of, kind }: { readonly signal: number; readonly kind: WorkKind },
    signals: SignalBatch,
  ): void {
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
      const signal = this.#addToolCall(id, signalTypes.request, of, signals);
      signals.name.set(signal, this.#requestedName(name));
    }
    if (isCut) {
      // One without a key, which is counted as not tracked.
      signals.addAbout(of, {
        type: signalTypes.request,
        dialect: dialects.requestedTool.storedId,
      });
    }
    for (const id of answered) {
      this.#addToolCall(id, signalTypes.answer, of, signals);
    }
  }

  #addToolCall(
    id: string,
    type: typeof signalTypes.request | typeof signalTypes.answer,
    of: number,
    signals: SignalBatch,
  ): number {
    const signal = signals.addAbout(of, { type, dialect: dialects.requestedTool.storedId });
    const bytes = Buffer.from(id);
    this.#hash.update(bytes, 0, bytes.length);
    signals.setKey(signal, this.#hash.hi, this.#hash.lo);
    return signal;
  }

  /** The number of a tool's name; 0 for one beyond the bound, which says nothing of which tool it is. */
  #requestedName(name: string): number {
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

function toItems(hi: number, lo: number): number {
  return hi === 0 && lo > 0 && lo <= maxItems ? lo : 0;
}
