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
  #looked = 0;

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

  /** How many deadlines were looked at since this was asked last. */
  takeLooked(): number {
    const looked = this.#looked;
    this.#looked = 0;
    return looked;
  }

  /** Markers that a judgement of the group would evict, about; 0 for most groups. */
  markersOf(group: number): number {
    const { groups } = this.#graph;
    const isOver =
      groups.openMarkers.get(group) > 0 &&
      (groups.hasEnded(group) ||
        (groups.pauses.get(group) === 0 && this.#ownership.isOwnerless(group)));
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
      this.#looked++;
      if (!groups.hasFlag(seen, groupFlags.held)) {
        const markers = this.markersOf(seen);
        total += markers;
        largest = Math.max(largest, markers);
      }
    };
    see(group);
    agenda.eachLeft(agendaRanks.group, untilMs, (left, dueMs) => {
      if (this.#deadlines.stands(left, dueMs)) {
        see(left);
      }
    });
    this.#deadlines.peek(untilMs, see);
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
