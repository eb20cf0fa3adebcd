import { noSessionTexts } from "../../src/activity/recognition/session-values.ts";
import {
  isHarnessRun,
  isModelCall,
  isRun,
  isWork,
  type SpanClass,
} from "../../src/activity/recognition/span-class.ts";
import {
  attributeRules,
  modelCallAttributes,
  nameRules,
  notWorkEndings,
  notWorkNames,
  sessionReferences,
} from "../../src/activity/recognition/work-spans.ts";

/** The tables of frameworks as the Python package reads them, so that it withholds the same spans as the preload. */
export function pythonWorkSpans(): string {
  const tables = {
    notWorkNames,
    modelCallAttributes,
    attributeRules: attributeRules.map(({ key, values }) => ({
      key,
      values: Object.fromEntries(Object.entries(values).map(([value, of]) => [value, kindOf(of)])),
    })),
    nameRules: nameRules.map(({ name, scope, spanClass }) => ({
      name,
      ...(scope === undefined ? {} : { scope }),
      kind: kindOf(spanClass),
    })),
    notWorkEndings,
    sessionReferences,
    noSessionTexts,
  };
  return `${JSON.stringify(tables, undefined, 2)}\n`;
}

function kindOf(spanClass: SpanClass): string {
  if (!isWork(spanClass)) {
    return "other";
  }
  if (isHarnessRun(spanClass)) {
    return "harness";
  }
  if (isRun(spanClass)) {
    return "run";
  }
  return isModelCall(spanClass) ? "model_call" : "tool";
}
