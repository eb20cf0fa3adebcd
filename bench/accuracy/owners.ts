import { type Mode, namesSessions } from "./sender-dialect.ts";
import { isRun, ownerOf, type Story, type Work } from "./story.ts";

/** How the runs of a story hang together, as far as their gateways report it. An owner is a harness run with the run in it. */
export class Owners {
  readonly all: readonly Work[];
  readonly #mode: Mode;
  readonly #below = new Map<Work, Work[]>();
  readonly #bySession = new Map<string, Work[]>();

  constructor(story: Story, mode: Mode) {
    this.#mode = mode;
    this.all = story.works.filter((work) => isRun(work) && ownerOf(work) === work);
    for (const work of story.works) {
      for (let above = work.parent; above !== undefined; above = above.parent) {
        push(this.#below, above, work);
      }
    }
    for (const owner of this.all) {
      push(this.#bySession, this.sessionOf(owner), owner);
    }
  }

  /** All work below, at any depth. */
  below(work: Work): readonly Work[] {
    return this.#below.get(work) ?? [];
  }

  /** The session of work within its process; where sessions are not named, the tree of runs that it belongs to. */
  sessionOf(work: Work): string {
    return namesSessions(this.#mode, work.process)
      ? `${work.process.index} ${work.session.index}`
      : clusterOf(ownerOf(work)).spanId;
  }

  /** Owners of a session, by their start. */
  ofSession(session: string): readonly Work[] {
    return this.#bySession.get(session) ?? [];
  }
}

/** The owners directly above an owner, with no tool between, from the inside out. */
export function directlyAbove(owner: Work): readonly Work[] {
  const above: Work[] = [];
  for (let at = owner.parent; at !== undefined && isRun(at); ) {
    const next = ownerOf(at);
    above.push(next);
    at = next.parent;
  }
  return above;
}

/** The outermost owner that an owner is directly connected with. */
export function clusterOf(owner: Work): Work {
  return directlyAbove(owner).at(-1) ?? owner;
}

/** Whether the cluster of an owner was started by a tool. */
export function isSubAgent(owner: Work): boolean {
  return clusterOf(owner).parent !== undefined;
}

/** The outermost owner of a trace. */
export function rootOf(work: Work): Work {
  let root = ownerOf(work);
  while (root.parent !== undefined) {
    root = ownerOf(root.parent);
  }
  return root;
}

export function push<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) {
    lists.set(key, [item]);
  } else {
    list.push(item);
  }
}
