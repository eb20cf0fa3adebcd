import { type MetricProducer, MetricReader } from "@opentelemetry/sdk-metrics";

export interface ManualReaderOptions {
  /** Metrics that are already aggregated, such as a histogram kept as plain numbers. They join the collection unchanged. */
  readonly metricProducers?: readonly MetricProducer[];
}

/**
 * Collects only when `collect()` is called; all temporalities are cumulative. `collect` rejects before the reader is given to a
 * `MeterProvider`, and after that provider's shutdown. If a callback of an observable throws, the error is in `errors` of the
 * result.
 */
export class ManualReader extends MetricReader {
  constructor(options: ManualReaderOptions = {}) {
    super({ metricProducers: [...(options.metricProducers ?? [])] });
  }

  protected override async onShutdown(): Promise<void> {}

  protected override async onForceFlush(): Promise<void> {}
}
