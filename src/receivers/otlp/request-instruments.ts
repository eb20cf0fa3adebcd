import type { InstrumentSpec } from "../../metrics/instrument.ts";
import { brokenRequests } from "../../net/server.ts";

/** Why a request was answered but did not reach a pipeline. Label values come only from closed lists. */
const refusalReasons = [
  "unknown_path",
  "no_pipeline",
  "method",
  "content_type",
  "content_encoding",
  "too_large",
  "undecodable",
  "busy",
  "fault",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/**
 * All reasons: those, `pipeline_refused` (the pipelines refuse everything for now, so the body was not read), and those of requests
 * that did not arrive completely.
 */
export const reasons = [...refusalReasons, "pipeline_refused", ...brokenRequests] as const;
export type Reason = (typeof reasons)[number];

/** Items are counted where they enter a pipeline; these requests never get there. */
export const refusedRequests = {
  name: "otelcol_receiver_refused_requests",
  kind: "counter",
  unit: "{request}",
  description: "Number of requests that were refused or broke off before they reached a pipeline.",
  attributes: {
    receiver: "a component id of the config",
    transport: ["http"],
    reason: reasons,
  },
} as const satisfies InstrumentSpec;

export const instruments: readonly InstrumentSpec[] = [refusedRequests];
