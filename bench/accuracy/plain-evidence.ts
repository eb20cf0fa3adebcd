import type { ArrivalTimes } from "./arrival-times.ts";
import { push } from "./owners.ts";
import { namesSessions, sentMs } from "./sender-dialect.ts";
import {
  type GatewayProcess,
  isMarker,
  isOrphan,
  isRun,
  ownerOf,
  type Story,
  type Work,
} from "./story.ts";

const never = Number.POSITIVE_INFINITY;
/** `tombstone_ttl`: work that ended longer ago is no evidence any more about its requests or the work below it. */
const rememberedMs = 900_000;
/** A tool that is cut off with its run ends with it. One that ended longer before did so by itself. */
const cutOffMs = 100;
/** `allowed_lateness`: what ends within it after its run has ended by itself. */
const latenessMs = 10_000;

/**
 * What finished spans show about orphans, whose own spans never arrive or arrive when their process stops. A harness run of
 * OpenClaw counts them at its end. Where spans follow the GenAI conventions a model call has requested them, which is
 * evidence only if the same response had a call that ran, a tool of that name reports its calls, and the run then failed
 * later than that, or went on to a model call of which the input is not shown.
 */
export class PlainEvidence {
  readonly #arrivals: ArrivalTimes;
  readonly #showsAnswers: boolean;
  /** Markers of a turn, tools that a model call requested, model calls of a turn, and what a stop has closed. */
  readonly #ofTurn = new Map<Work, Work[]>();
  readonly #requestedBy = new Map<Work, Work[]>();
  readonly #closedByStop = new Map<GatewayProcess, Work[]>();
  /** When a process first reported a call of a tool whose name a model had requested. */
  readonly #reportedMs = new Map<string, number>();

