import { OldestFirstMap } from "../../../collections/oldest-first-map.ts";
import type { ActivityLimits } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import type { SnapshotStream } from "../store/snapshot.ts";
import { PauseRegister } from "./pause-register.ts";
import { PausedWork } from "./paused-work.ts";

/** Ends of pauses that are remembered. */
const maxEnds = 10_000;

/** What it needs of the engine. */
interface PausesParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
}

/**
 * Decides which work waits for a person: a span that a pause names, or the runs of a session that were open when the pause began.
 * A pause ends when its end is reported, with the work that it names, and after `maxPauseMs`.
 *
 * Keeps the open pauses (see `PauseRegister`), and 10 000 ends of pauses and as many of all pauses of a session. Of more ends the
 * oldest is forgotten: a repeat of that pause then begins anew.
 */
export class Pauses {
  readonly #parts: PausesParts;
  readonly #register: PauseRegister;
  readonly #work: PausedWork;
  /** The open pauses by key, in the order in which they began. */
  readonly open: { readonly size: number };
  /** When a pause ended last, by its key: a beginning before that is a repeat, or was overtaken. The oldest first. */
  readonly #ended = new OldestFirstMap<string, Moment>(maxEnds);
  /** The same of all pauses of a session, by its group. */
  readonly #allEnded = new OldestFirstMap<number, Moment>(maxEnds);

  constructor(parts: PausesParts) {
    this.#parts = parts;
    this.#register = new PauseRegister(parts.store);
    this.#work = new PausedWork(parts, this.#register);
    this.open = this.#register.pauses;
  }

