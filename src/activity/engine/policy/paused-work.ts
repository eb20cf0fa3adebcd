import { type ActivityLimits, mostSearchedTogether } from "../../model/limits.ts";
import { compareMoments, type Moment } from "../../model/moment.ts";
import { workKinds } from "../../model/work.ts";
import type { ActivityStore } from "../store/activity-store.ts";
import { isCrowded } from "../store/crowded-sessions.ts";
import { Search } from "../store/search.ts";
import { spanStates } from "../store/span-lifecycle.ts";
import type { Pause, PauseRegister } from "./pause-register.ts";
import { startOf } from "./span-start.ts";

/** What it needs of the engine. */
interface PausedWorkParts {
  readonly limits: ActivityLimits;
  readonly store: ActivityStore;
}

/** Finds the work that open pauses concern. Keeps nothing; a paused link that has turned out to be work is counted as such on the way. */
export class PausedWork {
  readonly #parts: PausedWorkParts;
  readonly #register: PauseRegister;

  constructor(parts: PausedWorkParts, register: PauseRegister) {
    this.#parts = parts;
    this.#register = register;
  }

  /** Whether a span waits: a pause names it, or it is a run that began before a pause of its session. */
  isPaused(span: number): boolean {
    const { pauses, ofSpan, ofGroup } = this.#register;
    if (pauses.size === 0) {
      return false;
    }
    if (ofSpan.has(span) || this.#isLinkNamedBelow(span)) {
      return true;
    }
    const { store } = this.#parts;
    if (store.spans.kind.get(span) !== workKinds.run) {
      return false;
    }
    for (const key of ofGroup.get(store.groupOf(span)) ?? []) {
      const pause = pauses.get(key);
      if (pause !== undefined && this.#isBefore(startOf(store, span), pause.began)) {
        return true;
      }
    }
    return false;
  }

  /** Whether open work gets no older: it waits, or its run does, or work below it does. */
  holdsTime(span: number): boolean {
    const { pauses } = this.#register;
    if (pauses.size === 0) {
      return false;
    }
    return this.isPaused(span) || this.#isInPausedRun(span) || this.#isAbovePaused(span);
  }

  /** Whether open work below a span waits, which is of its trace; true as well where more waits there than a search reads. */
  #isAbovePaused(span: number): boolean {
    const { store, limits } = this.#parts;
    const { spans, owners, tree, inTrace, members } = store;
    const { ofTrace, ofGroup } = this.#register;
    if (spans.openBelow.get(span) === 0) {
      return false;
    }
    const trace = spans.trace.get(span);
    const search = new Search(mostSearchedTogether(limits));
    for (const pause of ofTrace.get(trace) ?? []) {
      if (!search.reads() || this.workOf(pause).some((work) => tree.isAncestor(span, work))) {
        return true;
      }
    }
    let owner = ofGroup.size === 0 ? -1 : inTrace.first.get(trace);
    for (; owner !== -1 && search.reads(); owner = inTrace.after.get(owner)) {
      if (!owners.isOpen(owner) || !ofGroup.has(owners.group.get(owner))) {
        continue;
      }
      let run = members.first.get(owner);
      for (; run !== -1 && search.reads(); run = members.after.get(run)) {
        const isOpenRun =
          spans.kind.get(run) === workKinds.run && spans.state.get(run) === spanStates.open;
        if (isOpenRun && tree.isAncestor(span, run) && this.isPaused(run)) {
          return true;
        }
      }
    }
    return search.isCut;
  }

  /** The spans of a session that pauses name; of a crowded one, while more spans wait than a search reads, those that it reaches. */
  namedIn(group: number): readonly number[] {
    const { store, limits } = this.#parts;
    const { ofSpan } = this.#register;
    const most = mostSearchedTogether(limits);
    if (group === -1) {
      return [];
    }
    if (ofSpan.size <= most) {
      return [...ofSpan.keys()].filter((span) => store.groupOf(span) === group);
    }
    const waiting = new Set<number>();
    const add = (span: number) => {
      if (ofSpan.has(span) && store.groupOf(span) === group) {
        waiting.add(span);
      }
    };
    const search = new Search(most);
    const { inGroup, members, owners } = store;
    for (
      let owner = inGroup.first.get(group);
      owner !== -1 && search.reads();
      owner = inGroup.after.get(owner)
    ) {
      add(owners.top.get(owner));
      for (
        let span = members.first.get(owner);
        span !== -1 && search.reads();
        span = members.after.get(span)
      ) {
        add(span);
      }
    }
    return [...waiting];
  }

  /** The open work that a pause names; undefined in a crowded session. */
  searchedWorkOf(pause: Pause): readonly number[] | undefined {
    const { limits, store } = this.#parts;
    return pause.span === -1 && isCrowded(store, pause.group, limits)
      ? undefined
      : this.workOf(pause);
  }

  /** The open work that a pause names. */
  workOf({ span, group, began }: Pause): readonly number[] {
    const { store } = this.#parts;
    const { spans, owners, live, members } = store;
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
          this.#isBefore(startOf(store, run), began),
      );
  }

  #isBefore(a: Moment, b: Moment | undefined): boolean {
    return b !== undefined && compareMoments(a, b, this.#parts.limits.allowedLatenessMs) <= 0;
  }

  /** The span itself, or of a link the nearest work above; -1 when there is none. */
  #workAt(span: number): number {
    const { spans } = this.#parts.store;
    let work = span;
    while (
      work !== -1 &&
      spans.kind.get(work) === workKinds.other &&
      spans.state.get(work) !== spanStates.unknown
    ) {
      work = spans.parentOf(work);
    }
    return work;
  }

  /** Whether a span is a marker of a run that waits. */
  #isInPausedRun(span: number): boolean {
    const { spans, owners, members } = this.#parts.store;
    const owner = spans.owner.get(span);
    if (spans.kind.get(span) === workKinds.run || owner === -1 || !owners.isOpen(owner)) {
      return false;
    }
    return members
      .all(owner)
      .some((each) => spans.kind.get(each) === workKinds.run && this.isPaused(each));
  }

  /** Whether a paused link is below this work, which is the nearest above the link. */
  #isLinkNamedBelow(work: number): boolean {
    const { pauses, ofSpan, links } = this.#register;
    for (const named of links) {
      if (this.#parts.store.spans.kind.get(named) !== workKinds.other) {
        links.delete(named); // It has arrived, and is work.
        for (const key of ofSpan.get(named) ?? []) {
          const pause = pauses.get(key);
          if (pause !== undefined) {
            this.#register.recount(pause);
          }
        }
      } else if (named !== work && this.#workAt(named) === work) {
        return true;
      }
    }
    return false;
  }
}
