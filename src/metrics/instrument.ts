/**
 * One instrument that we publish. The lists of these are the one registry: the code that publishes,
 * the checks at start and `docs/metrics.md` are all made from them.
 */
export interface InstrumentSpec {
  /** Dotted, as in OpenTelemetry. */
  readonly name: string;
  readonly kind: "counter" | "up_down_counter" | "gauge" | "histogram";
  /** UCUM, e.g. `s`, `By`, `{marker}`. */
  readonly unit: string;
  readonly description: string;
  /** Every attribute with its closed list of values, or a sentence on where they come from and what bounds them. */
  readonly attributes: Readonly<Record<string, readonly string[] | string>>;
}
