import type { MetricsSource } from "../component/component.ts";
import type { ConsumeResult, Consumer } from "../component/consumer.ts";
import type { Payload, Transport } from "../otlp/payload.ts";

const refused: ConsumeResult = {
  status: "retryable",
  message: "The collector is changing its configuration and takes this again in a moment.",
};

/**
 * A consumer whose target a reload exchanges, so that the component in front of it keeps running. Until it has one, payloads wait.
 * Keeps the payloads that wait, each with its sender, for the moment between the start of a component and the end of a reload.
 *
 * `Required`: every member of `Consumer` must reach the target, also one that a target need not have.
 */
export class ExchangeableConsumer implements Required<Consumer> {
  #target: Consumer | undefined;
  #onTarget: (() => void)[] = [];
  /** Items that were refused while there was no target. */
  readonly #refusedEarly = new Map<Transport, number>();
  #isGivenUp = false;

  consume(payload: Payload): Promise<ConsumeResult> {
    return this.#target === undefined ? this.#consumeLater(payload) : this.#target.consume(payload);
  }

  refusal(): Exclude<ConsumeResult, { readonly status: "accepted" }> | undefined {
    return this.#target?.refusal?.();
  }

  countRefused(items: number, transport: Transport): void {
    if (this.#target === undefined) {
      this.#refusedEarly.set(transport, (this.#refusedEarly.get(transport) ?? 0) + items);
    } else {
      this.#target.countRefused?.(items, transport);
    }
  }

  exchange(target: Consumer): void {
    this.#target = target;
    for (const [transport, items] of this.#refusedEarly) {
      target.countRefused?.(items, transport);
    }
    this.#refusedEarly.clear();
    this.#wake();
  }

  /** Refuses what waits, because there will be no target. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#wake();
  }

  async #consumeLater(payload: Payload): Promise<ConsumeResult> {
    if (!this.#isGivenUp) {
      await new Promise<void>((resolve) => this.#onTarget.push(resolve));
    }
    return this.#target?.consume(payload) ?? refused;
  }

  #wake(): void {
    for (const wake of this.#onTarget.splice(0)) {
      wake();
    }
  }
}

/** A source of metrics that a reload exchanges, so that the exporter that collects it keeps running. */
export class ExchangeableSource implements MetricsSource {
  #target: MetricsSource;

  constructor(target: MetricsSource) {
    this.#target = target;
  }

  /** What the source says of its instruments, for exporters that read it. */
  get instruments(): unknown {
    return Reflect.get(this.#target, "instruments");
  }

  collect(): ReturnType<MetricsSource["collect"]> {
    return this.#target.collect();
  }

  exchange(target: MetricsSource): void {
    this.#target = target;
  }
}
