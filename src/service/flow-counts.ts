import type { Attributes } from "@opentelemetry/api";

/** One series of a counter. Its owner adds to `value`, which never decreases. */
export interface Count {
  value: number;
  readonly attributes: Attributes;
}

/**
 * Counters as plain numbers: counting costs one addition, and the instruments read them at each
 * scrape. Series are created while pipelines are built, so that each is reported as 0 from the start and
 * their number is bounded by the config.
 */
export class FlowCounts {
  readonly #series = new Map<string, Map<string, Count>>();

  /** The series of an instrument with exactly these attributes, given in the same order each time. */
  series(instrument: string, attributes: Attributes): Count {
    let ofInstrument = this.#series.get(instrument);
    if (ofInstrument === undefined) {
      ofInstrument = new Map();
      this.#series.set(instrument, ofInstrument);
    }
    const key = JSON.stringify(attributes);
    let count = ofInstrument.get(key);
    if (count === undefined) {
      count = { value: 0, attributes };
      ofInstrument.set(key, count);
    }
    return count;
  }

  /** Every series of an instrument, in the order of their creation. */
  of(instrument: string): readonly Count[] {
    return [...(this.#series.get(instrument)?.values() ?? [])];
  }
}
