import { hasIdShape } from "../../metrics/id-shape.ts";
import type { FamilyType } from "./metric-families.ts";
import type { Merging, Sample } from "./metric-series.ts";
import type { WalkedMetric } from "./metric-walk.ts";
import type { DropReason } from "./page-instruments.ts";
import { familyNameOf, type NamedMetric, type NameRules } from "./translated-names.ts";

/** A metric as it is on the page. */
export interface FamilyHead {
  readonly name: string;
  readonly type: FamilyType;
  readonly merging: Merging;
  /** Empty if there is none. */
  readonly help: string;
}

const maxHelpLength = 1_024;
const maxNameLength = 255;

/** How a metric is shown, or why it is not. */
export function familyHeadOf(metric: WalkedMetric, rules: NameRules): FamilyHead | DropReason {
  const { name, unit, description, temporality } = metric;
  const { kind, type, merging } = kindOf(metric);
  if (kind !== "gauge" && kind !== "summary" && temporality === "unspecified") {
    return "temporality";
  }
  const family = familyNameOf({ name, unit, kind }, rules);
  if (family === undefined) {
    return "invalid_name";
  }
  if (family.length > maxNameLength) {
    return "too_large";
  }
  if (hasIdShape(name) || hasIdShape(family)) {
    return "id_in_name";
  }
  const help = hasIdShape(description.slice(0, 2 * maxHelpLength)) ? "" : description;
  return { name: family, type, merging, help: help.slice(0, maxHelpLength).toWellFormed() };
}

export function isDelta({ kind, temporality }: WalkedMetric): boolean {
  return temporality === "delta" && kind !== "gauge" && kind !== "summary";
}

/** A delta that is not a number would stay for ever, and one below 0 makes a counter step back. */
export function canBeAdded({ value }: Sample, { merging }: FamilyHead): boolean {
  if (value.type !== "number") {
    return true;
  }
  const isNumber = typeof value.value === "bigint" || Number.isFinite(value.value);
  return isNumber && (merging !== "accumulate" || value.value >= 0);
}

function kindOf({
  kind,
  isMonotonic,
}: WalkedMetric): Pick<FamilyHead, "type" | "merging"> & Pick<NamedMetric, "kind"> {
  switch (kind) {
    case "gauge":
      return { kind, type: "gauge", merging: "last" };
    case "sum":
      return isMonotonic
        ? { kind: "counter", type: "counter", merging: "accumulate" }
        : { kind: "up_down_counter", type: "gauge", merging: "add" };
    case "histogram":
    case "exponential_histogram":
      return { kind: "histogram", type: "histogram", merging: "accumulate" };
    case "summary":
      return { kind, type: "summary", merging: "accumulate" };
    default: {
      const never: never = kind;
      return never;
    }
  }
}
