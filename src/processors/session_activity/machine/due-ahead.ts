import { workKinds } from "../kinds.ts";
import type { ActivityGraph } from "./activity-graph.ts";
import { type Agenda, agendaRanks } from "./agenda.ts";
import type { DueMarkers } from "./breaker.ts";
import type { GroupDeadlines } from "./group-deadlines.ts";
import { groupFlags } from "./group-table.ts";
import type { Ownership } from "./ownership.ts";
import type { ProcessWatch } from "./process-watch.ts";
import { spanStates } from "./span-table.ts";
import type { WorkLedger } from "./work-ledger.ts";

/** How many markers the deadlines ahead would evict, for the breaker. It looks and changes nothing. */
export class DueAhead {
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #deadlines: GroupDeadlines;
  readonly #processes: ProcessWatch;
  readonly #ownership: Ownership;

  constructor(parts: {
    readonly graph: ActivityGraph;
    readonly ledger: WorkLedger;
    readonly deadlines: GroupDeadlines;
    readonly processes: ProcessWatch;
    readonly ownership: Ownership;
  }) {
    this.#graph = parts.graph;
    this.#ledger = parts.ledger;
    this.#deadlines = parts.deadlines;
    this.#processes = parts.processes;
    this.#ownership = parts.ownership;
  }

  /** Markers that a judgement of the group would evict, about; 0 for most groups. */
  markersOf(group: number): number {
    const { groups } = this.#graph;
    const isOver =
      groups.openMarkers.get(group) > 0 &&
      groups.pauses.get(group) === 0 &&
      (this.#ownership.isOwnerless(group) || groups.hasEnded(group));
    return isOver ? groups.openMarkers.get(group) : 0;
  }

  /**
   * What owners and sessions that ended leave to be evicted by `untilMs`: of `group`, which is about to be
   * judged, of what is on the agenda, and of what comes after that.
   */
  byOwners(group: number, agenda: Agenda, untilMs: number): DueMarkers {
    const { groups } = this.#graph;
    let total = 0;
    let largest = 0;
    const see = (seen: number): void => {
      if (groups.members.get(seen) > 0 && !groups.hasFlag(seen, groupFlags.held)) {
        const markers = this.markersOf(seen);
        total += markers;
        largest = Math.max(largest, markers);
      }
    };
    see(group);
    agenda.eachLeft(agendaRanks.group, untilMs, (left) => {
      if (this.#deadlines.isDue(left)) {
        see(left);
      }
    });
    this.#deadlines.peek(untilMs, see);
    return { total, largest };
  }

  /** The same for silence; `item` of this rank, a process or a span, is about to be decided. */
  bySilence(item: number, rank: number, agenda: Agenda, untilMs: number): DueMarkers {
    const { spans } = this.#graph;
    let total = 0;
    const seeProcess = (process: number): void => {
      if (this.#processes.isLeaseOver(process, untilMs)) {
        total += this.#ledger.openMarkersOf(process);
      }
    };
    const seeSpan = (span: number): void => {
      if (
        spans.state.get(span) === spanStates.open &&
        spans.kind.get(span) !== workKinds.run &&
        this.#ledger.silentUntilMs(span) <= untilMs
      ) {
        total += 1;
      }
    };
    const see = rank === agendaRanks.process ? seeProcess : seeSpan;
    see(item);
    agenda.eachLeft(agendaRanks.process, untilMs, seeProcess);
    agenda.eachLeft(agendaRanks.span, untilMs, seeSpan);
    this.#processes.peek(untilMs, seeProcess);
    this.#ledger.ages.peek(untilMs, seeSpan);
    return { total, largest: 0 };
  }
}
