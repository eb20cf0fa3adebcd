import { KeySet } from "../../otlp/keys.ts";
import { SpanBatch } from "../../otlp/span-batch.ts";
import { type ScanOutcome, scanSpans } from "../../otlp/span-scanner.ts";
import { type Dialect, toDialect } from "../model/dialects.ts";
import {
  type SignalBatch,
  type SignalRow,
  signalFlags,
  signalTypes,
} from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";
import { addPause, isPauseSpan } from "./dialects/pause-span.ts";
import type { SpanDialect } from "./dialects/span-dialect.ts";
import { addToolPart } from "./dialects/tool-part.ts";
import { addDisregarded } from "./disregarded.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import type { LabelValues } from "./label-values.ts";
import { addMalformed } from "./malformed-signal.ts";
import { OperationNameMatcher } from "./operation-names.ts";
import { ScopeOutcomes } from "./scope-outcomes.ts";
import { type SenderProcess, type SenderProcesses, unknownProcess } from "./sender-processes.ts";
import { SpanAttributeReader, workKeys } from "./span-attribute-reader.ts";
import { type SpanClass, spanClasses } from "./span-class.ts";
import { SpanClassifier } from "./span-classifier.ts";
import { dialectKeys, SpanDialectMatcher } from "./span-dialect-matcher.ts";
import type { SpanRule } from "./span-rules.ts";
import { ToolSpanName } from "./tool-span-name.ts";
import { sessionReferences } from "./work-spans.ts";

/** The most spans of a record that reports spans: senders put one into it. Further ones are left out and counted as a malformed one. */
const maxReportedSpans = 1_024;
const okStatus = 1;
const errorStatus = 2;

/** What a log record reports of the spans that it carries (S4, S5). */
export interface SpanReport {
  readonly dialect: Dialect;
  /** The spans are open; else they have ended. */
  readonly isStart: boolean;
  /** Until the next report, in ms; 0 when none is promised. */
  readonly intervalMs: number;
  /** When the record was written, by the sender's clock in Unix ms. */
  readonly sentMs: number;
  /** Who sent the record. Counts for its spans, whatever their own resource is, if it can be distinguished from its siblings. */
  readonly sender: SenderProcess;
  /** The client that sent it; empty for none. */
  readonly client: string;
}

/**
 * Turns the spans of a request into signals, in place: starts and ends of work, and what the spans contain about other work.
 * Keeps the last request, its columns and the rows that are consumed, until `release` or the next one; they are bounded by its size.
 */
export class SpanSignalReader {
  readonly #names: readonly string[];
  readonly #keys: { readonly span: KeySet; readonly resource: KeySet };
  readonly #classifier: SpanClassifier;
  readonly #dialects: SpanDialectMatcher;
  readonly #attributes: SpanAttributeReader;
  readonly #hash: KeyedHash;
  readonly #processes: SenderProcesses;
  readonly #tools: LabelValues;
  readonly #forwardsPending: boolean;
  readonly #onFault: (error: unknown) => void;
  readonly #outcomes = new ScopeOutcomes();
  readonly #operations = new OperationNameMatcher();
  readonly #toolSpanName = new ToolSpanName();
  /** Where the name of the last scope begins, and its hash: the spans of a scope follow each other. */
  #scopeStart = -1;
  #scopeHash = 0;
  /** The spans of the last request; valid until the next `read`. */
  readonly spans = new SpanBatch();
  /** Rows of the spans of the last request that are consumed instead of forwarded: they report a start, or come from our relay. */
  readonly consumed: number[] = [];

