import type { Settings } from "../component/settings.ts";
import type { InstrumentSpec } from "../metrics/instrument.ts";
import { guardReasons } from "./guard.ts";

const reasons = [
  ...guardReasons,
  "tls_handshake",
  "unexpected_plaintext",
  "too_many_connections",
  "flood",
  "unread",
] as const;
export type RefusalReason = (typeof reasons)[number];

/** Of pages; receivers count theirs by signal and transport. */
export const refusedPages = {
  name: "otelcol_server_refused_requests",
  kind: "counter",
  unit: "{request}",
  description: "Number of requests to a page that were not let in.",
  attributes: {
    component: "a component id of the config, or service.telemetry.metrics",
    reason: reasons,
  },
} as const satisfies InstrumentSpec;

export const instruments: readonly InstrumentSpec[] = [refusedPages];

/** Counts the requests to a page that are not let in. */
export function countRefusedPages({
  meter,
  id: component,
}: Pick<Settings, "meter" | "id">): (reason: RefusalReason) => void {
  const { name, unit, description } = refusedPages;
  const counter = meter.createCounter(name, { unit, description });
  // A rate needs a zero to begin from.
  for (const reason of reasons) {
    counter.add(0, { component, reason });
  }
  return (reason) => counter.add(1, { component, reason });
}
