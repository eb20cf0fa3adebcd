import type { MetricsSource } from "../component/component.ts";
import type { Consumer } from "../component/consumer.ts";
import type { Signal } from "../otlp/payload.ts";
import { ExchangeableConsumer, ExchangeableSource } from "./exchangeable.ts";
import type { Instance } from "./lifecycle.ts";

/** What a processor was connected to in one pipeline. */
interface Wrapped {
  /** The processor, as the pipeline pushes into it. */
  readonly wrapped: Consumer;
  /** What is behind it. */
  readonly outlet: ExchangeableConsumer;
}

interface InstanceOutlets {
  readonly connected: Map<Signal, ExchangeableConsumer>;
  readonly wrapped: Map<string, Wrapped>;
  readonly consumers: Map<Signal, Consumer | undefined>;
  readonly sources: Map<string, ExchangeableSource>;
}

/**
 * The connections of each instance. They are made once; a reload exchanges what is behind them. Keeps those of the instances that exist.
 */
export class Outlets {
  readonly #byInstance = new WeakMap<Instance, InstanceOutlets>();

  has(instance: Instance): boolean {
    return this.#byInstance.has(instance);
  }

  /** The outlet of a receiver for a signal. `connect` connects it the first time. */
  ofReceiver(
    instance: Instance,
    signal: Signal,
    connect: (next: Consumer) => void,
  ): ExchangeableConsumer {
    const { connected } = this.#of(instance);
    const known = connected.get(signal);
    if (known !== undefined) {
      return known;
    }
    const outlet = new ExchangeableConsumer();
    connected.set(signal, outlet);
    connect(outlet);
    return outlet;
  }

  /** The outlets of a receiver, by signal. */
  connectedTo(instance: Instance): ReadonlyMap<Signal, ExchangeableConsumer> {
    return this.#of(instance).connected;
  }

  /** What a processor was connected to, by pipeline. */
  wrappedIn(instance: Instance): ReadonlyMap<string, Wrapped> {
    return this.#of(instance).wrapped;
  }

  ofProcessor(instance: Instance, pipeline: string, wrap: (behind: Consumer) => Consumer): Wrapped {
    const known = this.#of(instance).wrapped.get(pipeline);
    if (known !== undefined) {
      return known;
    }
    const outlet = new ExchangeableConsumer();
    const made = { wrapped: wrap(outlet), outlet };
    this.#of(instance).wrapped.set(pipeline, made);
    return made;
  }

  /** One consumer per exporter and signal, however many pipelines end there. */
  ofExporter(
    instance: Instance,
    signal: Signal,
    create: () => Consumer | undefined,
  ): Consumer | undefined {
    const { consumers } = this.#of(instance);
    if (!consumers.has(signal)) {
      consumers.set(signal, create());
    }
    return consumers.get(signal);
  }

  /** The source that an exporter collects in place of that of the receiver. `attach` attaches it the first time. */
  sourceOf(
    exporter: Instance,
    receiver: Instance,
    attach: (source: MetricsSource) => void,
  ): ExchangeableSource {
    const { sources } = this.#of(exporter);
    const key = `${receiver.kind} ${receiver.id}`;
    const known = sources.get(key);
    if (known !== undefined) {
      return known;
    }
    const source = new ExchangeableSource(receiver.component.receiver?.metrics ?? nothing);
    sources.set(key, source);
    attach(source);
    return source;
  }

  /** Refuses what waits in the outlets of an instance that will not be connected. */
  giveUp(instance: Instance): void {
    const { connected, wrapped } = this.#of(instance);
    for (const outlet of connected.values()) {
      outlet.giveUp();
    }
    for (const { outlet } of wrapped.values()) {
      outlet.giveUp();
    }
  }

  #of(instance: Instance): InstanceOutlets {
    const known = this.#byInstance.get(instance);
    if (known !== undefined) {
      return known;
    }
    const made: InstanceOutlets = {
      connected: new Map(),
      wrapped: new Map(),
      consumers: new Map(),
      sources: new Map(),
    };
    this.#byInstance.set(instance, made);
    return made;
  }
}

const nothing: MetricsSource = {
  collect: () => Promise.reject(new Error("The receiver has no metrics.")),
};
