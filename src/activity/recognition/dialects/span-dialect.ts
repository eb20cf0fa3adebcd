import type { SpanBatch } from "../../../otlp/span-batch.ts";
import type { Dialect } from "../../model/dialects.ts";
import type { SignalBatch } from "../../model/signal-batch.ts";
import type { Consumption } from "./consumption.ts";

/** A form in which spans arrive. */
export interface SpanDialect {
  /** The dialect of its signals, a `storedId`. */
  readonly dialect: Dialect;
  /** Its spans are starts even if they have an end; otherwise a span with an end is an end. */
  readonly isAlwaysStart: boolean;
  /** Its spans are ordinary finished ones, whose outcome and content count. */
  readonly isFinished: boolean;
  readonly consumption: Consumption;
  /**
   * Corrects the ids and times of the signal of the span in `row`, where they are not those of the span. `names` are the
   * attributes that the scan reported, by key index.
   */
  readonly amend:
    | ((
        spans: SpanBatch,
        row: number,
        names: readonly string[],
        signal: number,
        signals: SignalBatch,
      ) => void)
    | undefined;
}

/** A form that an instrumentation scope marks. */
export interface ScopeDialect extends SpanDialect {
  readonly scope: string;
}

/** A form that an attribute marks. */
export interface AttributeDialect extends SpanDialect {
  readonly attribute: string;
  /** Further attributes that a scan must report. */
  readonly otherAttributes: readonly string[];
  /** Whether the value of the attribute, in row `attribute`, marks the span. Compares bytes and creates no string. */
  readonly isMarkedBy: (spans: SpanBatch, attribute: number) => boolean;
}
