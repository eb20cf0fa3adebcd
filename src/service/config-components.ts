import type { ComponentKind } from "../component/component-kind.ts";
import { type AnyFactory, isOfType } from "../component/factory.ts";
import { checkSection } from "../config/check-section.ts";
import { didYouMean, kindOf } from "../config/issue-words.ts";
import { type MapEntry, type MapNode, nodeAt, plainValueOf } from "../config/node.ts";
import { type ConfigProblem, formatPosition, type Position } from "../config/problem.ts";
import { parseId } from "./config-id.ts";
import { missingComponent } from "./missing-components.ts";
import { missingKeyOf } from "./missing-keys.ts";

/** The sections components are configured in, in the order of the data. */
export const sections = {
  receivers: "receiver",
  processors: "processor",
  exporters: "exporter",
  extensions: "extension",
} as const satisfies Record<string, ComponentKind>;

/** A component of the config. */
export interface ConfiguredComponent {
  readonly kind: ComponentKind;
  /** `type` or `type/name`, without blanks. */
  readonly id: string;
  readonly factory: AnyFactory;
  /** The section after expansion, as `factory.create` takes it. */
  readonly section: unknown;
  /** A pipeline or `service.extensions` names it. One that nothing names is checked, but not built. */
  readonly used: boolean;
}

/** A component as declared, before the pipelines that name it are known. */
export interface DeclaredComponent extends Omit<ConfiguredComponent, "used"> {
  readonly keyAt: Position;
  readonly path: readonly string[];
}

/** The components that the sections declare. */
export interface Declarations {
  readonly components: readonly DeclaredComponent[];
  /** Ids whose type does not exist. The problem is reported once, where they are declared. */
  readonly broken: readonly string[];
  /** A section could not be read, so its content is unknown. The problem is reported elsewhere. */
  readonly incomplete: boolean;
}

/** Checks every component section and calls `report` for every problem. */
export function checkComponents(
  root: MapNode,
  factories: readonly AnyFactory[],
  report: (problem: ConfigProblem) => void,
): Declarations {
  const components: DeclaredComponent[] = [];
  const broken: string[] = [];
  for (const [section, kind] of Object.entries(sections)) {
    const seen = new Map<string, MapEntry>();
    for (const [key, entry] of entriesOf(root, section, report)) {
      const path = [section, key];
      const at = entry.keyAt;
      const parsed = parseId(key);
      if (!parsed.ok) {
        report({ at, path: [section], message: parsed.message });
        continue;
      }
      const { id, type } = parsed.value;
      const earlier = seen.get(id);
      seen.set(id, entry);
      if (earlier !== undefined) {
        report({
          at,
          path,
          message: `repeats the id "${id}"; the first one is at ${formatPosition(earlier.keyAt)}.`,
        });
        continue;
      }
      const factory = factories.find((each) => each.kind === kind && isOfType(each, id));
      if (factory === undefined) {
        broken.push(id);
        report({ at, path, message: unknownTypeMessage(kind, type, factories) });
        continue;
      }
      const checked = checkSection(factory.schema, root, path, missingKeyOf(kind, factory.type));
      if (!checked.ok) for (const problem of checked.problems) report(problem);
      components.push({
        kind,
        id,
        factory,
        section: checked.ok ? checked.section : undefined,
        keyAt: at,
        path,
      });
    }
  }
  const incomplete = Object.keys(sections).some((section) => {
    const node = nodeAt(root, [section]);
    if (node === undefined || node.kind === "map") return false;
    return node.failed === true || plainValueOf(node) !== null;
  });
  return { components, broken, incomplete };
}

/** The section that a kind of component is configured in. */
export function sectionOfKind(kind: ComponentKind): string {
  return `${kind}s`;
}

function entriesOf(
  root: MapNode,
  section: string,
  report: (problem: ConfigProblem) => void,
): readonly (readonly [string, MapEntry])[] {
  const node = nodeAt(root, [section]);
  if (node === undefined || node.failed) return [];
  if (node.kind === "map") return [...node.entries];
  if (node.kind === "list" || node.value !== null) {
    report({
      at: node.at,
      path: [section],
      message: `must be a map, but is ${kindOf(plainValueOf(node))}.`,
    });
  }
  return [];
}

function unknownTypeMessage(
  kind: ComponentKind,
  type: string,
  factories: readonly AnyFactory[],
): string {
  const missing = missingComponent(kind, type);
  if (missing !== undefined) return missing;
  const elsewhere = factories.find((each) => each.type === type);
  if (elsewhere !== undefined) {
    return `is not ${article(kind)}: "${type}" is ${article(elsewhere.kind)}; configure it in ${sectionOfKind(elsewhere.kind)}.`;
  }
  const types = factories.filter((each) => each.kind === kind).map((each) => each.type);
  const hint = didYouMean(type, types);
  const known =
    types.length === 0 ? ` There are no types of ${kind} yet.` : ` Available: ${types.join(", ")}.`;
  return `is not a type of ${kind}.${hint === "" ? known : hint}`;
}

/** `a receiver`, `an exporter`. */
export function article(kind: ComponentKind): string {
  return `${/^[aeio]/.test(kind) ? "an" : "a"} ${kind}`;
}
