import type { Settings } from "../../component/settings.ts";
import { rejectedItems, repairedFields } from "../../delivery/rejected-items.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";
import { brokenRequests } from "../../net/broken-requests.ts";
import { brokenConnections } from "../../net/http2-server.ts";
import { misdirectedRequests } from "./content-report.ts";
import { grpcRefusals } from "./grpc-route.ts";
import { refusalReasons } from "./refusal.ts";

/**
 * All reasons of a transport: refusals, `pipeline_refused` (the pipelines refuse everything for now, so the body was not read), and those
 * of requests that did not arrive completely.
 */
export const reasons = {
  http: [...refusalReasons, "pipeline_refused", ...brokenRequests],
  grpc: [
    ...refusalReasons,
    ...grpcRefusals,
    "pipeline_refused",
    "disconnected",
    ...brokenConnections.filter((reason) => reason !== "timeout"),
  ],
} as const;
export type OtlpTransport = keyof typeof reasons;
export type Reason<T extends OtlpTransport> = (typeof reasons)[T][number];

/** Items are counted where they enter a pipeline; these requests never get there. */
export const refusedRequests = {
  name: "otelcol_receiver_refused_requests",
  kind: "counter",
  unit: "{request}",
  description: "Number of requests that were refused or broke off before they reached a pipeline.",
  attributes: {
    receiver: "a component id of the config",
    transport: Object.keys(reasons),
    reason: [...new Set(Object.values(reasons).flat())],
  },
} as const satisfies InstrumentSpec;

export const instruments: readonly InstrumentSpec[] = [
  refusedRequests,
  misdirectedRequests,
  rejectedItems,
  repairedFields,
];

/** Counts the refused requests of one transport. */
export function countRefused<T extends OtlpTransport>(
  { meter, id: receiver }: Pick<Settings, "meter" | "id">,
  transport: T,
): (reason: Reason<T>) => void {
  const { name, unit, description } = refusedRequests;
  const counter = meter.createCounter(name, { unit, description });
  // A rate needs a zero to begin from.
  for (const reason of reasons[transport]) {
    counter.add(0, { receiver, transport, reason });
  }
  return (reason) => counter.add(1, { receiver, transport, reason });
}
