import { RecordCursor } from "../../otlp/record-cursor.ts";
import { withoutFields } from "../../otlp/splice.ts";
import { type SignalBatch, signalTypes } from "../model/signal-batch.ts";
import {
  type ActivityRecord,
  type Attributes,
  attributeOf,
  decodeRecord,
  decodeResource,
  decodeScopeName,
} from "./activity-record.ts";
import type { Consumption } from "./dialects/consumption.ts";
import type { LogContext, LogDialect } from "./dialects/log-dialect.ts";
import { logDialects } from "./dialects/log-dialect-table.ts";
import { addMalformed } from "./malformed-signal.ts";
import { type SenderProcess, type SenderProcesses, unknownProcess } from "./sender-processes.ts";
import { TextFinder } from "./text-finder.ts";

const noAttributes: Attributes = [];

/** Texts of which every request of interest contains one. Searching for them is fast: they are few and short. */
const needles = [...new Set(logDialects.flatMap((dialect) => dialect.needles))];
/** Texts of which every record of interest contains one. */
const marks = logDialects.flatMap(({ eventNames = [], attribute }) => [
  ...eventNames,
  ...(attribute === undefined ? [] : [attribute]),
]);

/** Where a record comes from: its instrumentation scope, its process, and its client, empty for none. */
interface RecordSource {
  readonly scopeName: string;
  readonly sender: SenderProcess;
  readonly client: string;
}

/**
 * Turns log records into signals, by the dialects of `log-dialect-table.ts`. A record that cannot be read affects no other.
 * Keeps where the consumed records of the last request start, until the next one; they are bounded by its size.
 */
export class LogSignalReader {
  readonly #processes: SenderProcesses;
  readonly #context: Omit<LogContext, "dialect" | "sender" | "client">;
  readonly #forwardsClaims: boolean;
  readonly #onFault: (error: unknown) => void;
  #consumed: number[] = [];

  constructor(
    parts: Omit<LogContext, "dialect" | "sender" | "client"> & {
      readonly processes: SenderProcesses;
      /** Whether events of S9 are forwarded. */
      readonly forwardsClaims?: boolean;
      /** A record could not be read because of a bug. */
      readonly onFault?: (error: unknown) => void;
    },
  ) {
    const { processes, forwardsClaims = false, onFault = () => {}, ...context } = parts;
    this.#onFault = onFault;
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
   * Writes the signals of a logs request of `client`, empty for none, into `signals`, which it empties first. Nearly all requests have none, and are only
   * searched for the needles.
   */
  read(bytes: Uint8Array, signals: SignalBatch, client = ""): void {
    signals.clear();
    this.#consumed = [];
    if (!containsAny(bytes, needles)) {
      return;
    }
    const cursor = new RecordCursor(bytes);
    const finder = new TextFinder(bytes, marks);
    let resource = { partStart: -1, attributes: noAttributes, sender: unknownProcess };
    let scope = { partStart: -1, name: "" };
    while (cursor.next()) {
      const { start, end, fieldStart, resourcePartStart, scopePartStart } = cursor;
      if (!finder.isIn(start, end)) {
        continue;
      }
      if (resource.partStart !== resourcePartStart) {
        const attributes = decodeResource(cursor.resource());
        // Also if no record matches a dialect: what the resource says of its process identifies later senders.
        const sender = this.#processes.findDecoded(attributes, client);
        resource = { partStart: resourcePartStart, attributes, sender };
      }
      if (scope.partStart !== scopePartStart) {
        scope = { partStart: scopePartStart, name: decodeScopeName(cursor.scope()) };
      }
      const record = decodeRecord(bytes.subarray(start, end), resource.attributes);
      const around = { scopeName: scope.name, sender: resource.sender, client };
      if (record !== undefined && this.#readRecord(record, around, signals)) {
        this.#consumed.push(fieldStart);
      }
    }
  }

  /** Returns whether the record is consumed. */
  #readRecord(
    record: ActivityRecord,
    { scopeName, sender, client }: RecordSource,
    signals: SignalBatch,
  ): boolean {
    const dialect = logDialects.find((each) => isRecordOf(each, record, scopeName));
    if (dialect === undefined) {
      return false;
    }
    const first = signals.count;
    try {
      const context = { ...this.#context, dialect: dialect.dialect, sender, client };
      dialect.read(record, context, signals);
    } catch (error) {
      // A bug that one record meets must not cost the others.
      signals.dropFrom(first);
      addMalformed(dialect.dialect, sender, signals);
      this.#onFault(error);
    }
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
