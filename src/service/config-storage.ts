import { didYouMean } from "../config/issue-words.ts";
import { nearestName } from "../config/nearest-name.ts";
import { type MapNode, nodeAt } from "../config/node.ts";
import type { ConfigPath, ConfigProblem, Position } from "../config/problem.ts";
import { article, type Declarations, type DeclaredComponent } from "./config-components.ts";
import { parseId } from "./config-id.ts";

/** A component and the storage extension that its config names. */
export interface StorageUse {
  readonly component: DeclaredComponent;
  readonly storage: DeclaredComponent;
}

/**
 * Resolves the storage extensions that components name. A name is reported and left out if it is unknown, if it belongs to a
 * component that is not a storage, or if `service.extensions` does not list it.
 */
export function resolveStorage(
  root: MapNode,
  {
    declarations,
    listed,
  }: { readonly declarations: Declarations; readonly listed: ReadonlySet<DeclaredComponent> },
  report: (problem: ConfigProblem) => void,
): readonly StorageUse[] {
  return declarations.components.flatMap((component) => {
    const name = storageNamed(root, component);
    if (name === undefined) {
      return [];
    }
    const found = storageOf(name.text, { declarations, listed });
    if (typeof found === "string") {
      report({ at: name.at, path: name.path, message: found });
    }
    return typeof found === "object" ? [{ component, storage: found }] : [];
  });
}

/** A name of a component, where it is written. */
export interface WrittenName {
  readonly text: string;
  readonly at: Position;
  readonly path: ConfigPath;
}

function storageNamed(
  root: MapNode,
  { factory, path }: DeclaredComponent,
): WrittenName | undefined {
  return factory.storageKey === undefined
    ? undefined
    : nameAt(root, [...path, ...factory.storageKey]);
}

/** The text at `path`, as written. The schema reports a value that is not text; an absent one names nothing. */
export function nameAt(root: MapNode, path: ConfigPath): WrittenName | undefined {
  const node = nodeAt(root, path);
  const value = node?.kind === "scalar" && !node.failed ? (node.expandedFrom ?? node.value) : null;
  return node !== undefined && typeof value === "string"
    ? { text: value, at: node.at, path }
    : undefined;
}

/** The extension, or the problem with its name, or `undefined` if the problem is reported elsewhere. */
function storageOf(
  text: string,
  {
    declarations,
    listed,
  }: { readonly declarations: Declarations; readonly listed: ReadonlySet<DeclaredComponent> },
): DeclaredComponent | string | undefined {
  const parsed = parseId(text);
  if (!parsed.ok) {
    return parsed.message;
  }
  const { id } = parsed.value;
  const storages = declarations.components.filter(({ factory }) => factory.roles.storage);
  const storage = storages.find((each) => each.id === id);
  if (storage !== undefined) {
    return listed.has(storage)
      ? storage
      : `names the storage "${id}", which is missing in service.extensions and therefore would not run. Add it there.`;
  }
  const [other] = declarations.components.filter((each) => each.id === id);
  const ids = storages.map((each) => each.id);
  if (other !== undefined) {
    const choice = ids.length === 0 ? "" : ` Available storages: ${ids.join(", ")}.`;
    return `names "${id}", which is ${article(other.kind)} and is not a storage.${choice}`;
  }
  // Its problem, such as a misspelled type, is reported where it is declared.
  if (declarations.incomplete || nearestName(id, declarations.broken) !== undefined) {
    return undefined;
  }
  return `names the storage "${id}", which is not configured.${didYouMean(id, ids)}`;
}
