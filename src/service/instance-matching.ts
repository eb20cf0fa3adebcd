import { isDeepStrictEqual } from "node:util";
import type { ComponentRef } from "./service-plan.ts";

/** What decides whether an instance can keep running when the config changes. */
export interface InstanceSpec extends ComponentRef {
  /** The user's section, after expansion. */
  readonly section: unknown;
  /** Extensions that it works with, such as its storage. */
  readonly uses: readonly ComponentRef[];
  /** Where the pipelines name it. */
  readonly places: readonly string[];
}

/** What becomes of the instances of a config when another one takes its place. Names are as `nameOfRef` has them. */
export interface Matching {
  /** They keep running: nothing about them has changed. */
  readonly kept: ReadonlySet<string>;
  /** Another instance of the same id takes their place. */
  readonly changed: ReadonlySet<string>;
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/**
 * Matches instances by kind and id. One is kept if its section and its places in the pipelines are the same and everything that it
 * uses is kept, too.
 */
export function matchInstances(
  before: readonly InstanceSpec[],
  after: readonly InstanceSpec[],
): Matching {
  const old = new Map(before.map((spec) => [nameOfRef(spec), spec]));
  const next = new Map(after.map((spec) => [nameOfRef(spec), spec]));
  const kept = new Set<string>();
  const isSame = (name: string): boolean => {
    const [a, b] = [old.get(name), next.get(name)];
    return a !== undefined && b !== undefined && isDeepStrictEqual(contentOf(a), contentOf(b));
  };
  // Extensions do not use each other, so one look is enough.
  for (const [name, { uses }] of next) {
    if (isSame(name) && uses.every((used) => isSame(nameOfRef(used)))) {
      kept.add(name);
    }
  }
  return {
    kept,
    changed: new Set([...next.keys()].filter((name) => old.has(name) && !kept.has(name))),
    added: new Set([...next.keys()].filter((name) => !old.has(name))),
    removed: new Set([...old.keys()].filter((name) => !next.has(name))),
  };
}

/** Identifies a component among all of a config. */
export function nameOfRef({ kind, id }: ComponentRef): string {
  return `${kind}:${id}`;
}

function contentOf({ section, uses, places }: InstanceSpec): unknown {
  return { section, uses: uses.map(nameOfRef), places: places.toSorted() };
}
