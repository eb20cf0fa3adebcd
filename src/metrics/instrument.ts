/**
 * An instrument that we publish. Publishing, the checks at start and `docs/metrics.md` all use the same lists of these.
 */
export interface InstrumentSpec {
  /** Dotted, as in OpenTelemetry. */
  readonly name: string;
  readonly kind: "counter" | "up_down_counter" | "gauge" | "histogram";
  /** UCUM, e.g. `s`, `By`, `{marker}`. */
  readonly unit: string;
  readonly description: string;
  /** Every attribute with its closed list of values, or a sentence about their source and their bound. */
  readonly attributes: Readonly<Record<string, readonly string[] | string>>;
}
