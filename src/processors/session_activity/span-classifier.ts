import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";
import { workKinds } from "./kinds.ts";
import { attributeRules, exceptions, nameRules, type SpanClass } from "./work-spans.ts";

const notWork: SpanClass = { kind: workKinds.other };
const modelCall: SpanClass = { kind: workKinds.modelCall };

interface AttributeRule {
  readonly values: KeySet;
  readonly classes: readonly SpanClass[];
}

/** Tells what a span is by the tables of `work-spans.ts`, comparing bytes and making no string. */
export class SpanClassifier {
  /** Attribute keys that a scan must report. */
  readonly keys: readonly string[] = [
    ...attributeRules.map(({ key }) => key),
    ...exceptions.modelCallAttributes,
  ];
  readonly #rules: readonly AttributeRule[] = attributeRules.map(({ values }) => ({
    values: new KeySet(Object.keys(values)),
    classes: Object.values(values),
  }));
  readonly #names = new KeySet([...Object.keys(nameRules), ...exceptions.notWork]);
  readonly #nameClasses: readonly SpanClass[] = [
    ...Object.values(nameRules),
    ...exceptions.notWork.map(() => notWork),
  ];
  /** Key index of the scan → rule + 1. */
  #ruleOfKey = new Int32Array(0);
  #isModelCallKey = new Uint8Array(0);

  /** Must be called once with the names of the key set that scans use. */
  bind(names: readonly string[]): void {
    this.#ruleOfKey = Int32Array.from(
      names,
      (name) => attributeRules.findIndex(({ key }) => key === name) + 1,
    );
    this.#isModelCallKey = Uint8Array.from(names, (name) =>
      exceptions.modelCallAttributes.includes(name) ? 1 : 0,
    );
  }

  classify(spans: SpanBatch, row: number): SpanClass {
    const name = this.#names.match(spans.bytes, spans.nameStart.get(row), spans.nameEnd.get(row));
    const byName = name === -1 ? undefined : this.#nameClasses[name];
    if (byName === notWork) {
      return notWork;
    }
    let first = Number.POSITIVE_INFINITY;
    let byAttribute: SpanClass | undefined;
    const to = spans.attributesTo.get(row);
    for (let attribute = spans.attributesFrom.get(row); attribute < to; attribute++) {
      const key = spans.attributeKey.get(attribute);
      if (this.#isModelCallKey[key] === 1) {
        return modelCall;
      }
      const order = this.#ruleOfKey[key] ?? 0;
      if (
        order > 0 &&
        order < first &&
        spans.attributeType.get(attribute) === attributeTypes.string
      ) {
        first = order;
        byAttribute = this.#classOf(order - 1, spans, attribute);
      }
    }
    return byAttribute ?? byName ?? notWork;
  }

  #classOf(rule: number, spans: SpanBatch, attribute: number): SpanClass {
    const { values, classes } = this.#rules[rule] ?? { values: undefined, classes: [] };
    const value = values?.match(
      spans.bytes,
      spans.attributeA.get(attribute),
      spans.attributeB.get(attribute),
    );
    return classes[value ?? -1] ?? notWork;
  }
}
