import { Uint8Column } from "../../otlp/columns.ts";
import { KeySet } from "../../otlp/keys.ts";
import { SpanBatch } from "../../otlp/span-batch.ts";
import { type ScanOutcome, scanSpans } from "../../otlp/span-scanner.ts";
import { type Dialect, dialects } from "../model/dialects.ts";
import { type SignalBatch, signalFlags, signalTypes } from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";
import {
  dialectOfForm,
  formKeys,
  isLive,
  isPause,
  type SpanForm,
  SpanForms,
} from "./dialects/span-forms.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import type { LabelValues } from "./label-values.ts";
import { ScopeOutcomes } from "./scope-outcomes.ts";
import { type SenderProcess, type SenderProcesses, unknownProcess } from "./sender-processes.ts";
import { SpanAttributeReader, workKeys } from "./span-attribute-reader.ts";
import type { SpanClass } from "./span-class.ts";
import { SpanClassifier } from "./span-classifier.ts";
import type { SpanRule } from "./span-rules.ts";
import { toolNameEnd } from "./tool-span-name.ts";
import { sessionReferences } from "./work-spans.ts";

const noBytes = new Uint8Array(0);
const okStatus = 1;
const errorStatus = 2;

/** What a log record says of the spans that it carries (S4, S5). */
export interface SpanReport {
  readonly dialect: Dialect;
  readonly isStart: boolean;
  /** Until the next one is promised, in ms; 0 when nothing is. */
  readonly intervalMs: number;
  /** When the record was made, by the sender's clock in Unix ms. */
  readonly sentMs: number;
  /** Who sent the record: counts where the spans' own resource does not say it. */
  readonly sender: SenderProcess;
}

/** Turns the spans of a request into signals, in place: starts and ends of work, and what they say of other work. */
export class SpanSignalReader {
  readonly #classifier: SpanClassifier;
  readonly #forms: SpanForms;
  readonly #attributes: SpanAttributeReader;
  readonly #hash: KeyedHash;
  readonly #keys: { readonly span: KeySet; readonly resource: KeySet };
  readonly #spans = new SpanBatch();
  readonly #processes: SenderProcesses;
  readonly #tools: LabelValues;
  readonly #forwardsPending: boolean;
  readonly #outcomes = new ScopeOutcomes();
  readonly #isConsumed = new Uint8Column();
  #consumed = 0;

