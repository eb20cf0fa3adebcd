import type { ConfigNode, MapEntry } from "./node.ts";
import { type ConfigPath, type ConfigProblem, formatPosition } from "./problem.ts";

/**
 * Lays `over` on `base` as the Collector merges its files: maps are merged key by key, everything
 * else is replaced. One difference: an empty value over a map that has settings would silently throw
 * them away, so it is a problem and the map is kept.
 */
export function mergeNodes(
  base: ConfigNode,
  over: ConfigNode,
  report: (problem: ConfigProblem) => void,
  path: ConfigPath = [],
): ConfigNode {
  if (base.kind !== "map") return over;
  if (over.kind === "scalar" && over.value === null) {
    if (base.entries.size > 0) {
      const message = `is empty here, but has settings at ${formatPosition(base.at)}. Leave the key out to keep them; an empty value cannot remove them.`;
      report({ at: over.at, path, message });
    }
    return base;
  }
  if (over.kind !== "map") return over;
  const entries = new Map<string, MapEntry>(base.entries);
  for (const [key, entry] of over.entries) {
    const earlier = entries.get(key);
    const node =
      earlier === undefined
        ? entry.node
        : mergeNodes(earlier.node, entry.node, report, [...path, key]);
    // A section keeps the place where it first appears; a replaced value has the place of its winner.
    entries.set(key, { keyAt: node.kind === "map" ? (earlier ?? entry).keyAt : entry.keyAt, node });
  }
  return { ...base, entries };
}
