import { type WorkKind, workKinds } from "../processors/session_activity/kinds.ts";
import {
  attributeRules,
  exceptions,
  nameRules,
  sessionReferences,
} from "../processors/session_activity/work-spans.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** What a span will be to the collector, by the same table and the same order of rules. */
export function kindOf(name: string, attributes: Attributes): WorkKind {
  if (exceptions.notWork.includes(name)) {
    return workKinds.other;
  }
  if (exceptions.modelCallAttributes.some((key) => attributes[key] !== undefined)) {
    return workKinds.modelCall;
  }
  for (const { key, values } of attributeRules) {
    const value = attributes[key];
    if (typeof value === "string") {
      return Object.hasOwn(values, value)
        ? (values[value]?.kind ?? workKinds.other)
        : workKinds.other;
    }
  }
  return Object.hasOwn(nameRules, name)
    ? (nameRules[name]?.kind ?? workKinds.other)
    : workKinds.other;
}

/** Whether the span says which session it belongs to. */
export function hasSessionReference(attributes: Attributes): boolean {
  return sessionReferences.some((key) => typeof attributes[key] === "string");
}
