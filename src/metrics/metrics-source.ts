import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import type { InstrumentSpec } from "./instrument.ts";

/**
 * Metrics that are made when somebody asks: what the contract of components calls a `MetricsSource`, with the
 * list of what can come out of it where the source knows it.
 */
export interface DescribedSource {
  collect(): Promise<CollectionResult>;
  readonly instruments?: readonly InstrumentSpec[];
}
