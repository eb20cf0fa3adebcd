import type { ActivityGraph } from "./activity-graph.ts";
import type { Archive } from "./archive.ts";
import { openWorkOf } from "./orphans.ts";

/** Waits, and resumptions that came before their pause, that are remembered. */
const mostRemembered = 10_000;

interface Wait {
  group: number;
  readonly sinceMs: number;
}

/**
 * Which sessions wait for a person. A wait goes by (process, key), so that its end finds it wherever the
 * group has gone by then; `GroupTable.pauses` counts the waits of a group.
 */
export class Pauses {
  readonly #graph: ActivityGraph;
  readonly #maxPauseMs: number;
  /** In the order they began. */
  readonly #waits = new Map<string, Wait>();
  /** Waits that were over before we heard that they began. */
  readonly #over = new Set<string>();

  constructor(graph: ActivityGraph, maxPauseMs: number) {
    this.#graph = graph;
    this.#maxPauseMs = maxPauseMs;
  }

  archive(io: Archive): void {
    const waits = [...this.#waits.values()];
    const keys = io.texts([...this.#waits.keys()]);
    const groups = io.numbers(waits.map(({ group }) => group));
    const since = io.numbers(waits.map(({ sinceMs }) => sinceMs));
    const over = io.texts([...this.#over]);
    this.#waits.clear();
    this.#over.clear();
    for (const [at, key] of keys.entries()) {
      this.#waits.set(key, { group: groups[at] ?? -1, sinceMs: since[at] ?? 0 });
    }
    for (const key of over) {
      this.#over.add(key);
    }
  }

  /** False when the wait is known, over already, or one too many. */
  begin(group: number, key: string, nowMs: number): boolean {
    if (this.#over.delete(key) || this.#waits.has(key) || this.#waits.size >= mostRemembered) {
      return false;
    }
    this.#waits.set(key, { group, sinceMs: nowMs });
    this.#count(group, 1);
    return true;
  }

  /** Ends a wait; gives its group, or -1 when it is not known. */
  end(key: string): number {
    const wait = this.#waits.get(key);
    if (wait === undefined) {
      this.#over.add(key);
      for (const oldest of this.#over.size > mostRemembered ? this.#over : []) {
        this.#over.delete(oldest);
        break;
      }
      return -1;
    }
    return this.#remove(key, wait.group);
  }

  /** Ends every wait of a group; false when there was none. */
  endAll(group: number): boolean {
    const had = this.#graph.groups.pauses.get(group) > 0;
    for (const [key, wait] of had ? this.#waits : []) {
      if (wait.group === group) {
        this.#waits.delete(key);
      }
    }
    this.#graph.groups.pauses.set(group, 0);
    return had;
  }

  isPaused(group: number): boolean {
    return this.#graph.groups.pauses.get(group) > 0;
  }

  /** Whether open work below `span` is part of a session that waits. Walks those sessions. */
  isAwaitedBelow(span: number): boolean {
    const { spans } = this.#graph;
    if (this.#waits.size === 0 || spans.openBelow.get(span) === 0) {
      return false;
    }
    for (const group of new Set([...this.#waits.values()].map((wait) => wait.group))) {
      for (const member of openWorkOf(this.#graph, group)) {
        for (let at = spans.parentOf(member); at !== -1; at = spans.parentOf(at)) {
          if (at === span) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** When the next wait will have lasted too long; Infinity when there is none. */
  get nextOverMs(): number {
    return this.#oldest()?.overMs ?? Number.POSITIVE_INFINITY;
  }

  /** Ends the wait that has lasted longest; gives its group, or -1 when there is none. */
  endOldest(): number {
    const oldest = this.#oldest();
    return oldest === undefined ? -1 : this.#remove(oldest.key, oldest.group);
  }

  /** `from` has become part of `into`, whose count has grown already. */
  merge(from: number, into: number): void {
    if (this.#graph.groups.pauses.get(from) > 0) {
      for (const wait of this.#waits.values()) {
        if (wait.group === from) {
          wait.group = into;
        }
      }
    }
  }

  /** The group's row is given up. */
  forget(group: number): void {
    this.endAll(group);
  }

  #oldest(): { readonly key: string; readonly group: number; readonly overMs: number } | undefined {
    for (const [key, { group, sinceMs }] of this.#waits.size === 0 ? [] : this.#waits) {
      return { key, group, overMs: sinceMs + this.#maxPauseMs };
    }
    return undefined;
  }

  #remove(key: string, group: number): number {
    this.#waits.delete(key);
    this.#count(group, -1);
    return group;
  }

  #count(group: number, by: number): void {
    const { pauses } = this.#graph.groups;
    pauses.set(group, pauses.get(group) + by);
  }
}
