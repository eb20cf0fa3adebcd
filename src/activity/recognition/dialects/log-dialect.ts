import type { Dialect } from "../../model/dialects.ts";
import type { SignalBatch } from "../../model/signal-batch.ts";
import type { ActivityRecord } from "../activity-record.ts";
import type { KeyedHash } from "../keyed-hash.ts";
import type { LabelValues } from "../label-values.ts";
import type { SenderProcess } from "../sender-processes.ts";
import type { SpanSignalReader } from "../span-signal-reader.ts";
import type { Consumption } from "./consumption.ts";

/** A format in which log records report activity. */
export interface LogDialect {
  /** The dialect of its signals, a `storedId`. */
  readonly dialect: Dialect;
  /** Its records have one of these event names. */
  readonly eventNames?: readonly string[];
  /** Its records have this attribute, and no event name of another dialect. */
  readonly attribute?: string;
  /** Its records come from one of these instrumentation scopes; from any if left out. */
  readonly scopes?: readonly string[];
  /** Short texts for a fast search: each event name, or the attribute, begins with one of them. */
  readonly needles: readonly string[];
  readonly consumption: Consumption;
  /** Adds the signals of a record; one of type `malformed` if it cannot be read, none if nothing follows from it. */
  read(record: ActivityRecord, context: LogContext, signals: SignalBatch): void;
}

/** What a dialect needs besides the record. */
export interface LogContext {
  readonly dialect: Dialect;
  readonly sender: SenderProcess;
  /** The client that sent the record; empty for none. */
  readonly client: string;
  readonly hash: KeyedHash;
  readonly tools: LabelValues;
  /** Attributes that name a session. */
  readonly sessionReferences: readonly string[];
  /** Reads the spans that records carry; not the one that reads requests. */
  readonly spans: SpanSignalReader;
  readonly intervals: ReportIntervals;
}

/** How often work and processes are reported by log records. */
export interface ReportIntervals {
  /** The longest interval that a sender may promise. */
  readonly maxIntervalMs: number;
  /** Between records of S5, which do not have it. */
  readonly stateIntervalMs: number;
  /** Reads a duration in Go's notation, in ms; undefined for any other text. */
  readonly parseDurationMs: (text: string) => number | undefined;
}
