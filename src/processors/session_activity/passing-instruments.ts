import type { InstrumentSpec } from "../../metrics/instrument.ts";
import { dropReasons } from "./outbox.ts";

const processor = "a component id of the config";
const signals = ["traces", "logs"] as const;

/** What the processor takes out of the data that passes it, and adds: *incoming + added = outgoing + consumed + refused*. */
export const passingInstruments = {
  consumed: {
    name: "otelcol_processor_session_activity_consumed_items",
    kind: "counter",
    unit: "{item}",
    description:
      "Number of spans or log records that were read and not passed on, because no backend could use them: start signals.",
    attributes: { processor, "otel.signal": signals },
  },
  refused: {
    name: "otelcol_processor_session_activity_refused_items",
    kind: "counter",
    unit: "{item}",
    description:
      "Number of spans or log records that were refused: they could not be read, or the collector is stopping.",
    attributes: { processor, "otel.signal": signals },
  },
  added: {
    name: "otelcol_processor_session_activity_added_spans",
    kind: "counter",
    unit: "{span}",
    description:
      "Number of closing spans (close_spans) that were passed to the pipeline; one that is sent again counts again.",
    attributes: { processor },
  },
  dropped: {
    name: "otelcol_processor_session_activity_dropped_spans",
    kind: "counter",
    unit: "{span}",
    description:
      "Number of closing spans that were dropped: outbox_full, too many wait for delivery; refused, a backend will never take them; shutdown, the collector stopped.",
    attributes: { processor, reason: dropReasons },
  },
} as const satisfies Record<string, InstrumentSpec>;
