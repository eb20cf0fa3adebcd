import type {
  Attributes,
  Meter,
  MetricOptions,
  Observable,
  ObservableCallback,
} from "@opentelemetry/api";

/** The meter of one instance. */
export interface InstanceMeter {
  readonly meter: Meter;
  /** The instance has ended: what it counted stays, what else it measured is gone. */
  end(): void;
}

interface Series {
  readonly attributes: Attributes;
  value: number;
}

/** How the values of instances of one id become one: counters add up, of gauges the newest instance's counts. */
type Combination = "sum" | "newest";

/**
 * Meters of instances. Those of one id share their instruments, also one after the other, so that a counter goes on when a reload
 * replaces an instance, and what else an instance measured is 0 once it has ended.
 *
 * Keeps a number for each observed series of the instances that have ended.
 */
export class SharedMeters {
  readonly #meterOf: (id: string) => Meter;
  readonly #shared = new Map<string, SharedInstrument>();

  constructor(meterOf: (id: string) => Meter) {
    this.#meterOf = meterOf;
  }

  /** A meter for a new instance of this id. */
  meterFor(id: string): InstanceMeter {
    const meter = this.#meterOf(id);
    const used = new Set<InstanceObservable>();
    const observable = (
      name: string,
      combination: Combination,
      create: () => Observable,
    ): Observable => {
      const key = `${id} ${name}`;
      const shared = this.#shared.get(key) ?? new SharedInstrument(create(), combination);
      this.#shared.set(key, shared);
      const own = new InstanceObservable();
      shared.add(own);
      used.add(own);
      return own;
    };
    return {
      meter: {
        createGauge: (name, options) => meter.createGauge(name, options),
        createHistogram: (name, options) => meter.createHistogram(name, options),
        createCounter: (name, options) => meter.createCounter(name, options),
        createUpDownCounter: (name, options) => meter.createUpDownCounter(name, options),
        createObservableGauge: (name: string, options?: MetricOptions) =>
          observable(name, "newest", () => meter.createObservableGauge(name, options)),
        createObservableCounter: (name: string, options?: MetricOptions) =>
          observable(name, "sum", () => meter.createObservableCounter(name, options)),
        createObservableUpDownCounter: (name: string, options?: MetricOptions) =>
          observable(name, "newest", () => meter.createObservableUpDownCounter(name, options)),
        addBatchObservableCallback() {
          throw new Error("Use addCallback of each instrument.");
        },
        removeBatchObservableCallback() {},
      },
      end: () => {
        for (const own of used) {
          for (const shared of this.#shared.values()) {
            shared.end(own);
          }
        }
      },
    };
  }
}

/** An observable instrument, as one instance sees it. */
class InstanceObservable implements Observable {
  readonly #callbacks = new Set<ObservableCallback>();

  addCallback(callback: ObservableCallback): void {
    this.#callbacks.add(callback);
  }

  removeCallback(callback: ObservableCallback): void {
    this.#callbacks.delete(callback);
  }

  /** The current value of each series. Callbacks must observe before they return. */
  observed(): ReadonlyMap<string, Series> {
    const series = new Map<string, Series>();
    for (const callback of this.#callbacks) {
      void callback({
        observe(value: number, attributes: Attributes = {}) {
          series.set(JSON.stringify(Object.entries(attributes).toSorted()), { value, attributes });
        },
      });
    }
    return series;
  }
}

class SharedInstrument {
  readonly #combination: Combination;
  readonly #live = new Set<InstanceObservable>();
  /** The last values of the counters of instances that have ended, and 0 for what else they measured. */
  readonly #ended = new Map<string, Series>();

  constructor(real: Observable, combination: Combination) {
    this.#combination = combination;
    real.addCallback((result) => {
      for (const { value, attributes } of this.#combined().values()) {
        result.observe(value, attributes);
      }
    });
  }

  add(own: InstanceObservable): void {
    this.#live.add(own);
  }

  end(own: InstanceObservable): void {
    if (!this.#live.delete(own)) {
      return;
    }
    if (this.#combination === "sum") {
      addAll(this.#ended, own.observed());
    } else {
      // The SDK would report the last value of a series that is not observed any more.
      for (const [key, { attributes }] of own.observed()) {
        this.#ended.set(key, { value: 0, attributes });
      }
    }
  }

  #combined(): ReadonlyMap<string, Series> {
    const combined = new Map<string, Series>(this.#ended);
    if (this.#combination === "sum") {
      for (const own of this.#live) {
        addAll(combined, own.observed());
      }
      return combined;
    }
    for (const own of this.#live) {
      for (const [key, series] of own.observed()) {
        combined.set(key, series);
      }
    }
    return combined;
  }
}

function addAll(to: Map<string, Series>, from: ReadonlyMap<string, Series>): void {
  for (const [key, { value, attributes }] of from) {
    to.set(key, { value: (to.get(key)?.value ?? 0) + value, attributes });
  }
}
