import { KeySet } from "../../otlp/keys.ts";
import { attributeTypes, type SpanBatch } from "../../otlp/span-batch.ts";
import { signalFlags } from "../model/signal-batch.ts";
import { workKinds } from "../model/work.ts";
import { type SpanClass, spanClass, spanClasses } from "./span-class.ts";
import { type SpanRule, SpanRules } from "./span-rules.ts";
import {
  attributeRules,
  modelCallAttributes,
  nameRules,
  notWorkEndings,
  notWorkNames,
  toolPartNames,
} from "./work-spans.ts";

const endings = notWorkEndings.map((ending) => Buffer.from(ending));
const { notWork, undecided, modelCall } = spanClasses;
const toolPart = spanClass(workKinds.other, { isToolPart: true });
const namedByOpenclaw = signalFlags.openclaw | signalFlags.harness | signalFlags.innerRun;

interface AttributeRule {
  readonly values: KeySet;
  readonly classes: readonly SpanClass[];
}

interface NameRule {
  readonly spanClass: SpanClass;
  readonly scope: KeySet | undefined;
}

/**
 * Finds the class of a span: by the user's rules, then by the tables of `work-spans.ts`. Compares bytes and creates no
 * string.
 */
export class SpanClassifier {
  /** Attribute keys that a scan must report. */
  readonly keys: readonly string[];
  /** Undefined if the user has none. */
  readonly #userRules: SpanRules | undefined;
  readonly #rules: readonly AttributeRule[] = attributeRules.map(({ values }) => ({
    values: new KeySet(Object.keys(values)),
    classes: Object.values(values),
  }));
  readonly #names = new KeySet([...notWorkNames, ...nameRules.map(({ name }) => name)]);
  readonly #nameRules: readonly NameRule[] = nameRules.map(({ spanClass, scope }) => ({
    spanClass,
    scope: scope === undefined ? undefined : new KeySet([scope]),
  }));
  readonly #notWork = notWorkNames.map((name) =>
    toolPartNames.includes(name) ? toolPart : notWork,
  );
  /** Key index of the scan → rule + 1. */
  #ruleOfKey = new Int32Array(0);
  #isModelCallKey = new Uint8Array(0);

  constructor(userRules: readonly SpanRule[] = []) {
    this.#userRules = userRules.length === 0 ? undefined : new SpanRules(userRules);
    this.keys = [
      ...attributeRules.map(({ key }) => key),
      ...modelCallAttributes,
      ...(this.#userRules?.keys ?? []),
    ];
  }

  /** Must be called once with the names of the key set that scans use. */
  bind(names: readonly string[]): void {
    this.#userRules?.bind(names);
    this.#ruleOfKey = Int32Array.from(
      names,
      (name) => attributeRules.findIndex(({ key }) => key === name) + 1,
    );
    this.#isModelCallKey = Uint8Array.from(names, (name) =>
      modelCallAttributes.includes(name) ? 1 : 0,
    );
  }

  /**
   * The class of the span, `undecided` if nothing says what it is. `isRoot`: the work has no parent, which for a pending span (S3) is
   * not the parent in its own fields.
   */
  classify(spans: SpanBatch, row: number, isRoot: boolean): SpanClass {
    const byUser = this.#userRules?.classOf(spans, row);
    if (byUser !== undefined) {
      return byUser;
    }
    const name = this.#names.match(spans.bytes, spans.nameStart.get(row), spans.nameEnd.get(row));
    if (name !== -1 && name < notWorkNames.length) {
      return this.#notWork[name] ?? notWork;
    }
    const rule = this.#nameRules[name - notWorkNames.length];
    const scope = rule?.scope;
    const isInScope =
      scope === undefined ||
      scope.match(spans.bytes, spans.scopeNameStart.get(row), spans.scopeNameEnd.get(row)) === 0;
    const named = isInScope ? rule?.spanClass : undefined;
    const byAttribute = this.#byAttributes(spans, row);
    // If both agree, OpenClaw's name is more precise: its own exporter wrote the span, and some runs are one.
    const isOwn =
      named !== undefined &&
      (named.flags & namedByOpenclaw) !== 0 &&
      named.kind === byAttribute?.kind;
    const found = isOwn ? named : (byAttribute ?? named);
    if (found === undefined) {
      return undecided;
    }
    const isNoWork =
      (found.isRootOnly && !isRoot) ||
      (found.kind === workKinds.modelCall && hasEnding(spans, row));
    return isNoWork ? notWork : found;
  }

  #byAttributes(spans: SpanBatch, row: number): SpanClass | undefined {
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
        const rule = this.#rules[order - 1];
        const start = spans.attributeA.get(attribute);
        const value = rule?.values.match(spans.bytes, start, spans.attributeB.get(attribute));
        byAttribute = rule?.classes[value ?? -1] ?? notWork;
      }
    }
    return byAttribute;
  }
}

/** Whether its name has an ending that makes it no work. */
function hasEnding({ bytes, nameStart, nameEnd }: SpanBatch, row: number): boolean {
  const end = nameEnd.get(row);
  return endings.some((ending) => {
    const start = end - ending.length;
    return start >= nameStart.get(row) && ending.every((byte, at) => bytes[start + at] === byte);
  });
}
