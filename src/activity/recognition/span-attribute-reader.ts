import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../model/signal-batch.ts";
import { type WorkKind, workKinds } from "../model/work.ts";
import { ToolCallSignals } from "./dialects/tool-call-signals.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import type { LabelValues } from "./label-values.ts";
import { int64Text, isNoSession } from "./session-values.ts";
import { isModelInput, toolCallContentKeys } from "./tool-call-reader.ts";
import { agentNames, toolCallIds, toolNames } from "./work-spans.ts";

const outcomeKey = "openclaw.outcome";
const activeItemsKey = "openclaw.harness.items.active";
const completedItemsKey = "openclaw.harness.items.completed";
const harnessKey = "openclaw.harness.id";
const channelKey = "openclaw.channel";
const sequenceKey = "openclaw.seq";
/** True on a repeat of a start that reports progress. */
const progressKey = "openclaw.progress";
const toolExecutionName = new KeySet(["openclaw.tool.execution"]);
const blockedOutcome = new KeySet(["blocked"]);
/** Harnesses whose items are all tools, their commands or their patches. Items of others are messages and thoughts, too. */
const harnessesOfTools = new KeySet(["openclaw", "pi"]);
/** Tools that OpenClaw counts as two items. */
const toolsOfTwoItems = new KeySet(["exec", "bash", "apply_patch"]);
/** A harness run that reports more items than this is taken to report none. */
const maxItems = 10_000;

/** Session references beyond this many have one rank. */
const lastRank = 255;

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

/** Writes the attributes of work into the signal of its span: session, tool, outcome, reported items, order. */
export class SpanAttributeReader {
  readonly #hash: KeyedHash;
  readonly #tools: LabelValues;
  readonly #channels: LabelValues;
  readonly #toolCalls: ToolCallSignals;
  /** Key index → rank among session references, from 1. */
  readonly #referenceRank: Uint8Array;
  /** Key index → 1 for a tool-call id, content of messages, the input of a model, an agent's name. */
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
    this.#toolCalls = new ToolCallSignals(names, parts);
    const marked = (among: readonly string[]) =>
      Uint8Array.from(names, (name) => (among.includes(name) ? 1 : 0));
    this.#referenceRank = Uint8Array.from(names, (name) => {
      const rank = parts.sessionReferences.indexOf(name) + 1;
      return Math.min(rank, lastRank);
    });
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
   * Reads the span in `row`, which is work of `kind`, into its signal. `isFinished`: it is an ordinary finished span, whose
   * outcome and content count. The content becomes signals of its own. Returns whether an attribute has the name of a tool,
   * usable as a label or not.
   */
  read(
    spans: SpanBatch,
    row: number,
    kind: WorkKind,
    isFinished: boolean,
    signal: number,
    signals: SignalBatch,
  ): boolean {
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
        const reference = this.#referenceRank[key] ?? 0;
        if (reference > 0) {
          if (!isNoSession(spans.bytes, a, b)) {
            this.#addReference(spans.bytes, a, b, reference, signals);
          }
        } else if (rank > 0) {
          if (kind === workKinds.tool && rank < toolRank && b > a) {
            toolRank = rank;
            this.#hash.update(spans.bytes, a, b);
            signals.nameHash.set(signal, this.#hash.lo);
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
            this.#hash.update(spans.bytes, a, b);
            signals.nameHash.set(signal, this.#hash.lo);
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
        const reference = this.#referenceRank[key] ?? 0;
        if (reference > 0) {
          const digits = Buffer.from(int64Text(a, b));
          this.#addReference(digits, 0, digits.length, reference, signals);
        } else if (key === this.#sequence) {
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
      this.#toolCalls.add(spans, row, kind, signal, signals);
    }
    return toolRank !== Number.POSITIVE_INFINITY;
  }

  /** Adds the session that is `bytes` from `start` up to `end`. */
  #addReference(
    bytes: Uint8Array,
    start: number,
    end: number,
    rank: number,
    signals: SignalBatch,
  ): void {
    this.#hash.update(bytes, start, end);
    const shown = this.#hash.refs?.of(this.#hash, bytes, start, end) ?? 0;
    signals.addReference(this.#hash.hi, this.#hash.lo, shown, rank);
  }

  /** The span of a tool that ended by itself has no outcome, or that it was blocked. With any other outcome its run ended it. */
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
}

function toItems(hi: number, lo: number): number {
  return hi === 0 && lo > 0 && lo <= maxItems ? lo : 0;
}
