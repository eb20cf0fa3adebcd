import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { MetricsSource } from "../../src/component/component.ts";
import { ManualReader } from "../../src/metrics/manual-reader.ts";

/** A source with one counter. It counts how often it is asked. */
export class FakeSource implements MetricsSource {
  behavior: "answers" | "hangs" | "throws" | "rejects" = "answers";
  asked = 0;
  readonly #reader = new ManualReader();

  constructor() {
    const provider = new MeterProvider({ readers: [this.#reader] });
    provider.getMeter("contract").createCounter("contract.asked").add(1);
  }

  collect(): ReturnType<MetricsSource["collect"]> {
    this.asked += 1;
    switch (this.behavior) {
      case "answers":
        return this.#reader.collect();
      case "hangs":
        return new Promise(() => {});
      case "throws":
        throw new Error("The source throws.");
      case "rejects":
        return Promise.reject(new Error("The source rejects."));
      default: {
        const never: never = this.behavior;
        return never;
      }
    }
  }
}
