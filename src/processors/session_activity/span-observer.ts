import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, SpanBatch } from "../../otlp/span-batch.ts";
import { type ScanOutcome, scanSpans } from "../../otlp/span-scanner.ts";
import { dialects } from "./dialects.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { type WorkKind, workKinds } from "./kinds.ts";
import type { LabelValues } from "./label-values.ts";
import type { SenderProcess, SenderProcesses } from "./sender-processes.ts";
import { type SignalBatch, signalFlags, signalTypes } from "./signal-batch.ts";
import { SpanClassifier } from "./span-classifier.ts";
import type { SpanRuleConfig } from "./span-rules-config.ts";
import { toolNameEnd } from "./tool-span-name.ts";
import { sessionReferences, toolNames } from "./work-spans.ts";

const outcomeKey = "openclaw.outcome";
const activeItemsKey = "openclaw.harness.items.active";
const completedItemsKey = "openclaw.harness.items.completed";
const channelKey = "openclaw.channel";
const toolExecutionName = new KeySet(["openclaw.tool.execution"]);
/** Spans of this scope come from our plugin for OpenClaw. They speak to us alone. */
const relayScope = new KeySet(["openclaw-activity-relay"]);
const blockedOutcome = new KeySet(["blocked"]);
const errorStatus = 2;
/** A harness run with more open items than this is not believed. */
const mostItems = 10_000;

/**
 * Turns the spans of a request into signals, in place: S1 (a span that has not ended is a start),
 * finished spans, and what OpenClaw's spans say of markers that were left open.
 */
export class SpanObserver {
  readonly #classifier: SpanClassifier;
  readonly #keys: { readonly span: KeySet; readonly resource: KeySet };
  readonly #spans = new SpanBatch();
  readonly #processes: SenderProcesses;
  readonly #hash: KeyedHash;
  readonly #tools: LabelValues;
  readonly #channels: LabelValues;
  /** Key index → what it is for; 0 where it is for something else. */
  readonly #isReference: Uint8Array;
  /** Key index → rank among tool names, from 1. */
  readonly #toolRank: Uint8Array;
  readonly #outcome: number;
  readonly #activeItems: number;
  readonly #completedItems: number;
  readonly #channel: number;
  #consumed = 0;

  constructor(parts: {
    readonly hash: KeyedHash;
    readonly tools: LabelValues;
    readonly channels: LabelValues;
    readonly processes: SenderProcesses;
    /** The user's rules, before the built-in ones, and the user's session references, besides those. */
    readonly workSpans?: readonly SpanRuleConfig[];
    readonly sessionReferences?: readonly string[];
  }) {
    const references = [...sessionReferences, ...(parts.sessionReferences ?? [])];
    this.#classifier = new SpanClassifier(parts.workSpans);
    this.#processes = parts.processes;
    this.#hash = parts.hash;
    this.#tools = parts.tools;
    this.#channels = parts.channels;
    const names = [
      ...new Set([
        ...this.#classifier.keys,
        ...references,
        ...toolNames,
        outcomeKey,
        activeItemsKey,
        completedItemsKey,
        channelKey,
      ]),
    ];
    this.#keys = { span: new KeySet(names), resource: this.#processes.keys };
    this.#classifier.bind(names);
    this.#isReference = Uint8Array.from(names, (name) => (references.includes(name) ? 1 : 0));
    this.#toolRank = Uint8Array.from(names, (name) => toolNames.indexOf(name) + 1);
    this.#outcome = names.indexOf(outcomeKey);
    this.#activeItems = names.indexOf(activeItemsKey);
    this.#completedItems = names.indexOf(completedItemsKey);
    this.#channel = names.indexOf(channelKey);
  }

  /** The spans of the last request; valid until the next `observe`. */
  get spans(): SpanBatch {
    return this.#spans;
  }

  /** How many spans of the last request speak to us alone and are not passed on. */
  get consumedSpans(): number {
    return this.#consumed;
  }

  /** A span that has not ended is a start signal; those of the relay are all signals. */
  isConsumed(row: number): boolean {
    return this.isLive(row) || this.#isRelayed(row);
  }

  isLive(row: number): boolean {
    return this.#spans.endHi.get(row) === 0 && this.#spans.endLo.get(row) === 0;
  }

