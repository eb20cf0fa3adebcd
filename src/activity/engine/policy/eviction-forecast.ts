import { workKinds } from "../../model/work.ts";
import { type Agenda, agendaRanks } from "../schedule/due-queue.ts";
import type { DueQueue } from "../schedule/keyed-timers.ts";
import type { ActivityGraph } from "../store/activity-store.ts";
import { groupFlags } from "../store/group-table.ts";
import { boundWorkOf } from "../store/open-members.ts";
import type { WorkLedger } from "../store/open-work.ts";
import { ownerFlags } from "../store/owner-table.ts";
import { spanStates } from "../store/span-table.ts";
import type { DueMarkers } from "./circuit-breaker.ts";
import type { Holders } from "./holders.ts";
import type { ProcessWatch } from "./process-liveness.ts";

/** How many markers the deadlines ahead would evict, for the breaker. It looks and changes nothing. */
export class DueAhead {
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #deadlines: DueQueue;
  readonly #sessionDeadlines: DueQueue;
  readonly #processes: ProcessWatch;
  readonly #holders: Holders;
  readonly #allowedLatenessMs: number;
  #looked = 0;

  constructor(parts: {
    readonly graph: ActivityGraph;
    readonly ledger: WorkLedger;
    readonly deadlines: DueQueue;
    readonly sessionDeadlines: DueQueue;
    readonly processes: ProcessWatch;
    readonly holders: Holders;
    readonly allowedLatenessMs: number;
  }) {
    this.#graph = parts.graph;
    this.#ledger = parts.ledger;
    this.#deadlines = parts.deadlines;
    this.#processes = parts.processes;
    this.#holders = parts.holders;
    this.#sessionDeadlines = parts.sessionDeadlines;
    this.#allowedLatenessMs = parts.allowedLatenessMs;
  }

  /** How many deadlines were looked at since this was asked last. */
  takeLooked(): number {
    const looked = this.#looked;
    this.#looked = 0;
    return looked;
  }

  /** Markers that a decision about the owner at `atMs` would evict, about; 0 for most. */
  markersOf(owner: number, atMs: number): number {
    const { owners } = this.#graph;
    const markers = owners.openMarkers.get(owner);
    if (markers === 0 || owners.isOpen(owner) || owners.hasFlag(owner, ownerFlags.unwatched)) {
      return 0;
    }
    if (owners.isLoose(owner)) {
      return boundWorkOf(this.#graph, owner).filter((marker) => {
        const { holder, lastEndMs } = this.#holders.ofLooseMarker(marker);
        return holder === -1 && lastEndMs + this.#allowedLatenessMs <= atMs;
      }).length;
    }
    const { holder, lastEndMs } = this.#holders.ofOwner(owner, atMs);
    const isOver = holder === -1 && lastEndMs + this.#allowedLatenessMs <= atMs;
    const hasOthers = isOver && owners.hasFlag(owner, ownerFlags.hasDetached);
    return hasOthers ? boundWorkOf(this.#graph, owner).length : isOver ? markers : 0;
  }

  /** Markers that the end of a session would evict, about. */
  markersOfSession(group: number): number {
    const { groups } = this.#graph;
    return groups.hasEnded(group) ? groups.openMarkers.get(group) : 0;
  }

  /**
   * What owners and sessions that ended leave to be evicted by `untilMs`: of `item` of this rank, which is about to be
   * decided, of what is on the agenda, and of what comes after that.
   */
  byOwners(item: number, rank: number, agenda: Agenda, untilMs: number): DueMarkers {
    const { owners, groups } = this.#graph;
    const ofGroup = new Map<number, number>();
    const add = (group: number, markers: number): void => {
      this.#looked++;
      if (markers > 0) {
        ofGroup.set(group, (ofGroup.get(group) ?? 0) + markers);
      }
    };
    const seeOwner = (owner: number): void => {
      const isHeld = owners.hasFlag(owner, ownerFlags.held);
      add(owners.group.get(owner), isHeld ? 0 : this.markersOf(owner, untilMs));
    };
    const seeSession = (group: number): void => {
      add(group, groups.hasFlag(group, groupFlags.held) ? 0 : this.markersOfSession(group));
    };
    const see = [seeOwner, seeSession];
    see[rank]?.(item);
    for (const [other, queue] of [this.#deadlines, this.#sessionDeadlines].entries()) {
      agenda.eachLeft(other, untilMs, (left, dueMs) => {
        if (queue.stands(left, dueMs)) {
          see[other]?.(left);
        }
      });
      queue.peek(untilMs, (each) => see[other]?.(each));
    }
    let total = 0;
    let largest = 0;
    for (const [group, markers] of ofGroup) {
      const some = Math.min(markers, groups.openMarkers.get(group));
      total += some;
      largest = Math.max(largest, some);
    }
    return { total, largest };
  }

  /**
   * The same for silence, of a process or a span; `item` of this rank is about to be decided. A marker that
   * is silent as its process is counts once.
   */
  bySilence(item: number, rank: number, agenda: Agenda, untilMs: number): DueMarkers {
    const { spans, traces } = this.#graph;
    const { ages } = this.#ledger;
    let total = 0;
    const silent = new Set<number>();
    const seeProcess = (process: number): void => {
      this.#looked++;
      if (!silent.has(process) && this.#processes.isLeaseOver(process, untilMs)) {
        silent.add(process);
        total += this.#ledger.openMarkersOf(process);
      }
    };
    const seeSpan = (span: number): void => {
      this.#looked++;
      if (
        spans.state.get(span) === spanStates.open &&
        spans.kind.get(span) !== workKinds.run &&
        this.#ledger.silentUntilMs(span) <= untilMs &&
        !silent.has(traces.process.get(spans.trace.get(span)))
      ) {
        total += 1;
      }
    };
    if (rank === agendaRanks.process) {
      seeProcess(item);
    }
    agenda.eachLeft(agendaRanks.process, untilMs, seeProcess);
    this.#processes.peek(untilMs, seeProcess);
    if (rank === agendaRanks.span) {
      seeSpan(item);
    }
    agenda.eachLeft(agendaRanks.span, untilMs, seeSpan);
    ages.peek(untilMs, seeSpan);
    return { total, largest: 0 };
  }
}
