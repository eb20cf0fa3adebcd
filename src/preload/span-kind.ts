import { isNoSessionText } from "../activity/recognition/session-values.ts";
import { isModelCall, type SpanClass, spanClasses } from "../activity/recognition/span-class.ts";
import {
  attributeRules,
  modelCallAttributes,
  nameRules,
  notWorkEndings,
  notWorkNames,
  sessionReferences,
} from "../activity/recognition/work-spans.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** The properties that determine the class of a span. */
export interface SpanFacts {
  readonly name: string;
  readonly attributes: Attributes;
  /** The name of its instrumentation scope. */
  readonly scope: string;
  readonly isRoot: boolean;
}

/** The class that the collector will give a span, by the collector's tables and in its order of rules; `undecided` if nothing says what it is. */
export function classOf(span: SpanFacts): SpanClass {
  if (notWorkNames.includes(span.name)) {
    return spanClasses.notWork;
  }
  if (modelCallAttributes.some((key) => span.attributes[key] !== undefined)) {
    return spanClasses.modelCall;
  }
  const rule = attributeRules.find(({ key }) => typeof span.attributes[key] === "string");
  const found = rule === undefined ? byName(span) : byValue(rule, span.attributes);
  if (rule === undefined && found === undefined) {
    return spanClasses.undecided;
  }
  const isNoWork =
    found === undefined ||
    (found.isRootOnly && !span.isRoot) ||
    (isModelCall(found) && notWorkEndings.some((ending) => span.name.endsWith(ending)));
  return isNoWork ? spanClasses.notWork : found;
}

/** Whether a span has an attribute that names its session. */
export function hasSessionReference(attributes: Attributes): boolean {
  return sessionReferences.some((key) => {
    const value = attributes[key];
    return typeof value === "string" ? !isNoSessionText(value) : Number.isInteger(value);
  });
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
