import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { spanStates } from "../store/span-lifecycle.ts";

/** Waits, and resumptions, that are remembered. */
const maxRemembered = 10_000;
/** Waits of one session that name none of its spans, and waits of spans that are no work, at once. */
const maxPerSession = 64;
const maxOfLinks = 256;

interface Wait {
  /** The span that waits, or -1 for the runs of a session. */
  readonly span: number;
  group: number;
  readonly began: Moment;
  /** The groups of the named span and of what is above it. */
  groups: readonly number[];
}

/** What it needs of the engine. */
interface PausesParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
}

/**
 * Which work waits for a person: a span that a pause names, or the runs of a session that were open when it began. A wait
 * goes by (process, key), so that its end finds it. It is over with what it names, and after `maxPauseMs` at the latest.
 */
export class Pauses {
  readonly #parts: PausesParts;
  /** In the order they began. */
  readonly #waits = new Map<string, Wait>();
  /** Span → keys of its waits; group → keys of the waits of its runs. */
  readonly #ofSpan = new Map<number, Set<string>>();
  readonly #ofGroup = new Map<number, Set<string>>();
  /** Spans with waits that have not arrived, or are no work: what waits is the work above them. */
  readonly #links = new Set<number>();
  /** Group → how many waits are about spans in it or below it. */
  readonly #about = new Map<number, number>();
  /** When a wait was last over, by its key: a beginning before that is a repeat, or overtaken. The oldest first. */
  readonly #over = new Map<string, Moment>();
  /** The same of all waits of a session, by its group. */
  readonly #allOver = new Map<number, Moment>();

  constructor(parts: PausesParts) {
    this.#parts = parts;
  }