  constructor(parts: {
    readonly hash: KeyedHash;
    readonly tools: LabelValues;
    readonly channels: LabelValues;
    readonly processes: SenderProcesses;
    /** The user's rules, before the built-in ones. */
    readonly workSpans?: readonly SpanRule[];
    /** The user's session references, besides the built-in ones. */
    readonly sessionReferences?: readonly string[];
    /** Whether pending spans (S3) are forwarded. */
    readonly forwardsPending?: boolean;
    /** A span could not be read because of a bug. */
    readonly onFault?: (error: unknown) => void;
  }) {
    const references = [...sessionReferences, ...(parts.sessionReferences ?? [])];
    this.#classifier = new SpanClassifier(parts.workSpans);
    this.#names = [
      ...new Set([...this.#classifier.keys, ...references, ...dialectKeys, ...workKeys]),
    ];
    this.#keys = { span: new KeySet(this.#names), resource: parts.processes.keys };
    this.#classifier.bind(this.#names);
    this.#dialects = new SpanDialectMatcher(this.#names);
    this.#attributes = new SpanAttributeReader(this.#names, {
      ...parts,
      sessionReferences: references,
    });
    this.#processes = parts.processes;
    this.#hash = parts.hash;
    this.#tools = parts.tools;
    this.#forwardsPending = parts.forwardsPending ?? false;
    this.#onFault = parts.onFault ?? (() => {});
  }

  /** Releases the bytes of the last request. */
  release(): void {
    this.spans.release();
    this.#outcomes.release();
  }

  /**
   * Scans a request of `client`, empty for none, and writes the signals of its spans into `signals`, which it empties first. `expected`: how
   * many spans it has, if that is known.
   */
  read(
    bytes: Uint8Array,
    signals: SignalBatch,
    { expected = 0, client = "" }: { readonly expected?: number; readonly client?: string } = {},
  ): ScanOutcome {
    signals.clear();
    signals.expect(expected);
    this.spans.expect(expected);
    this.consumed.length = 0;
    this.#scopeStart = -1;
    const { spans } = this;
    const outcome = scanSpans(bytes, this.#keys, spans);
    if (!outcome.ok) {
      return outcome;
    }
    let resource = -1;
    let sender = unknownProcess;
    let first = 0;
    for (let row = 0; row < spans.count; row++) {
      if (spans.resource.get(row) !== resource) {
        this.#processes.onSpans(sender, spans, first, row);
        first = row;
        resource = spans.resource.get(row);
        sender = this.#processes.find(spans, resource, client);
      }
      const isOpen = spans.endHi.get(row) === 0 && spans.endLo.get(row) === 0;
      const dialect = this.#dialects.dialectOf(spans, row, isOpen);
      this.#readSpan(row, sender, isOpen, dialect, signals);
      const { consumption } = dialect;
      if (
        consumption === "always" ||
        (consumption === "unless_forwarded" && !this.#forwardsPending)
      ) {
        this.consumed.push(row);
      }
    }
    this.#processes.onSpans(sender, spans, first, spans.count);
    return outcome;
  }

  /** A bug that one span meets does not cost the others. */
  #readSpan(
    row: number,
    sender: SenderProcess,
    isOpen: boolean,
    dialect: SpanDialect,
    signals: SignalBatch,
  ): void {
    const { spans } = this;
    const { count } = signals;
    try {
      const isStart = dialect.isAlwaysStart || isOpen;
      const type = isStart ? signalTypes.start : signalTypes.end;
      const signal = this.#addSignal(row, sender, type, dialect.dialect, signals);
      dialect.amend?.(spans, row, this.#names, signal, signals);
      const { isToolPart, kind } = this.#readWork(row, dialect.isFinished, signal, signals);
      if (kind !== workKinds.other) {
        this.#processes.onWork(sender);
      }
      if (isPauseSpan(spans, row)) {
        addPause(spans, row, isStart, signal, signals);
      }
      if (isToolPart) {
        addToolPart(signal, signals);
      }
    } catch (error) {
      signals.dropFrom(count);
      addMalformed(dialect.dialect, sender, signals);
      this.#onFault(error);
    }
  }

  /** Adds the signals of spans that a log record carries, and releases its bytes. Bytes that are no request have no signals. */
  appendReported(bytes: Uint8Array, report: SpanReport, signals: SignalBatch): void {
    const { spans } = this;
    const processes = this.#processes;
    this.#scopeStart = -1;
    try {
      const { ok } = scanSpans(bytes, this.#keys, spans);
      const type = report.isStart ? signalTypes.start : signalTypes.end;
      const end = ok ? Math.min(spans.count, maxReportedSpans) : 0;
      let resource = -1;
      let sender = report.sender;
      for (let row = 0; row < end; row++) {
        const isNext = spans.resource.get(row) !== resource;
        if (isNext) {
          resource = spans.resource.get(row);
          sender = this.#reporterOf(resource, report);
        }
        const signal = this.#addSignal(row, sender, type, report.dialect, signals);
        signals.intervalMs.set(signal, report.intervalMs);
        signals.sentMs.set(signal, report.sentMs);
        if (signals.endMs.get(signal) === 0) {
          signals.endMs.set(signal, report.sentMs);
        }
        const { isToolPart, kind } = this.#readWork(row, false, signal, signals);
        if (kind !== workKinds.other) {
          processes.onWork(sender);
        }
        if (isToolPart) {
          addToolPart(signal, signals);
        }
        if (isNext && report.sender.isIdentified && processes.isAnother(spans, resource, report)) {
          addDisregarded(signalTypes.foreign, report, signals);
        }
      }
      if (ok && spans.count > end) {
        addMalformed(report.dialect, report.sender, signals);
      }
    } finally {
      this.release();
    }
  }

  /** A report is of the process that sent it. Only where that cannot be distinguished from its siblings, the report may name it. */
  #reporterOf(resource: number, { sender, client }: SpanReport): SenderProcess {
    const { spans } = this;
    const isEmpty =
      spans.resourceAttributesFrom.get(resource) === spans.resourceAttributesTo.get(resource);
    return sender.isIdentified || isEmpty ? sender : this.#processes.find(spans, resource, client);
  }

  /** Adds a signal with the ids and times of a span. */
  #addSignal(
    row: number,
    sender: SenderProcess,
    type: SignalRow["type"],
    dialect: Dialect,
    signals: SignalBatch,
  ): number {
    const { spans } = this;
    const signal = signals.add({
      type,
      dialect,
      kind: workKinds.other,
      flags: 0,
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

  /** Writes what kind of work a span is into its signal, and for work its attributes. Returns the class of the span. */
  #readWork(row: number, isFinished: boolean, signal: number, signals: SignalBatch): SpanClass {
    const { spans } = this;
    const isRoot = signals.parent0.get(signal) === 0 && signals.parent1.get(signal) === 0;
    const decided = this.#classifier.classify(spans, row, isRoot);
    const spanClass = decided.isUndecided
      ? this.#guess(row, isFinished, isRoot, signal, signals)
      : decided;
    const { kind } = spanClass;
    const status = spans.statusCode.get(row);
    let flags = status === errorStatus ? signalFlags.failed : 0;
    if (isFinished) {
      flags |= spanClass.flags;
      flags |= status === okStatus ? signalFlags.hasOutcome : 0;
      flags |= this.#outcomes.isAborted(spans, row, kind) ? signalFlags.aborted : 0;
    } else {
      flags |= spanClass.flags & ~signalFlags.openclaw;
    }
    signals.kind.set(signal, kind);
    signals.flags.set(signal, signals.flags.get(signal) | flags);
    const isEnd = signals.type.get(signal) === signalTypes.end;
    if (isEnd && !decided.isUndecided) {
      this.#setShape(row, isRoot, signal, signals);
    }
    const isStartOfAny = decided.isUndecided && !isEnd;
    if (kind === workKinds.other && !isStartOfAny) {
      return spanClass;
    }
    if (kind !== workKinds.other) {
      signals.scopeHash.set(signal, this.#scopeHashOf(row));
    }
    const ignored = signals.ignoredReferences;
    const isNamed = this.#attributes.read(spans, row, kind, isFinished, signal, signals);
    if (signals.ignoredReferences > ignored) {
      // Some of its sessions count for nothing, which is counted.
      signals.addAbout(signal, {
        type: signalTypes.malformed,
        dialect: toDialect(signals.dialect.get(signal)),
      });
    }
    const name = this.#toolSpanName;
    if (kind === workKinds.tool && !isNamed && name.find(spans, row, spanClass)) {
      this.#setName(name.start, name.end, signal, signals);
    }
    if (isStartOfAny && kind === workKinds.run) {
      this.#setAgentName(signal, signals);
    }
    return spanClass;
  }

  /**
   * The class of a span of which no attribute says what it is: at its start what its name says, and the engine may know better; at its end no
   * work. Marks its signal, and gives it a shape where that can be known or taught.
   */
  #guess(
    row: number,
    isFinished: boolean,
    isRoot: boolean,
    signal: number,
    signals: SignalBatch,
  ): SpanClass {
    const isStart = signals.type.get(signal) === signalTypes.start;
    if (!isStart && !isFinished) {
      return spanClasses.notWork; // Its finished span says what it was.
    }
    const { spans } = this;
    signals.flags.set(signal, signals.flags.get(signal) | signalFlags.undecided);
    if (isStart) {
      this.#processes.onUndecidedStart(signals.process.get(signal));
    } else if (!this.#processes.hasUndecidedStarts(signals.process.get(signal))) {
      return spanClasses.notWork;
    }
    const byName = this.#operations.match(
      spans.bytes,
      { start: spans.nameStart.get(row), end: spans.nameEnd.get(row) },
      { start: spans.scopeNameStart.get(row), end: spans.scopeNameEnd.get(row) },
    );
    if (isStart || byName !== undefined) {
      this.#setShape(row, isRoot, signal, signals);
    }
    return (isStart ? byName : undefined) ?? spanClasses.notWork;
  }

  /** A root and a step of the same name have two shapes: the one can be a run, where the other is none. */
  #setShape(row: number, isRoot: boolean, signal: number, signals: SignalBatch): void {
    const { spans } = this;
    const scope = this.#scopeHashOf(row);
    this.#hash.update(spans.bytes, spans.nameStart.get(row), spans.nameEnd.get(row));
    const place = (Math.imul(scope, 0x9e37_79b1) | 1) ^ (isRoot ? 0x5bd1_e995 : 0);
    signals.setShape(signal, this.#hash.lo, this.#hash.hi ^ place);
  }

  #scopeHashOf(row: number): number {
    const { spans } = this;
    const scopeStart = spans.scopeNameStart.get(row);
    if (scopeStart !== this.#scopeStart) {
      const scopeEnd = spans.scopeNameEnd.get(row);
      this.#hash.update(spans.bytes, scopeStart, scopeEnd);
      this.#scopeStart = scopeStart;
      this.#scopeHash = scopeEnd > scopeStart ? this.#hash.lo : 0;
    }
    return this.#scopeHash;
  }

  /** Without an attribute an agent has the name that the name of its span contains. */
  #setAgentName(signal: number, signals: SignalBatch): void {
    const { nameStart, nameEnd } = this.#operations;
    if (nameEnd > nameStart && signals.nameHash.get(signal) === 0) {
      this.#hash.update(this.spans.bytes, nameStart, nameEnd);
      signals.nameHash.set(signal, this.#hash.lo);
    }
  }

  /** `start` and `end` of the name of a tool. */
  #setName(start: number, end: number, signal: number, signals: SignalBatch): void {
    const { bytes } = this.spans;
    signals.name.set(signal, this.#tools.numberOf(bytes, start, end));
    this.#hash.update(bytes, start, end);
    signals.nameHash.set(signal, this.#hash.lo);
  }
}

/** Unix nanoseconds in two words as milliseconds; exact to less than a microsecond. */
function toMs(hi: number, lo: number): number {
  return (hi >>> 0) * 4294.967296 + (lo >>> 0) / 1e6;
}
