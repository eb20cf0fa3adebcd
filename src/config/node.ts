import type { ConfigPath, Position } from "./problem.ts";

export type ScalarValue = string | number | boolean | null;

interface NodeBase {
  readonly at: Position;
  /**
   * The text that a whole-value expansion such as `${env:PORT}` gave. A field that wants text gets
   * this instead of what YAML made of it, so that a token `0123` stays `0123`.
   */
  readonly expandedFrom?: string;
  /** The value could not be determined. That has been reported; its consequences should not be. */
  readonly failed?: true;
}

export interface ScalarNode extends NodeBase {
  readonly kind: "scalar";
  readonly value: ScalarValue;
}

export interface ListNode extends NodeBase {
  readonly kind: "list";
  readonly items: readonly ConfigNode[];
}

export interface MapNode extends NodeBase {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly keyAt: Position;
  readonly node: ConfigNode;
}

/** A config value that remembers where it was written. */
export type ConfigNode = ScalarNode | ListNode | MapNode;

/** The node at a path, or `undefined` when there is none. */
export function nodeAt(root: ConfigNode, path: ConfigPath): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const part of path) {
    if (node?.kind === "map") node = node.entries.get(String(part))?.node;
    else if (node?.kind === "list") node = node.items[Number(part)];
    else return undefined;
  }
  return node;
}

/**
 * Where to point for a path: at its value, or at the nearest key above it that is written down.
 * With `atKey` at the key itself.
 */
export function positionOf(
  root: ConfigNode,
  path: ConfigPath,
  options?: { readonly atKey: boolean },
): Position {
  const node = nodeAt(root, path);
  const last = path.at(-1);
  if (last === undefined) return root.at;
  const parentPath = path.slice(0, -1);
  if (node === undefined) return positionOf(root, parentPath, { atKey: true });
  if (!options?.atKey) return node.at;
  const parent = nodeAt(root, parentPath);
  return (parent?.kind === "map" ? parent.entries.get(String(last))?.keyAt : undefined) ?? node.at;
}

/** The plain value of a node. */
export function plainValueOf(node: ConfigNode): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(plainValueOf);
    case "map":
      return Object.fromEntries(
        [...node.entries].map(([key, entry]) => [key, plainValueOf(entry.node)]),
      );
    default: {
      const never: never = node;
      return never;
    }
  }
}
