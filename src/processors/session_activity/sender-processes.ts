import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";

const maxProcesses = 10_000;
const identity = ["service.name", "host.id", "host.name", "service.instance.id", "process.pid"];

/**
 * Numbers the processes that send to us: (service name, host id or name, instance id or pid). State never
 * crosses a process. Beyond the bound all further processes share the number 0.
 */
export class SenderProcesses {
  /** Resource attributes that a scan must report. */
  readonly keys = new KeySet(identity);
  readonly #numbers = new Map<string, number>();
  readonly #decoder = new TextDecoder();

  numberOf(spans: SpanBatch, resource: number): number {
    const values: string[] = identity.map(() => "");
    const to = spans.resourceAttributesTo.get(resource);
    for (let row = spans.resourceAttributesFrom.get(resource); row < to; row++) {
      values[spans.attributeKey.get(row)] = this.#valueOf(spans, row);
    }
    const [service, hostId, hostName, instance, pid] = values;
    const process = `${service}\n${hostId === "" ? hostName : hostId}\n${instance === "" ? pid : instance}`;
    const known = this.#numbers.get(process);
    if (known !== undefined) {
      return known;
    }
    if (this.#numbers.size >= maxProcesses) {
      return 0;
    }
    const number = this.#numbers.size + 1;
    this.#numbers.set(process, number);
    return number;
  }

  #valueOf(spans: SpanBatch, row: number): string {
    const a = spans.attributeA.get(row);
    const b = spans.attributeB.get(row);
    return spans.attributeType.get(row) === attributeTypes.string
      ? this.#decoder.decode(spans.bytes.subarray(a, Math.min(b, a + 256)))
      : `${a},${b}`;
  }
}
