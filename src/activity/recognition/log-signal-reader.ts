import { otlp } from "../../otlp/proto/generated.js";
import { recordRangesOf } from "../../otlp/record-ranges.ts";
import { withoutFields } from "../../otlp/splice.ts";
import { type SignalBatch, signalTypes } from "../model/signal-batch.ts";
import {
  type ActivityRecord,
  type Attributes,
  attributeOf,
  decodeRecord,
  decodeResource,
} from "./activity-record.ts";
import type { Consumption } from "./dialects/consumption.ts";
import type { LogContext, LogDialect } from "./dialects/log-dialect.ts";
import { logDialects } from "./dialects/log-dialect-table.ts";
import type { SenderProcesses } from "./sender-processes.ts";

/** Texts of which every request of interest contains one. Searching for them is fast: they are few and short. */
const needles = [...new Set(logDialects.flatMap((dialect) => dialect.needles))];
/** Texts of which every record of interest contains one. */
const marks = logDialects.flatMap(({ eventNames = [], attribute }) => [
  ...eventNames,
  ...(attribute === undefined ? [] : [attribute]),
]);

/**
 * Turns log records into signals, by the dialects of `log-dialect-table.ts`. A record that cannot be read affects no other.
 * Keeps where the consumed records of the last request start, until the next one; they are bounded by its size.
 */
export class LogSignalReader {
  readonly #processes: SenderProcesses;
  readonly #context: Omit<LogContext, "dialect" | "sender">;
  readonly #forwardsClaims: boolean;
  #consumed: number[] = [];

  constructor(
    parts: Omit<LogContext, "dialect" | "sender"> & {
      readonly processes: SenderProcesses;
      /** Whether events of S9 are forwarded. */
      readonly forwardsClaims?: boolean;
    },
  ) {
    const { processes, forwardsClaims = false, ...context } = parts;
    this.#processes = processes;
    this.#context = context;
    this.#forwardsClaims = forwardsClaims;
  }

  /** How many records of the last request are consumed instead of forwarded. */
  get consumedRecords(): number {
    return this.#consumed.length;
  }

  /** The last request, which was `bytes`, without the records that are consumed. */
  rest(bytes: Uint8Array): Uint8Array {
    return withoutFields(bytes, this.#consumed);
  }

  /**
   * Writes the signals of a logs request into `signals`, which it empties first. Nearly all requests have none, and are only
   * searched for the needles.
   */
  read(bytes: Uint8Array, signals: SignalBatch): void {
    signals.clear();
    this.#consumed = [];
    if (!containsAny(bytes, needles)) {
      return;
    }
    const { resources, scopes, records } = recordRangesOf(bytes);
    const scopeNames = scopes.map(scopeNameOf);
    const decoded = new Map<number, Attributes>();
    for (const { resource, scope, fieldStart, start, end } of records) {
      const message = bytes.subarray(start, end);
      if (!containsAny(message, marks)) {
        continue;
      }
      const attributes =
        decoded.get(resource) ?? decodeResource(resources[resource] ?? new Uint8Array(0));
      decoded.set(resource, attributes);
      const record = decodeRecord(message, attributes);
      if (record !== undefined && this.#readRecord(record, scopeNames[scope] ?? "", signals)) {
        this.#consumed.push(fieldStart);
      }
    }
  }

  /** Returns whether the record is consumed. */
  #readRecord(record: ActivityRecord, scopeName: string, signals: SignalBatch): boolean {
    // Also if no dialect matches: what the record's resource says of its process identifies later senders.
    const sender = this.#processes.findDecoded(record.resource);
    const dialect = logDialects.find((each) => isRecordOf(each, record, scopeName));
    if (dialect === undefined) {
      return false;
    }
    const first = signals.count;
    dialect.read(record, { ...this.#context, dialect: dialect.dialect, sender }, signals);
    const isRead = signals.count > first && signals.type.get(first) !== signalTypes.malformed;
    return this.#isConsumed(dialect.consumption, isRead);
  }

  #isConsumed(consumption: Consumption, isRead: boolean): boolean {
    switch (consumption) {
      case "never":
        return false;
      case "always":
        return true;
      case "unless_forwarded":
        return !this.#forwardsClaims;
      case "if_read":
        return isRead;
      default: {
        const never: never = consumption;
        return never;
      }
    }
  }
}

function isRecordOf(
  { eventNames, attribute, scopes }: LogDialect,
  { record, eventName }: ActivityRecord,
  scopeName: string,
): boolean {
  return (
    (scopes === undefined || scopes.includes(scopeName)) &&
    (eventNames?.includes(eventName) === true ||
      (attribute !== undefined && attributeOf(record.attributes, attribute) !== undefined))
  );
}

function containsAny(bytes: Uint8Array, texts: readonly string[]): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return texts.some((text) => buffer.includes(text));
}

function scopeNameOf(bytes: Uint8Array): string {
  try {
    return otlp.InstrumentationScope.decode(bytes).name ?? "";
  } catch {
    return "";
  }
}
