import { type WorkKind, workKinds } from "../processors/session_activity/kinds.ts";
import { signalFlags } from "../processors/session_activity/signal-batch.ts";
import {
  attributeRules,
  exceptions,
  nameRules,
  type SpanClass,
  sessionReferences,
} from "../processors/session_activity/work-spans.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** What a span will be to the collector, by the same table and the same order of rules. */
export function kindOf(name: string, attributes: Attributes): WorkKind {
  return classOf(name, attributes)?.kind ?? workKinds.other;
}

/**
 * Whether the span is a harness run of OpenClaw. Some versions start one that they never end, and make
 * another, complete one when it is over.
 */
export function isHarnessRun(name: string, attributes: Attributes): boolean {
  return ((classOf(name, attributes)?.flags ?? 0) & signalFlags.harness) !== 0;
}

/** Whether the span says which session it belongs to. */
export function hasSessionReference(attributes: Attributes): boolean {
  return sessionReferences.some((key) => typeof attributes[key] === "string");
}

function classOf(name: string, attributes: Attributes): SpanClass | undefined {
  if (exceptions.notWork.includes(name)) {
    return undefined;
  }
  if (exceptions.modelCallAttributes.some((key) => attributes[key] !== undefined)) {
    return { kind: workKinds.modelCall };
  }
  for (const { key, values } of attributeRules) {
    const value = attributes[key];
    if (typeof value === "string") {
      return Object.hasOwn(values, value) ? values[value] : undefined;
    }
  }
  return Object.hasOwn(nameRules, name) ? nameRules[name] : undefined;
}
