import { KeySet } from "../../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../../otlp/span-batch.ts";
import { type AnyValue, type Attributes, attributeOf } from "./log-record.ts";

const maxProcesses = 10_000;
const longestValueBytes = 256;
/** The resource attributes that identify a process. */
export const processIdentity = [
  "service.name",
  "host.id",
  "host.name",
  "process.pid",
  "service.instance.id",
];

/** A process that sends to us, and where it runs: (service name, host). 0 is one that is not known. */
export interface SenderProcess {
  readonly process: number;
  readonly place: number;
}

const unknownProcess: SenderProcess = { process: 0, place: 0 };

/**
 * Numbers the processes that send to us: (service name, host id or name, pid or instance id). State never
 * crosses a process. Beyond the bound all further processes share the number 0.
 */
export class SenderProcesses {
  /** Resource attributes that a scan must report. */
  readonly keys = new KeySet(processIdentity);
  readonly #processes = new Map<string, SenderProcess>();
  readonly #identities: (readonly string[])[] = [];
  readonly #places = new Map<string, number>();
  readonly #decoder = new TextDecoder();

  find(spans: SpanBatch, resource: number): SenderProcess {
    const values: string[] = processIdentity.map(() => "");
    const to = spans.resourceAttributesTo.get(resource);
    for (let row = spans.resourceAttributesFrom.get(resource); row < to; row++) {
      values[spans.attributeKey.get(row)] = this.#valueOf(spans, row);
    }
    return this.numberOf(values);
  }

  /** The same for the attributes of a resource that were decoded. */
  findDecoded(resource: Attributes): SenderProcess {
    return this.numberOf(processIdentity.map((key) => identityOf(attributeOf(resource, key))));
  }

  /** Values in the order of `processIdentity`, empty where absent; an int as its two words with a comma. */
  numberOf(values: readonly string[]): SenderProcess {
    const [service = "", hostId = "", hostName = "", pid = "", instance = ""] = values;
    const place = `${service}\n${hostId === "" ? hostName : hostId}`;
    const key = `${place}\n${pid === "" ? instance : pid}`;
    const known = this.#processes.get(key);
    if (known !== undefined || this.#processes.size >= maxProcesses) {
      return known ?? unknownProcess;
    }
    const isTold = (hostId !== "" || hostName !== "") && (pid !== "" || instance !== "");
    const made = {
      process: this.#processes.size + 1,
      place: isTold ? this.#placeOf(place) : 0,
    };
    this.#processes.set(key, made);
    this.#identities.push(values);
    return made;
  }

  /** Identities of the processes that have a number from `from` on, in the order of their numbers. */
  identitiesFrom(from: number): readonly (readonly string[])[] {
    return this.#identities.slice(from - 1);
  }

  /** The next number that will be given. */
  get next(): number {
    return this.#identities.length + 1;
  }

  #placeOf(place: string): number {
    const known = this.#places.get(place) ?? this.#places.size + 1;
    this.#places.set(place, known);
    return known;
  }

  #valueOf(spans: SpanBatch, row: number): string {
    const a = spans.attributeA.get(row);
    const b = spans.attributeB.get(row);
    return spans.attributeType.get(row) === attributeTypes.string
      ? this.#decoder.decode(spans.bytes.subarray(a, Math.min(b, a + longestValueBytes)))
      : `${a},${b}`;
  }
}

/** A value of the identity of a process, spelled as `SenderProcesses.numberOf` wants it. */
export function identityOf(value: AnyValue): string {
  const { stringValue, intValue } = value ?? {};
  if (typeof stringValue === "string") {
    const bytes = Buffer.from(stringValue);
    return bytes.length > longestValueBytes
      ? new TextDecoder().decode(bytes.subarray(0, longestValueBytes))
      : stringValue;
  }
  return intValue === null || intValue === undefined ? "" : `${intValue.high},${intValue.low}`;
}