  snapshot(io: SnapshotStream): void {
    const waits = [...this.#waits.values()];
    const keys = io.texts([...this.#waits.keys()]);
    const cells = io.numbers(
      waits.flatMap(({ span, group, began }) => [span, group, began.atMs, began.timeMs, began.seq]),
    );
    const over = io.texts([...this.#over.keys()]);
    const overAt = io.numbers([...this.#over.values()].flatMap(cellsOf));
    const allOver = io.numbers(
      [...this.#allOver].flatMap(([group, at]) => [group, ...cellsOf(at)]),
    );
    if (!io.isLoading) {
      return;
    }
    for (const [at, key] of keys.entries()) {
      const [span = -1, group = -1, atMs = 0, timeMs = 0, seq = 0] = cells.slice(
        at * 5,
        at * 5 + 5,
      );
      this.#add(key, { span, group, began: { atMs, timeMs, seq }, groups: [] });
    }
    for (const [at, key] of over.entries()) {
      this.#over.set(key, momentIn(overAt, at * 3));
    }
    for (let at = 0; at < allOver.length; at += 4) {
      this.#allOver.set(allOver[at] ?? -1, momentIn(allOver, at + 1));
    }
  }

  /** A wait of a span, or with a span of -1 of a session's runs. False when it is known, over already, or one too many. */
  begin(span: number, group: number, key: string, began: Moment): boolean {
    const isOver = [this.#over.get(key), this.#allOver.get(group)].some(
      (over) =>
        over !== undefined &&
        compareMoments(began, over, this.#parts.limits.allowedLatenessMs) <= 0,
    );
    if (isOver || this.#waits.has(key) || !this.#hasRoom(span, group)) {
      return false;
    }
    this.#over.delete(key);
    this.#add(key, { span, group: span === -1 ? group : -1, began, groups: [] });
    return true;
  }

  /** The open work that a wait names. */
  namedBy(key: string): readonly number[] {
    const wait = this.#waits.get(key);
    return wait === undefined ? [] : this.#namedBy(wait);
  }

  /** Ends a wait; gives the open work that it named, or undefined when it is not known. */
  end(key: string, over: Moment): readonly number[] | undefined {
    remember(this.#over, key, over);
    const wait = this.#waits.get(key);
    if (wait === undefined) {
      return undefined;
    }
    const named = this.#namedBy(wait);
    this.#remove(key, wait);
    return named;
  }

  /**
   * Ends every wait of a session: its own, and those of its open work, and of a span that may be on its way (else -1).
   * Gives the open work that was named, or undefined when there was none.
   */
  endAll(group: number, awaited: number, over: Moment): readonly number[] | undefined {
    if (group !== -1) {
      remember(this.#allOver, group, over);
    }
    const keys = [...(this.#ofGroup.get(group) ?? [])];
    for (const [span, ofSpan] of this.#ofSpan) {
      if (span === awaited || (group !== -1 && this.#parts.store.groupOf(span) === group)) {
        keys.push(...ofSpan);
      }
    }
    return keys.length === 0 ? undefined : keys.flatMap((key) => this.end(key, over) ?? []);
  }

  /** Whether anything waits at all. */
  get hasAny(): boolean {
    return this.#waits.size > 0;
  }

  /** Whether what happens in a session may change who waits in it. */
  concernsGroup(group: number): boolean {
    return this.#links.size > 0 || this.#ofGroup.has(group) || this.#about.has(group);
  }

  /** Whether a wait names a span or its session, or what is no work: it may be about it or what is above it. */
  concerns(span: number): boolean {
    return (
      this.#waits.size > 0 &&
      (this.#ofSpan.has(span) ||
        this.#links.size > 0 ||
        this.#ofGroup.has(this.#parts.store.groupOf(span)))
    );
  }

  /** Whether a span waits: a pause names it, or it is a run of a session that waits since after it began. */
  isPaused(span: number): boolean {
    if (this.#waits.size === 0) {
      return false;
    }
    if (this.#ofSpan.has(span) || this.#isLinkNamedBelow(span)) {
      return true;
    }
    const { spans } = this.#parts.store;
    if (spans.kind.get(span) !== workKinds.run) {
      return false;
    }
    for (const key of this.#ofGroup.get(this.#parts.store.groupOf(span)) ?? []) {
      const wait = this.#waits.get(key);
      if (wait !== undefined && this.#beganBefore(span, wait)) {
        return true;
      }
    }
    return false;
  }

  /** Whether the time of open work stands still: it waits, or its run or work below it does. */
  holdsTime(span: number): boolean {
    if (this.#waits.size === 0) {
      return false;
    }
    return (
      this.isPaused(span) ||
      this.#isInPausedRun(span) ||
      [...this.#waits.values()]
        .flatMap((wait) => this.#namedBy(wait))
        .some((named) => this.#parts.store.tree.isAncestor(span, named))
    );
  }

  /** When the next wait will have lasted too long; Infinity when there is none. */
  get nextOverMs(): number {
    for (const { began } of this.#waits.values()) {
      return began.atMs + this.#parts.limits.maxPauseMs;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Ends the wait that has lasted longest; gives the open work that it named. */
  endOldest(): readonly number[] {
    for (const [key, { began }] of this.#waits) {
      return this.end(key, { ...began, atMs: began.atMs + this.#parts.limits.maxPauseMs }) ?? [];
    }
    return [];
  }

  /** `from` has become part of `into`. */
  merge(from: number, into: number): void {
    if (this.#about.has(from)) {
      for (const wait of this.#waits.values()) {
        if (wait.groups.includes(from)) {
          const groups = wait.groups.map((group) => (group === from ? into : group));
          this.#count(wait, groups);
        }
      }
    }
    const keys = this.#ofGroup.get(from);
    if (keys === undefined) {
      return;
    }
    this.#ofGroup.delete(from);
    this.#ofGroup.set(into, new Set([...(this.#ofGroup.get(into) ?? []), ...keys]));
    for (const key of keys) {
      const wait = this.#waits.get(key);
      if (wait !== undefined) {
        wait.group = into;
      }
    }
  }

  /** The waits of a span are over with it. */
  forgetSpan(span: number): void {
    this.#forget(this.#ofSpan.get(span));
  }

  /** The waits of a session's runs are over with them: none is open any more. */
  forgetRuns(group: number): void {
    this.#forget(this.#ofGroup.get(group));
  }

  /** The row of a group is given up. */
  forgetGroup(group: number): void {
    this.forgetRuns(group);
    this.#allOver.delete(group);
  }

  #hasRoom(span: number, group: number): boolean {
    const isLink = span !== -1 && this.#parts.store.spans.kind.get(span) === workKinds.other;
    return (
      this.#waits.size < maxRemembered &&
      (span !== -1 || (this.#ofGroup.get(group)?.size ?? 0) < maxPerSession) &&
      (!isLink || this.#links.size < maxOfLinks)
    );
  }

  #forget(keys: ReadonlySet<string> | undefined): void {
    for (const key of [...(keys ?? [])]) {
      const wait = this.#waits.get(key);
      if (wait !== undefined) {
        this.#remove(key, wait);
      }
    }
  }

  #namedBy({ span, group, began }: Wait): readonly number[] {
    const { spans, owners, live, members } = this.#parts.store;
    if (span !== -1) {
      const work = this.#workAt(span);
      return work !== -1 && spans.state.get(work) === spanStates.open ? [work] : [];
    }
    return live
      .all(group)
      .filter((owner) => owners.isOpen(owner))
      .flatMap((owner) => members.all(owner))
      .filter(
        (run) =>
          spans.kind.get(run) === workKinds.run &&
          spans.state.get(run) === spanStates.open &&
          this.#beganBefore(run, { began }),
      );
  }

  /** Whether a run was open when a wait began. */
  #beganBefore(run: number, { began }: Pick<Wait, "began">): boolean {
    const { spans } = this.#parts.store;
    const start = {
      atMs: spans.startedAtMs.get(run),
      timeMs: spans.startMs.get(run),
      seq: spans.seq.get(run),
    };
    return compareMoments(start, began, this.#parts.limits.allowedLatenessMs) <= 0;
  }

  /** The span itself, or of a link the nearest work above; -1 when there is none. */
  #workAt(span: number): number {
    const { spans } = this.#parts.store;
    const isLink = (at: number) =>
      spans.kind.get(at) === workKinds.other && spans.state.get(at) !== spanStates.unknown;
    let work = span;
    while (work !== -1 && isLink(work)) {
      work = spans.parentOf(work);
    }
    return work;
  }

  /** What a run that waits has open does not get older either. */
  #isInPausedRun(span: number): boolean {
    const { spans, owners, members } = this.#parts.store;
    const owner = spans.owner.get(span);
    const isMarker = spans.kind.get(span) !== workKinds.run;
    return (
      isMarker &&
      owner !== -1 &&
      owners.isOpen(owner) &&
      members.all(owner).some((each) => each !== span && this.#isPausedRun(each))
    );
  }

  /** Whether a link of which this is the nearest work above waits. */
  #isLinkNamedBelow(work: number): boolean {
    for (const named of this.#links) {
      const { spans } = this.#parts.store;
      if (spans.kind.get(named) !== workKinds.other) {
        this.#links.delete(named); // It has arrived, and is work.
        for (const key of this.#ofSpan.get(named) ?? []) {
          const wait = this.#waits.get(key);
          if (wait !== undefined) {
            this.#count(wait, this.#groupsAbove(named));
          }
        }
      } else if (named !== work && this.#workAt(named) === work) {
        return true;
      }
    }
    return false;
  }

  #isPausedRun(span: number): boolean {
    return this.#parts.store.spans.kind.get(span) === workKinds.run && this.isPaused(span);
  }

  #add(key: string, wait: Wait): void {
    this.#waits.set(key, wait);
    if (wait.span !== -1) {
      this.#count(wait, this.#groupsAbove(wait.span));
      if (this.#parts.store.spans.kind.get(wait.span) === workKinds.other) {
        this.#links.add(wait.span);
      }
    }
    const [index, of] = wait.span === -1 ? [this.#ofGroup, wait.group] : [this.#ofSpan, wait.span];
    index.set(of, (index.get(of) ?? new Set()).add(key));
  }

  #groupsAbove(span: number): readonly number[] {
    const groups = new Set<number>();
    for (let at = span; at !== -1; at = this.#parts.store.spans.parentOf(at)) {
      groups.add(this.#parts.store.groupOf(at));
    }
    groups.delete(-1);
    return [...groups];
  }

  /** A wait is about other groups than before. */
  #count(wait: Wait, groups: readonly number[]): void {
    const add = (group: number, by: number) => {
      const count = (this.#about.get(group) ?? 0) + by;
      if (count === 0) {
        this.#about.delete(group);
      } else {
        this.#about.set(group, count);
      }
    };
    for (const group of wait.groups) {
      add(group, -1);
    }
    for (const group of groups) {
      add(group, 1);
    }
    wait.groups = groups;
  }

  #remove(key: string, wait: Wait): void {
    this.#waits.delete(key);
    this.#count(wait, []);
    const [index, of] = wait.span === -1 ? [this.#ofGroup, wait.group] : [this.#ofSpan, wait.span];
    const keys = index.get(of);
    keys?.delete(key);
    if (keys?.size === 0) {
      index.delete(of);
      this.#links.delete(wait.span);
    }
  }
}

/** Of more than are remembered the oldest is forgotten. */
function remember<Key>(moments: Map<Key, Moment>, key: Key, moment: Moment): void {
  moments.delete(key);
  moments.set(key, moment);
  for (const oldest of moments.size > maxRemembered ? moments.keys() : []) {
    moments.delete(oldest);
    break;
  }
}

function cellsOf({ atMs, timeMs, seq }: Moment): readonly number[] {
  return [atMs, timeMs, seq];
}

function momentIn(cells: readonly number[], at: number): Moment {
  return { atMs: cells[at] ?? 0, timeMs: cells[at + 1] ?? 0, seq: cells[at + 2] ?? 0 };
}
