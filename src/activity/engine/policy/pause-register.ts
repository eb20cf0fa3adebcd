import { OldestFirstMap } from "../../../collections/oldest-first-map.ts";
import type { Moment } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { addGroupsAbove } from "./groups-above.ts";

/** Pauses that are open at once. */
const maxPauses = 10_000;
/** Of one session, pauses that name none of its spans; pauses of spans that are no work. */
const maxPerSession = 64;
const maxOfLinks = 256;

/** A wait for a person. */
export interface Pause {
  /** The span that waits, or -1 for the runs of a session. */
  readonly span: number;
  /** The session whose runs wait, or -1. */
  group: number;
  readonly began: Moment;
  /** The groups of the named span and of all that is above it. */
  groups: ReadonlySet<number>;
}

/**
 * Keeps the open pauses by key, by span, by trace, and by group.
 *
 * At most 10 000, of which 64 name one session and 256 name spans that have not arrived or are no work. A pause beyond that is
 * refused. The oldest ends after `maxPauseMs`.
 */
export class PauseRegister {
  readonly #store: ActivityStore;
  /** By key, in the order in which they began. */
  readonly pauses = new OldestFirstMap<string, Pause>();
  /** Span → keys of its pauses; group → keys of the pauses of its runs. */
  readonly ofSpan = new Map<number, Set<string>>();
  readonly ofGroup = new Map<number, Set<string>>();
  /** Trace → the pauses of its spans. */
  readonly ofTrace = new Map<number, Set<Pause>>();
  /** Paused spans that have not arrived, or are no work: the nearest work above them waits. */
  readonly links = new Set<number>();
  /** Group → the pauses that name spans in it or below it. */
  readonly about = new Map<number, Set<Pause>>();

  constructor(store: ActivityStore) {
    this.#store = store;
  }

  /** Whether another pause of a span, or (-1) of the runs of a group, fits. */
  hasRoom(span: number, group: number): boolean {
    const isLink = span !== -1 && this.#store.spans.kind.get(span) === workKinds.other;
    return (
      this.pauses.size < maxPauses &&
      (span !== -1 || (this.ofGroup.get(group)?.size ?? 0) < maxPerSession) &&
      (!isLink || this.links.size < maxOfLinks)
    );
  }

  add(key: string, of: { readonly span: number; readonly group: number }, began: Moment): void {
    const { span, group } = of;
    const pause: Pause = { span, group, began, groups: new Set() };
    this.pauses.set(key, pause);
    if (span !== -1) {
      const trace = this.#store.spans.trace.get(span);
      this.ofTrace.set(trace, (this.ofTrace.get(trace) ?? new Set()).add(pause));
      this.recount(pause);
      if (this.#store.spans.kind.get(span) === workKinds.other) {
        this.links.add(span);
      }
    }
    const [index, named] = span === -1 ? [this.ofGroup, group] : [this.ofSpan, span];
    index.set(named, (index.get(named) ?? new Set()).add(key));
  }

  remove(key: string): void {
    const pause = this.pauses.get(key);
    if (pause === undefined) {
      return;
    }
    this.pauses.delete(key);
    this.#setGroups(pause, new Set());
    const { span, group } = pause;
    const trace = span === -1 ? -1 : this.#store.spans.trace.get(span);
    const ofTrace = this.ofTrace.get(trace);
    ofTrace?.delete(pause);
    if (ofTrace?.size === 0) {
      this.ofTrace.delete(trace);
    }
    const [index, named] = span === -1 ? [this.ofGroup, group] : [this.ofSpan, span];
    const keys = index.get(named);
    keys?.delete(key);
    if (keys?.size === 0) {
      index.delete(named);
      this.links.delete(span);
    }
  }

  removeAll(keys: ReadonlySet<string>): void {
    for (const key of [...keys]) {
      this.remove(key);
    }
  }

  /** The named span may have other groups above it than before. */
  recount(pause: Pause): void {
    const groups = new Set<number>();
    addGroupsAbove(this.#store, pause.span, groups);
    this.#setGroups(pause, groups);
  }

  /** `from` has become part of `into`. */
  merge(from: number, into: number): void {
    for (const pause of [...(this.about.get(from) ?? [])]) {
      const groups = [...pause.groups].map((group) => (group === from ? into : group));
      this.#setGroups(pause, new Set(groups));
    }
    const keys = this.ofGroup.get(from);
    if (keys === undefined) {
      return;
    }
    this.ofGroup.delete(from);
    this.ofGroup.set(into, new Set([...(this.ofGroup.get(into) ?? []), ...keys]));
    for (const key of keys) {
      const pause = this.pauses.get(key);
      if (pause !== undefined) {
        pause.group = into;
      }
    }
  }

  #setGroups(pause: Pause, groups: ReadonlySet<number>): void {
    for (const group of pause.groups) {
      const about = this.about.get(group);
      about?.delete(pause);
      if (about?.size === 0) {
        this.about.delete(group);
      }
    }
    for (const group of groups) {
      this.about.set(group, (this.about.get(group) ?? new Set()).add(pause));
    }
    pause.groups = groups;
  }
}
