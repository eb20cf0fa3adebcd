import type { InstrumentSpec } from "../../metrics/instrument.ts";

export const redactionInstruments = {
  redacted: {
    name: "otelcol_processor_redaction_redacted_values",
    kind: "counter",
    unit: "{value}",
    description:
      "Number of values that the redaction processor hashed, masked or deleted, by rule. Values that a rule keeps are not in it.",
    attributes: {
      processor: "a component id of the config",
      rule: "the name of a rule in the config, a rule of a preset, or allowed_keys, blocked_key_patterns, blocked_values",
      action: "hash, mask, delete",
    },
  },
} as const satisfies Record<string, InstrumentSpec>;

export const instruments: readonly InstrumentSpec[] = Object.values(redactionInstruments);
