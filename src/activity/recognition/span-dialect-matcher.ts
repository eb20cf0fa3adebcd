import { KeySet } from "../../otlp/keys.ts";
import type { SpanBatch } from "../../otlp/span-batch.ts";
import type { SpanDialect } from "./dialects/span-dialect.ts";
import {
  attributeDialects,
  scopeDialects,
  unmarkedDialects,
} from "./dialects/span-dialect-table.ts";

/** Attributes that a scan must report. */
export const dialectKeys: readonly string[] = attributeDialects.flatMap(
  ({ attribute, otherAttributes }) => [attribute, ...otherAttributes],
);

/** Finds the dialect of a span, by the tables of `span-dialect-table.ts`. Compares bytes and creates no string. */
export class SpanDialectMatcher {
  readonly #scopes = new KeySet(scopeDialects.map(({ scope }) => scope));
  /** Key index of the scan → index in `attributeDialects`, or -1. */
  readonly #dialectOfKey: Int8Array;

  /** `names` are those of the key set that scans use. */
  constructor(names: readonly string[]) {
    this.#dialectOfKey = Int8Array.from(names, (name) =>
      attributeDialects.findIndex(({ attribute }) => attribute === name),
    );
  }

  /** `isOpen`: the span has no end. */
  dialectOf(spans: SpanBatch, row: number, isOpen: boolean): SpanDialect {
    const scopeStart = spans.scopeNameStart.get(row);
    const scope = this.#scopes.match(spans.bytes, scopeStart, spans.scopeNameEnd.get(row));
    const byScope = scopeDialects[scope];
    if (byScope !== undefined) {
      return byScope;
    }
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      const index = this.#dialectOfKey[spans.attributeKey.get(attribute)] ?? -1;
      const byAttribute = index < 0 ? undefined : attributeDialects[index];
      if (byAttribute?.isMarkedBy(spans, attribute) === true) {
        return byAttribute;
      }
    }
    return isOpen ? unmarkedDialects.open : unmarkedDialects.finished;
  }
}
