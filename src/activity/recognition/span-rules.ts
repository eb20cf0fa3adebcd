import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";
import { signalFlags } from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";
import { Glob } from "./glob.ts";
import { type SpanClass, spanClass, spanClasses } from "./span-class.ts";

/** A rule of the user for spans of their own. Every condition of `match` must match. */
export interface SpanRule {
  readonly kind: "run" | "tool" | "model_call" | "none";
  readonly match: {
    /** Globs for the name of the span and of its instrumentation scope. */
    readonly name?: string | undefined;
    readonly scope?: string | undefined;
    /** A text is a glob; a whole number, `true` and `false` match only that value. */
    readonly attributes?: Readonly<Record<string, string | boolean | number>> | undefined;
  };
  /** Whether a tool may outlive its run. */
  readonly detached?: boolean | undefined;
}

const none = -1;

const detachedTool = spanClass(workKinds.tool, {
  isNamedBySpan: true,
  flags: signalFlags.detached,
});
const classes: Readonly<Record<SpanRule["kind"], SpanClass>> = {
  run: spanClasses.run,
  tool: spanClasses.namedTool,
  model_call: spanClasses.modelCall,
  none: spanClasses.notWork,
};

interface Rule {
  readonly spanClass: SpanClass;
  readonly name: Glob | undefined;
  readonly scope: Glob | undefined;
  readonly attributes: readonly AttributeMatch[];
}

/** A whole number, as the wire's 64 bits. */
interface Words {
  readonly hi: number;
  readonly lo: number;
}

interface AttributeMatch {
  /** Which of `SpanRules.keys`. */
  readonly key: number;
  readonly value: Glob | boolean | Words;
}

/**
 * The user's rules for the classes of spans. Reads each attribute of a span that a rule names once, and then compares it once
 * for each rule and pattern, however often the span repeats it: the first one counts.
 */
export class SpanRules {
  /** Attribute keys that a scan must report. */
  readonly keys: readonly string[];
  readonly #rules: readonly Rule[];
  /** Key index of the scan → index in `keys`, or -1. */
  #ownKey = new Int32Array(0);
  /** Index in `keys` → the attribute's row in the current span, or -1. */
  readonly #rows: Int32Array;

  constructor(rules: readonly SpanRule[]) {
    this.keys = [...new Set(rules.flatMap(({ match }) => Object.keys(match.attributes ?? {})))];
    this.#rows = new Int32Array(this.keys.length);
    this.#rules = rules.map(({ kind, match, detached }) => ({
      spanClass: detached ? detachedTool : classes[kind],
      name: match.name === undefined ? undefined : new Glob(match.name),
      scope: match.scope === undefined ? undefined : new Glob(match.scope),
      attributes: Object.entries(match.attributes ?? {}).map(([key, value]) => ({
        key: this.keys.indexOf(key),
        value: toMatch(value),
      })),
    }));
  }

  /** Must be called once with the names of the key set that scans use. */
  bind(names: readonly string[]): void {
    this.#ownKey = Int32Array.from(names, (name) => this.keys.indexOf(name));
  }

  /** The class of the first rule that matches; undefined if none does. */
  classOf(spans: SpanBatch, row: number): SpanClass | undefined {
    this.#findAttributes(spans, row);
    return this.#rules.find((rule) => this.#isMatch(rule, spans, row))?.spanClass;
  }

  #findAttributes(spans: SpanBatch, row: number): void {
    this.#rows.fill(none);
    for (let at = spans.attributesTo.get(row) - 1; at >= spans.attributesFrom.get(row); at--) {
      const key = this.#ownKey[spans.attributeKey.get(at)] ?? none;
      if (key !== none) {
        this.#rows[key] = at;
      }
    }
  }

  #isMatch({ name, scope, attributes }: Rule, spans: SpanBatch, row: number): boolean {
    const { bytes } = spans;
    return (
      (name === undefined ||
        name.matches(bytes, spans.nameStart.get(row), spans.nameEnd.get(row))) &&
      (scope === undefined ||
        scope.matches(bytes, spans.scopeNameStart.get(row), spans.scopeNameEnd.get(row))) &&
      attributes.every(({ key, value }) => isValue(value, spans, this.#rows[key] ?? none))
    );
  }
}

function isValue(value: AttributeMatch["value"], spans: SpanBatch, at: number): boolean {
  if (at === none) {
    return false;
  }
  const type = spans.attributeType.get(at);
  const a = spans.attributeA.get(at);
  const b = spans.attributeB.get(at);
  if (typeof value === "boolean") {
    return type === attributeTypes.bool && (a === 1) === value;
  }
  if (value instanceof Glob) {
    return type === attributeTypes.string && value.matches(spans.bytes, a, b);
  }
  return type === attributeTypes.int && a === value.hi && b === value.lo;
}

function toMatch(value: string | boolean | number): AttributeMatch["value"] {
  switch (typeof value) {
    case "string":
      return new Glob(value);
    case "boolean":
      return value;
    default:
      return { hi: Math.floor(value / 2 ** 32) | 0, lo: value | 0 };
  }
}
