import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import type { InstrumentSpec } from "./instrument.ts";

/**
 * Metrics that are collected on request: a `MetricsSource` of the component contract, with the
 * list of its instruments if the source knows it.
 */
export interface DescribedSource {
  collect(): Promise<CollectionResult>;
  readonly instruments?: readonly InstrumentSpec[];
}
