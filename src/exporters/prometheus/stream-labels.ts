import { tagOf, WireReader } from "../../otlp/wire-reader.ts";
import { attributeOf, type TextAttribute } from "./attribute-text.ts";
import type { FamilyType } from "./metric-families.ts";
import { textAt, type WalkedScope } from "./metric-walk.ts";
import { type LabelParts, LabelSet, serviceKeys, type Target } from "./series-labels.ts";
import { labelNameOf } from "./translated-names.ts";

export interface LabelOptions {
  /** On every series. */
  readonly constLabels: Readonly<Record<string, string>>;
  readonly scopeLabels: boolean;
  /** Which attributes of a resource become labels of its series. */
  readonly resourceLabels: "none" | "all" | "all_but_service";
}

/** Where a stream comes from, and what it is. */
export interface StreamOrigin {
  readonly type: FamilyType;
  readonly target: Target;
  readonly resource: readonly TextAttribute[];
  readonly scope: ScopeFacts;
}

export interface ScopeFacts {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
  readonly attributes: readonly TextAttribute[];
}

/** The most attributes of a scope that are read. */
const maxScopeAttributes = 128;
const overflowLabel = "otel_metric_overflow";
const nameTag = tagOf(1, "length");
const versionTag = tagOf(2, "length");
const attributesTag = tagOf(3, "length");

/** The labels of a stream's series, as on the page without braces. `keyValues`: the attributes of the data point. */
export function streamLabels(
  keyValues: readonly Uint8Array[],
  { type, target, resource, scope }: StreamOrigin,
  options: LabelOptions,
  parts: LabelParts,
): string {
  const labels = new LabelSet(new Set([overflowLabel, ...lineLabels(type)]), parts);
  addConstLabels(labels, options);
  labels.setFree("job", target.job);
  labels.setFree("instance", target.instance);
  if (options.scopeLabels) {
    labels.setShown("otel_scope_name", scope.name);
    labels.setShown("otel_scope_version", scope.version);
    labels.setShown("otel_scope_schema_url", scope.schemaUrl);
    labels.add(scope.attributes, "otel_scope_");
  }
  labels.add(keyValues.map(attributeOf));
  if (options.resourceLabels !== "none") {
    const left: readonly string[] = options.resourceLabels === "all" ? [] : serviceKeys;
    labels.add(resource.filter(({ key }) => !left.includes(key)));
  }
  return labels.text();
}

/** The labels of the series that takes what is beyond the bounds, as the SDK specification has it. */
export function overflowLabels(options: LabelOptions, parts: LabelParts): string {
  const labels = new LabelSet(new Set(), parts);
  addConstLabels(labels, options);
  labels.set(overflowLabel, "true");
  return labels.text();
}

/** Reads an `InstrumentationScope`. */
export function scopeFactsOf({ bytes, schemaUrl }: WalkedScope): ScopeFacts {
  const attributes: TextAttribute[] = [];
  let name = "";
  let version = "";
  const reader = new WireReader(bytes);
  const end = bytes.length;
  while (reader.position < end) {
    const tag = reader.tag(end);
    if (tag !== nameTag && tag !== versionTag && tag !== attributesTag) {
      if (!reader.skip(tag, end)) {
        break;
      }
      continue;
    }
    const stop = reader.length(end);
    if (stop < 0) {
      break;
    }
    const { position } = reader;
    if (tag === nameTag) {
      name = textAt(bytes, position, stop);
    } else if (tag === versionTag) {
      version = textAt(bytes, position, stop);
    } else if (attributes.length < maxScopeAttributes) {
      attributes.push(attributeOf(bytes.subarray(position, stop)));
    }
    reader.position = stop;
  }
  return { name, version, schemaUrl, attributes };
}

function addConstLabels(labels: LabelSet, { constLabels }: LabelOptions): void {
  for (const [key, value] of Object.entries(constLabels)) {
    labels.set(labelNameOf(key) ?? "", value);
  }
}

/** The labels that lines of that type have of their own. */
function lineLabels(type: FamilyType): readonly string[] {
  return type === "histogram" ? ["le"] : type === "summary" ? ["quantile"] : [];
}
