import { type MetricProducer, MetricReader } from "@opentelemetry/sdk-metrics";

export interface ManualReaderOptions {
  /** Metrics that are already aggregated (a histogram kept as plain numbers); they join the page as they are. */
  readonly metricProducers?: readonly MetricProducer[];
}

/**
 * Collects when `collect()` is called and at no other time; all temporalities are cumulative. Hand it to a
 * `MeterProvider`; before that, and after the provider's shutdown, `collect` rejects. Callbacks of
 * observables that throw are listed in `errors` of the result.
 */
export class ManualReader extends MetricReader {
  constructor(options: ManualReaderOptions = {}) {
    super({ metricProducers: [...(options.metricProducers ?? [])] });
  }

  protected override async onShutdown(): Promise<void> {}

  protected override async onForceFlush(): Promise<void> {}
}
