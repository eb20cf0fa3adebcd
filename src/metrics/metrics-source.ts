import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import type { InstrumentSpec } from "./instrument.ts";

/** Metrics that are collected on request: a `MetricsSource` of the component contract, with its instruments if they are known. */
export interface DescribedSource {
  collect(): Promise<CollectionResult>;
  readonly instruments?: readonly InstrumentSpec[];
}
