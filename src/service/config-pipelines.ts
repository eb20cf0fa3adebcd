import type { AnyFactory } from "../component/factory.ts";
import { didYouMean } from "../config/issue-words.ts";
import { nearestName } from "../config/nearest-name.ts";
import { type MapEntry, type MapNode, nodeAt } from "../config/node.ts";
import {
  type ConfigPath,
  type ConfigProblem,
  formatPosition,
  type Position,
} from "../config/problem.ts";
import type { Signal } from "../otlp/payload.ts";
import {
  article,
  type Declarations,
  type DeclaredComponent,
  sectionOfKind,
} from "./config-components.ts";
import { parseId } from "./config-id.ts";

/** A list of a pipeline. */
type Place = "receivers" | "processors" | "exporters";

/** A pipeline with its names resolved. The same object is the same instance. */
export interface ResolvedPipeline {
  readonly id: string;
  readonly signal: Signal;
  readonly receivers: readonly Reference[];
  readonly processors: readonly Reference[];
  readonly exporters: readonly Reference[];
}

/** A name in a pipeline, where it is written, and the component it names. */
export interface Reference {
  readonly component: DeclaredComponent;
  readonly at: Position;
  readonly path: ConfigPath;
}

interface Lookup {
  readonly declarations: Declarations;
  readonly report: (problem: ConfigProblem) => void;
}

/**
 * Resolves the names in the pipelines and in `service.extensions`. Names that are unknown, or not allowed in
 * that place, are reported and left out. The schema reports a value that is not a list of names.
 */
export function resolveReferences(
  root: MapNode,
  declarations: Declarations,
  report: (problem: ConfigProblem) => void,
): { readonly pipelines: readonly ResolvedPipeline[]; readonly extensions: readonly Reference[] } {
  const lookup = { declarations, report };
  const path = ["service", "pipelines"];
  const node = nodeAt(root, path);
  const seen = new Map<string, MapEntry>();
  const pipelines = (node?.kind === "map" ? [...node.entries] : []).flatMap(([key, entry]) => {
    const parsed = pipelineIdOf(key);
    const at = entry.keyAt;
    if (typeof parsed === "string") {
      report({ at, path: [...path, key], message: parsed });
      return [];
    }
    const earlier = seen.get(parsed.id);
    seen.set(parsed.id, entry);
    if (earlier !== undefined) {
      const message = `repeats the pipeline "${parsed.id}"; the first one is at ${formatPosition(earlier.keyAt)}.`;
      report({ at, path: [...path, key], message });
    }
    const placed = (place: Place) =>
      namesAt(root, [...path, key, place], report).flatMap((name) =>
        resolved(name, { place, signal: parsed.signal }, lookup),
      );
    return [
      {
        ...parsed,
        receivers: placed("receivers"),
        processors: placed("processors"),
        exporters: placed("exporters"),
      },
    ];
  });
  const extensions = namesAt(root, ["service", "extensions"], report).flatMap((name) =>
    resolved(name, { place: "extensions" }, lookup),
  );
  return { pipelines, extensions };
}

const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];

/** The pipeline's id, or the problem with it. */
function pipelineIdOf(key: string): { readonly id: string; readonly signal: Signal } | string {
  const parsed = parseId(key);
  if (!parsed.ok) return parsed.message;
  const { id, type } = parsed.value;
  const signal = signals.find((each) => each === type);
  if (signal !== undefined) return { id, signal };
  if (type === "profiles") {
    return "is not supported: this program handles traces, metrics and logs. Remove the pipeline.";
  }
  return `does not begin with a signal; name the pipeline traces, metrics or logs, optionally with /name.${didYouMean(type, signals)}`;
}

interface WrittenName {
  readonly text: string;
  readonly at: Position;
  readonly path: ConfigPath;
}

function namesAt(
  root: MapNode,
  path: ConfigPath,
  report: (problem: ConfigProblem) => void,
): readonly WrittenName[] {
  const node = nodeAt(root, path);
  if (node?.kind !== "list") return [];
  const seen = new Set<string>();
  return node.items.flatMap((item, index) => {
    const value = item.kind === "scalar" ? (item.expandedFrom ?? item.value) : undefined;
    if (typeof value !== "string" || item.failed) return [];
    const name = { text: value, at: item.at, path: [...path, index] };
    const parsed = parseId(value);
    if (!parsed.ok) {
      report({ at: name.at, path: name.path, message: parsed.message });
      return [];
    }
    const { id } = parsed.value;
    if (seen.has(id)) {
      report({
        at: name.at,
        path: name.path,
        message: `names "${id}" twice; remove one of them.`,
      });
      return [];
    }
    seen.add(id);
    return [{ ...name, text: id }];
  });
}

type Target = { readonly place: Place; readonly signal: Signal } | { readonly place: "extensions" };

function resolved(name: WrittenName, target: Target, lookup: Lookup): readonly Reference[] {
  const { components, broken, incomplete } = lookup.declarations;
  const refuse = (message: string) => {
    lookup.report({ at: name.at, path: name.path, message });
    return [];
  };
  const role = target.place.slice(0, -1);
  const ofId = components.filter((component) => component.id === name.text);
  const component = ofId.find(({ factory }) => signalsIn(factory, target.place) !== undefined);
  if (component === undefined) {
    const [misplaced] = ofId;
    if (misplaced !== undefined) {
      return refuse(
        `names "${name.text}", which is ${article(misplaced.kind)} and cannot be used in ${target.place}.`,
      );
    }
    // Its problem, such as a misspelled type, is reported where it is declared.
    if (incomplete || nearestName(name.text, broken) !== undefined) return [];
    const candidates = components
      .filter(({ factory }) => signalsIn(factory, target.place) !== undefined)
      .map(({ id }) => id);
    return refuse(
      `names the ${role} "${name.text}", which is not configured.${didYouMean(name.text, candidates)}`,
    );
  }
  const handled = signalsIn(component.factory, target.place) ?? [];
  if (target.place !== "extensions" && !handled.includes(target.signal)) {
    const asRole = component.kind === role ? `the ${role} "${name.text}"` : `"${name.text}"`;
    return refuse(
      `names ${asRole} in a pipeline of ${target.signal}; in ${target.place} it supports only ${handled.join(" and ")}.`,
    );
  }
  return [{ component, at: name.at, path: name.path }];
}

/** The signals that a type handles in a place; `undefined` if it is not allowed there. */
function signalsIn(factory: AnyFactory, place: Target["place"]): readonly Signal[] | undefined {
  const { roles, kind } = factory;
  switch (place) {
    case "receivers":
      return roles.receiver;
    case "processors":
      return roles.processor;
    case "exporters":
      return roles.exporter;
    case "extensions":
      return kind === "extension" ? [] : undefined;
    default: {
      const never: never = place;
      return never;
    }
  }
}

/** A component that observes some pipelines and is the receiver of others, which carry the data it derives. */
export function isDeriving(factory: AnyFactory): boolean {
  return factory.kind !== "receiver" && factory.roles.receiver !== undefined;
}

/** `exporters.debug`: a component as the config writes it. */
export function nameOf({
  kind,
  id,
}: {
  readonly kind: DeclaredComponent["kind"];
  readonly id: string;
}): string {
  return `${sectionOfKind(kind)}.${id}`;
}