  /** Scans a request and writes one signal per span into `signals`. */
  observe(bytes: Uint8Array, signals: SignalBatch): ScanOutcome {
    signals.clear();
    this.#consumed = 0;
    const outcome = scanSpans(bytes, this.#keys, this.#spans);
    if (!outcome.ok) {
      return outcome;
    }
    const { spans } = this;
    let resource = -1;
    let process: SenderProcess = { process: 0, place: 0 };
    for (let row = 0; row < spans.count; row++) {
      if (spans.resource.get(row) !== resource) {
        resource = spans.resource.get(row);
        process = this.#processes.find(spans, resource);
      }
      this.#observeSpan(row, process, signals);
    }
    return outcome;
  }

  #observeSpan(row: number, sender: SenderProcess, signals: SignalBatch): void {
    const { spans } = this;
    const isLive = this.isLive(row);
    const isRelayed = this.#isRelayed(row);
    this.#consumed += isLive || isRelayed ? 1 : 0;
    const spanClass = this.#classifier.classify(spans, row);
    const signal = signals.add({
      type: isLive ? signalTypes.start : signalTypes.end,
      dialect: isRelayed ? dialects.relay : isLive ? dialects.liveSpan : dialects.span,
      kind: spanClass.kind,
      flags: spanClass.flags | (spans.statusCode.get(row) === errorStatus ? signalFlags.failed : 0),
      process: sender.process,
      place: sender.place,
      startMs: toMs(spans.startHi.get(row), spans.startLo.get(row)),
      endMs: toMs(spans.endHi.get(row), spans.endLo.get(row)),
    });
    signals.setTrace(
      signal,
      spans.traceId0.get(row),
      spans.traceId1.get(row),
      spans.traceId2.get(row),
      spans.traceId3.get(row),
    );
    signals.setSpan(
      signal,
      spans.spanId0.get(row),
      spans.spanId1.get(row),
      spans.parentId0.get(row),
      spans.parentId1.get(row),
    );
    if (spanClass.kind !== workKinds.other) {
      const isNamed = this.#observeAttributes(row, spanClass.kind, signal, signals);
      if (spanClass.isNamedBySpan && !isNamed) {
        const start = spans.nameStart.get(row);
        const end = toolNameEnd(spans.bytes, start, spans.nameEnd.get(row));
        signals.name.set(signal, this.#tools.numberOf(spans.bytes, start, end));
      }
    }
  }

  #isRelayed(row: number): boolean {
    const { spans } = this;
    const start = spans.scopeNameStart.get(row);
    const end = spans.scopeNameEnd.get(row);
    return relayScope.match(spans.bytes, start, end) === 0;
  }

  /** Whether an attribute was there for the name of a tool, one that may be a label or not. */
  #observeAttributes(row: number, kind: WorkKind, signal: number, signals: SignalBatch): boolean {
    const { spans } = this;
    let toolRank = Number.POSITIVE_INFINITY;
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      const key = spans.attributeKey.get(attribute);
      const type = spans.attributeType.get(attribute);
      const a = spans.attributeA.get(attribute);
      const b = spans.attributeB.get(attribute);
      if (type === attributeTypes.string) {
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
        } else if (key === this.#channel) {
          signals.channel.set(signal, this.#channels.numberOf(spans.bytes, a, b));
        } else if (key === this.#outcome) {
          this.#observeOutcome(row, a, b, signal, signals);
        }
      } else if (type === attributeTypes.int && kind === workKinds.run) {
        if (key === this.#activeItems) {
          signals.claimed.set(signal, toItems(a, b));
        } else if (key === this.#completedItems) {
          signals.completed.set(signal, toItems(a, b));
        }
      }
    }
    return toolRank !== Number.POSITIVE_INFINITY;
  }

  /** A tool's own end has no outcome unless it was blocked: with another one, its run ended it. */
  #observeOutcome(
    row: number,
    from: number,
    to: number,
    signal: number,
    signals: SignalBatch,
  ): void {
    const { spans } = this;
    const isTool =
      toolExecutionName.match(spans.bytes, spans.nameStart.get(row), spans.nameEnd.get(row)) === 0;
    // The relay says of every tool how it ended.
    if (isTool && !this.isConsumed(row) && blockedOutcome.match(spans.bytes, from, to) !== 0) {
      signals.flags.set(signal, signals.flags.get(signal) | signalFlags.closedByRun);
    }
  }
}

/** Unix nanoseconds in two words as milliseconds; exact to less than a microsecond. */
function toMs(hi: number, lo: number): number {
  return (hi >>> 0) * 4294.967296 + (lo >>> 0) / 1e6;
}

function toItems(hi: number, lo: number): number {
  return hi === 0 && lo > 0 && lo <= mostItems ? lo : 0;
}
