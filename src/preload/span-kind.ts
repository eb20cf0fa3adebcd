import { signalFlags } from "../activity/model/signal-batch.ts";
import { type WorkKind, workKinds } from "../activity/model/work.ts";
import { type SpanClass, spanClass } from "../activity/recognition/span-class.ts";
import {
  attributeRules,
  modelCallAttributes,
  nameRules,
  notWorkEndings,
  notWorkNames,
  sessionReferences,
} from "../activity/recognition/work-spans.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** What of a span tells its kind. */
export interface SpanFacts {
  readonly name: string;
  readonly attributes: Attributes;
  /** The name of its instrumentation scope. */
  readonly scope: string;
  readonly isRoot: boolean;
}

/** What a span will be to the collector, by the same table and the same order of rules. */
export function kindOf(span: SpanFacts): WorkKind {
  return classOf(span)?.kind ?? workKinds.other;
}

/**
 * Whether the span is a harness run of OpenClaw. Some versions start one that they never end, and make
 * another, complete one when it is over.
 */
export function isHarnessRun(span: SpanFacts): boolean {
  return ((classOf(span)?.flags ?? 0) & signalFlags.harness) !== 0;
}

/** Whether the span says which session it belongs to. */
export function hasSessionReference(attributes: Attributes): boolean {
  return sessionReferences.some((key) => typeof attributes[key] === "string");
}

function classOf(span: SpanFacts): SpanClass | undefined {
  if (notWorkNames.includes(span.name)) {
    return undefined;
  }
  if (modelCallAttributes.some((key) => span.attributes[key] !== undefined)) {
    return spanClass(workKinds.modelCall);
  }
  const rule = attributeRules.find(({ key }) => typeof span.attributes[key] === "string");
  const found = rule === undefined ? byName(span) : byValue(rule, span.attributes);
  const isNoWork =
    (found?.isRootOnly === true && !span.isRoot) ||
    (found?.kind === workKinds.modelCall &&
      notWorkEndings.some((ending) => span.name.endsWith(ending)));
  return isNoWork ? undefined : found;
}

function byValue(
  { key, values }: (typeof attributeRules)[number],
  attributes: Attributes,
): SpanClass | undefined {
  const value = String(attributes[key]);
  return Object.hasOwn(values, value) ? values[value] : undefined;
}

function byName({ name, scope }: SpanFacts): SpanClass | undefined {
  return nameRules.find(
    (rule) => rule.name === name && (rule.scope === undefined || rule.scope === scope),
  )?.spanClass;
}