  snapshot(io: SnapshotStream): void {
    const { pauses } = this.#register;
    const keys = io.texts([...pauses.keys()]);
    const cells = io.numbers(
      [...pauses.values()].flatMap(({ span, group, began }) => [span, group, ...cellsOf(began)]),
    );
    const ended = io.texts([...this.#ended.keys()]);
    const endedAt = io.numbers([...this.#ended.values()].flatMap(cellsOf));
    const allEnded = io.numbers(
      [...this.#allEnded.entries()].flatMap(([group, moment]) => [group, ...cellsOf(moment)]),
    );
    if (!io.isLoading) {
      return;
    }
    for (const [at, key] of keys.entries()) {
      const [span = -1, group = -1] = cells.slice(at * 5);
      this.#register.add(key, { span, group }, momentIn(cells, at * 5 + 2));
    }
    for (const [at, key] of ended.entries()) {
      this.#ended.set(key, momentIn(endedAt, at * 3));
    }
    for (let at = 0; at < allEnded.length; at += 4) {
      this.#allEnded.set(allEnded[at] ?? -1, momentIn(allEnded, at + 1));
    }
  }

  /** The keys of open pauses and of those that have ended, each as `process:key0:key1`. */
  *keys(): Generator<string> {
    yield* this.#register.pauses.keys();
    yield* this.#ended.keys();
  }

  /** Whether a pause is open. */
  isOpen(key: string): boolean {
    return this.#register.pauses.has(key);
  }

  /**
   * Begins a pause of a span, or with a span of -1 of a session's runs. `key` names it, so that its end finds it. False when it is
   * known, has ended already, or is one too many.
   */
  begin(span: number, group: number, key: string, began: Moment): boolean {
    const { pauses } = this.#register;
    const hasEnded =
      this.#isBefore(began, this.#ended.get(key)) ||
      this.#isBefore(began, this.#allEnded.get(group));
    if (hasEnded || pauses.has(key) || !this.#register.hasRoom(span, group)) {
      return false;
    }
    this.#ended.delete(key);
    this.#register.add(key, { span, group: span === -1 ? group : -1 }, began);
    return true;
  }

  /** The open work that a pause names; none in a crowded session. */
  namedBy(key: string): readonly number[] {
    const pause = this.#register.pauses.get(key);
    return pause === undefined ? [] : (this.#work.searchedWorkOf(pause) ?? []);
  }

  /**
   * Ends a pause. Returns the open work that it named; undefined when it is not known. The pause of a crowded session does not end: too
   * much work would resume with it. It ends with its runs, or after `maxPauseMs`.
   */
  end(key: string, ended: Moment): readonly number[] | undefined {
    const pause = this.#register.pauses.get(key);
    const named = pause === undefined ? undefined : this.#work.searchedWorkOf(pause);
    if (pause === undefined || named !== undefined) {
      this.#ended.set(key, ended);
      this.#register.remove(key);
    }
    return named;
  }

  /**
   * Ends every pause of a session: its own, those of its open work, and those of a span that may not have arrived yet (else -1).
   * Returns the open work that they named; undefined when there was none. Of a crowded session those may stay that the search does not
   * reach, while more spans wait than it reads.
   */
  endAll(group: number, awaited: number, ended: Moment): readonly number[] | undefined {
    const { pauses, ofGroup, ofSpan } = this.#register;
    const keys = [...(ofGroup.get(group) ?? [])];
    const first = pauses.get(keys[0] ?? "");
    const isCrowded = first !== undefined && this.#work.searchedWorkOf(first) === undefined;
    if (group !== -1 && !isCrowded) {
      this.#allEnded.set(group, ended);
    }
    for (const span of this.#work.namedIn(group)) {
      if (span !== awaited) {
        keys.push(...(ofSpan.get(span) ?? []));
      }
    }
    keys.push(...(ofSpan.get(awaited) ?? []));
    return keys.length === 0 ? undefined : keys.flatMap((key) => this.end(key, ended) ?? []);
  }

  /** Whether what happens in a session may change what waits in it. */
  concernsGroup(group: number): boolean {
    const { links, ofGroup, about } = this.#register;
    return links.size > 0 || ofGroup.has(group) || about.has(group);
  }

  /** Whether a pause names a span, its session, or a link, which may be below it. */
  concerns(span: number): boolean {
    const { ofSpan, ofGroup, links } = this.#register;
    return ofSpan.has(span) || links.size > 0 || ofGroup.has(this.#parts.store.groupOf(span));
  }

  /** Whether a span waits: a pause names it, or it is a run that began before a pause of its session. */
  isPaused(span: number): boolean {
    return this.#work.isPaused(span);
  }

  /** Whether open work gets no older: it waits, or its run does, or work below it does. */
  holdsTime(span: number): boolean {
    return this.#work.holdsTime(span);
  }

  /** When the oldest pause will have lasted too long; Infinity when there is none. */
  get nextOverMs(): number {
    const [, oldest] = this.#register.pauses.oldest ?? [];
    return oldest === undefined
      ? Number.POSITIVE_INFINITY
      : oldest.began.atMs + this.#parts.limits.maxPauseMs;
  }

  /** Ends the oldest pause. Returns the open work that it named. */
  endOldest(): readonly number[] {
    const [key, oldest] = this.#register.pauses.oldest ?? [];
    if (key === undefined || oldest === undefined) {
      return [];
    }
    const { began } = oldest;
    this.#ended.set(key, { ...began, atMs: began.atMs + this.#parts.limits.maxPauseMs });
    const named = this.#work.workOf(oldest);
    this.#register.remove(key);
    return named;
  }

  /** `from` has become part of `into`. */
  merge(from: number, into: number): void {
    this.#register.merge(from, into);
  }

  /** The pauses of a span end with it. */
  forgetSpan(span: number): void {
    const keys = this.#register.ofSpan.get(span);
    if (keys !== undefined) {
      this.#register.removeAll(keys);
    }
  }

  /** The pauses of a session's runs end with them: none is open any more. */
  forgetRuns(group: number): void {
    const keys = this.#register.ofGroup.get(group);
    if (keys !== undefined) {
      this.#register.removeAll(keys);
    }
  }

  /** The row of a group is freed. */
  forgetGroup(group: number): void {
    this.forgetRuns(group);
    this.#allEnded.delete(group);
  }

  #isBefore(a: Moment, b: Moment | undefined): boolean {
    return b !== undefined && compareMoments(a, b, this.#parts.limits.allowedLatenessMs) <= 0;
  }
}

function cellsOf({ atMs, timeMs, seq }: Moment): readonly number[] {
  return [atMs, timeMs, seq];
}

function momentIn(cells: readonly number[], at: number): Moment {
  return { atMs: cells[at] ?? 0, timeMs: cells[at + 1] ?? 0, seq: cells[at + 2] ?? 0 };
}