  constructor(
    story: Story,
    by: { readonly arrivals: ArrivalTimes; readonly showsAnswers: boolean },
  ) {
    this.#arrivals = by.arrivals;
    this.#showsAnswers = by.showsAnswers;
    for (const work of story.works) {
      if (isMarker(work)) {
        push(this.#ofTurn, ownerOf(work), work);
      }
      if (work.requestedBy !== undefined) {
        push(this.#requestedBy, work.requestedBy, work);
        this.#noteReported(work, work.requestedBy);
      }
      if (isClosedByStop(work)) {
        push(this.#closedByStop, work.process, work);
      }
    }
  }

  /** When all has arrived from which it follows that a tool never ends; Infinity when that never is. */
  arrivalMs(orphan: Work): number {
    return Math.min(
      namesSessions("plain", orphan.process)
        ? this.#requestMs(orphan)
        : this.#countMs(orphan, ownerOf(orphan)),
      this.#closedMs(orphan),
    );
  }

  /**
   * A harness run counts the items that are open at its end, of which a tool may be two: of n items half as many tools are sure, and
   * of those the ones that end after all. The count is believed when every other tool of the run is known.
   */
  #countMs(orphan: Work, owner: Work): number {
    const tools = (this.#ofTurn.get(owner) ?? []).filter((work) => work.kind === "tool");
    const hung = tools.filter((work) => isOrphan(work) && !work.isClosedByRun);
    const others = tools.filter((work) => !isOrphan(work));
    // Until its run arrives, what is known of a tool hangs on the name of the run, which is forgotten in time.
    const endedMs = this.#arrivals.endOf(owner);
    const isKnown = others.every(
      (work) => endedMs - this.#arrivals.endOf(work) < rememberedMs && work.stamp === "right",
    );
    const decidedMs = endedMs + latenessMs;
    const late = others.filter(
      (work) => work.endMs > owner.endMs && this.#arrivals.endOf(work) > decidedMs,
    ).length;
    const sure = Math.ceil((hung.length + late) / 2) - late;
    return isKnown && hung.indexOf(orphan) < sure ? endedMs : never;
  }

  /**
   * How many calls a run requested that never ran and look like calls that never ended: they were refused, but the run broke
   * off before that was reported.
   */
  lookAlikesIn(run: Work): number {
    const owner = ownerOf(run);
    return (this.#ofTurn.get(owner) ?? [])
      .filter((call) => call.requested.length > 0 && Number.isFinite(this.#goneOnMs(call, owner)))
      .reduce((sum, call) => sum + call.requested.length, 0);
  }

  #requestMs(orphan: Work): number {
    const { requestedBy } = orphan;
    const owner = ownerOf(orphan);
    const isNameKnown =
      (this.#reportedMs.get(keyOf(orphan)) ?? never) <= this.#arrivals.endOf(owner);
    return requestedBy === undefined || !isNameKnown ? never : this.#goneOnMs(requestedBy, owner);
  }

  /** When it is known that a response was taken up, and that the run went on or broke off without the rest of its calls. */
  #goneOnMs(requestedBy: Work, owner: Work): number {
    const ownerEndMs = this.#arrivals.endOf(owner);
    const siblings = (this.#requestedBy.get(requestedBy) ?? []).filter((tool) => !isOrphan(tool));
    const siblingMs = Math.min(...siblings.map((tool) => this.#arrivals.endOf(tool)));
    const ranMs = Math.min(...siblings.map(({ endMs }) => endMs));
    // A later model call that shows its input is handed the answer, or shows that the call was dropped.
    const hasCalled = this.#modelCallAfter(requestedBy, owner);
    const isBrokenOff = owner.isFailed && owner.endMs > ranMs + cutOffMs;
    const hasGoneOn = this.#showsAnswers ? !hasCalled && isBrokenOff : hasCalled || isBrokenOff;
    const requestedMs = this.#arrivals.endOf(requestedBy);
    const isRemembered = ownerEndMs <= requestedMs + rememberedMs;
    return hasGoneOn && isRemembered ? Math.max(requestedMs, ownerEndMs, siblingMs) : never;
  }

  #modelCallAfter(call: Work, owner: Work): boolean {
    return (this.#ofTurn.get(owner) ?? []).some(
      (work) =>
        work.kind === "model_call" &&
        work.startMs >= call.endMs &&
        Number.isFinite(this.#arrivals.endOf(work)),
    );
  }

  /**
   * A process that stops closes all that is open, OpenClaw without an outcome. Of others what ends alone may just have taken
   * long, and so may one tool with the other in it.
   */
  #closedMs(orphan: Work): number {
    const { process } = orphan;
    const closedMs = Math.max(this.#arrivals.endOf(orphan), this.#arrivals.endOf(ownerOf(orphan)));
    if (orphan.isClosedByRun || !isClosedByStop(orphan)) {
      return orphan.isClosedByRun ? closedMs : never;
    }
    if (!namesSessions("plain", process)) {
      return closedMs;
    }
    const others = (this.#closedByStop.get(process) ?? []).filter(
      (work) => work !== orphan && work.parent !== orphan && work !== orphan.parent,
    );
    const otherMs = Math.min(...others.map((work) => this.#arrivals.endOf(work)));
    const { parent } = orphan;
    const isForgotten =
      parent?.kind === "tool" && this.#arrivals.endOf(parent) + rememberedMs < closedMs;
    return !isForgotten ? Math.max(closedMs, otherMs) : never;
  }

  #noteReported(tool: Work, requestedBy: Work): void {
    const atMs = Math.max(this.#arrivals.endOf(tool), this.#arrivals.endOf(requestedBy));
    const isReported = !isOrphan(tool) && !isRun(tool) && Number.isFinite(atMs);
    if (isReported && namesSessions("plain", tool.process)) {
      const key = keyOf(tool);
      this.#reportedMs.set(key, Math.min(this.#reportedMs.get(key) ?? never, atMs));
    }
  }
}

/**
 * Whether its process has closed the span of an orphan as it stopped, by its own clock longer after the run than what has
 * ended by itself. Where that clock was set meanwhile, or a time is none, it may have ended long before, or begun later.
 */
function isClosedByStop(work: Work): boolean {
  const { closedMs, process, parent } = work;
  if (!isMarker(work) || !isOrphan(work) || closedMs !== process.diesMs) {
    return false;
  }
  const owner = ownerOf(work);
  const outlivedMs = sentMs(closedMs, process) - sentMs(owner.endMs, process);
  const isDated = [work, parent, owner].every((each) => each?.stamp === "right");
  const isOwned = sentMs(work.startMs, process) <= sentMs(owner.endMs, process);
  const passedMs = closedMs - owner.endMs;
  const isBelieved = outlivedMs > latenessMs && outlivedMs <= passedMs + latenessMs;
  return isDated && isOwned && isBelieved && passedMs > latenessMs;
}

function keyOf({ process, tool }: Work): string {
  return `${process.index} ${tool}`;
}