  constructor(parts: {
    readonly hash: KeyedHash;
    readonly tools: LabelValues;
    readonly channels: LabelValues;
    readonly processes: SenderProcesses;
    /** The user's rules, before the built-in ones. */
    readonly workSpans?: readonly SpanRule[];
    /** The user's session references, besides the built-in ones. */
    readonly sessionReferences?: readonly string[];
    /** Whether pending spans (S3) are passed on. */
    readonly passesPending?: boolean;
  }) {
    const references = [...sessionReferences, ...(parts.sessionReferences ?? [])];
    this.#classifier = new SpanClassifier(parts.workSpans);
    const names = [...new Set([...this.#classifier.keys, ...references, ...formKeys, ...workKeys])];
    this.#keys = { span: new KeySet(names), resource: parts.processes.keys };
    this.#classifier.bind(names);
    this.#forms = new SpanForms(names);
    this.#attributes = new SpanAttributeReader(names, { ...parts, sessionReferences: references });
    this.#processes = parts.processes;
    this.#hash = parts.hash;
    this.#tools = parts.tools;
    this.#forwardsPending = parts.passesPending ?? false;
  }

  /** The spans of the last request; valid until the next `observe`. */
  get spans(): SpanBatch {
    return this.#spans;
  }

  /** Releases the bytes of the last request. */
  release(): void {
    this.#spans.clear(noBytes);
  }

  /** How many spans of the last request speak to us alone and are not passed on. */
  get consumedSpans(): number {
    return this.#consumed;
  }

  /** Whether a span of the last request speaks to us alone: it tells of a start, or comes from our relay. */
  isConsumed(row: number): boolean {
    return this.#isConsumed.get(row) === 1;
  }

  /** Scans a request and writes the signals of its spans into `signals`, which is emptied before. */
  read(bytes: Uint8Array, signals: SignalBatch): ScanOutcome {
    signals.clear();
    return this.append(bytes, signals);
  }

  /** The same, after what is in `signals`. `report`: a log record says what the spans in its body are. */
  append(bytes: Uint8Array, signals: SignalBatch, report?: SpanReport): ScanOutcome {
    this.#consumed = 0;
    const outcome = scanSpans(bytes, this.#keys, this.#spans);
    if (!outcome.ok) {
      return outcome;
    }
    const { spans } = this;
    this.#isConsumed.ensure(spans.count);
    let resource = -1;
    let sender = unknownProcess;
    for (let row = 0; row < spans.count; row++) {
      if (spans.resource.get(row) !== resource) {
        resource = spans.resource.get(row);
        sender = this.#senderOf(resource, report);
      }
      if (report === undefined) {
        const form = this.#forms.formOf(spans, row);
        const isConsumed = form !== "finished" && (form !== "pending" || !this.#forwardsPending);
        this.#isConsumed.set(row, isConsumed ? 1 : 0);
        this.#consumed += isConsumed ? 1 : 0;
        this.#readSpan(row, sender, form, signals);
      } else {
        this.#readReported(row, sender, report, signals);
      }
    }
    return outcome;
  }

  #senderOf(resource: number, report: SpanReport | undefined): SenderProcess {
    const { spans } = this;
    const isSilent =
      spans.resourceAttributesFrom.get(resource) === spans.resourceAttributesTo.get(resource);
    return isSilent && report !== undefined ? report.sender : this.#processes.find(spans, resource);
  }

  #readSpan(row: number, sender: SenderProcess, form: SpanForm, signals: SignalBatch): void {
    const { spans } = this;
    const isStart = form === "partial" || form === "pending" || isLive(spans, row);
    const parent =
      form === "pending"
        ? this.#forms.pendingParentOf(spans, row)
        : ([spans.parentId0.get(row), spans.parentId1.get(row)] as const);
    const spanClass = this.#classifier.classify(spans, row, parent[0] === 0 && parent[1] === 0);
    const isFinished = form === "finished";
    const told = { isStart, dialect: dialectOfForm[form], spanClass, isFinished };
    const signal = this.#add(row, sender, told, signals);
    if (form === "partial") {
      // A snapshot ends when it was taken.
      signals.sentMs.set(signal, signals.endMs.get(signal));
    } else if (form === "pending") {
      this.#moveToParent(row, parent, signal, signals);
    }
    this.#readAttributes(row, signal, { spanClass, isFinished }, signals);
    if (isPause(spans, row)) {
      this.#addPause(row, isStart, signal, signals);
    }
    if (spanClass.isToolPart) {
      this.#addToolPart(signal, signals);
    }
  }

  #readReported(
    row: number,
    sender: SenderProcess,
    report: SpanReport,
    signals: SignalBatch,
  ): void {
    const spanClass = this.#classifier.classify(this.#spans, row);
    const told = { ...report, spanClass, isFinished: false };
    const signal = this.#add(row, sender, told, signals);
    signals.intervalMs.set(signal, report.intervalMs);
    signals.sentMs.set(signal, report.sentMs);
    if (signals.endMs.get(signal) === 0) {
      signals.endMs.set(signal, report.sentMs);
    }
    this.#readAttributes(row, signal, { spanClass, isFinished: false }, signals);
    if (spanClass.isToolPart) {
      this.#addToolPart(signal, signals);
    }
  }

  /** Adds the signal of a span with its ids, times and class. */
  #add(
    row: number,
    sender: SenderProcess,
    told: {
      readonly isStart: boolean;
      readonly dialect: Dialect;
      readonly spanClass: SpanClass;
      readonly isFinished: boolean;
    },
    signals: SignalBatch,
  ): number {
    const { spans } = this;
    const { spanClass } = told;
    const status = spans.statusCode.get(row);
    const outcome =
      (status === errorStatus ? signalFlags.failed : 0) |
      (told.isFinished && status === okStatus ? signalFlags.hasOutcome : 0);
    const isBrokenOff = told.isFinished && this.#outcomes.isAborted(spans, row, spanClass.kind);
    const ofClass = told.isFinished ? spanClass.flags : spanClass.flags & ~signalFlags.openclaw;
    const signal = signals.add({
      type: told.isStart ? signalTypes.start : signalTypes.end,
      dialect: told.dialect,
      kind: spanClass.kind,
      flags: ofClass | outcome | (isBrokenOff ? signalFlags.aborted : 0),
      process: sender.process,
      serviceHost: sender.serviceHost,
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
    return signal;
  }

  #readAttributes(
    row: number,
    signal: number,
    seen: { readonly spanClass: SpanClass; readonly isFinished: boolean },
    signals: SignalBatch,
  ): void {
    const { spans } = this;
    const { kind, isNamedBySpan } = seen.spanClass;
    if (kind === workKinds.other) {
      return;
    }
    const { isFinished } = seen;
    const scopeStart = spans.scopeNameStart.get(row);
    const scopeEnd = spans.scopeNameEnd.get(row);
    if (scopeEnd > scopeStart) {
      this.#hash.update(spans.bytes, scopeStart, scopeEnd);
      signals.scopeHash.set(signal, this.#hash.lo);
    }
    const isNamed = this.#attributes.read(spans, row, { signal, kind, isFinished }, signals);
    if (isNamedBySpan && !isNamed) {
      const start = spans.nameStart.get(row);
      const end = toolNameEnd(spans.bytes, start, spans.nameEnd.get(row));
      signals.name.set(signal, this.#tools.numberOf(spans.bytes, start, end));
      this.#hash.update(spans.bytes, start, end);
      signals.nameHash.set(signal, this.#hash.lo);
    }
  }

  /** S3: a pending span is a child of the span that it speaks of, and names that one's parent in an attribute. */
  #moveToParent(
    row: number,
    [parent0, parent1]: readonly [number, number],
    signal: number,
    signals: SignalBatch,
  ): void {
    const { spans } = this;
    const span0 = spans.parentId0.get(row);
    const span1 = spans.parentId1.get(row);
    signals.setSpan(signal, span0, span1, parent0, parent1);
    if (span0 === 0 && span1 === 0) {
      signals.type.set(signal, signalTypes.malformed);
    }
  }

  /** I1: the parent of this span is a tool, whether that has arrived or not. */
  #addToolPart(of: number, signals: SignalBatch): void {
    const parent0 = signals.parent0.get(of);
    const parent1 = signals.parent1.get(of);
    if (parent0 === 0 && parent1 === 0) {
      return;
    }
    const { start: type } = signalTypes;
    const signal = signals.addAbout(of, { type, dialect: dialects.impliedParent.storedId });
    signals.kind.set(signal, workKinds.tool);
    signals.setSpan(signal, parent0, parent1, 0, 0);
  }

  /** S8: while this span is open, its parent waits for a person. */
  #addPause(row: number, isStart: boolean, of: number, signals: SignalBatch): void {
    const { spans } = this;
    const type = isStart ? signalTypes.pause : signalTypes.resume;
    const signal = signals.addAbout(of, { type, dialect: dialects.pauseEvent.storedId });
    signals.setSpan(signal, spans.parentId0.get(row), spans.parentId1.get(row), 0, 0);
    signals.setKey(signal, spans.spanId0.get(row), spans.spanId1.get(row));
  }
}

/** Unix nanoseconds in two words as milliseconds; exact to less than a microsecond. */
function toMs(hi: number, lo: number): number {
  return (hi >>> 0) * 4294.967296 + (lo >>> 0) / 1e6;
}
