import { ActivityCounts } from "./activity-counts.ts";
import type { ActivityEvent } from "./activity-event.ts";
import { ActivityGraph } from "./activity-graph.ts";
import type { ActivityLimits } from "./activity-limits.ts";
import { dialects, type SignalResult } from "./dialects.ts";
import { Evictions } from "./evictions.ts";
import { FinishedWork } from "./finished-work.ts";
import { GroupDeadlines } from "./group-deadlines.ts";
import { Intake } from "./intake.ts";
import { Judgement } from "./judgement.ts";
import { kindNames, toWorkKind } from "./kinds.ts";
import { Ownership } from "./ownership.ts";
import { ProcessWatch } from "./process-watch.ts";
import { type SignalBatch, signalTypes } from "./signal-batch.ts";
import { spanStates } from "./span-table.ts";
import { WorkLedger } from "./work-ledger.ts";

/** A session may be known by several references; more than this on average are not remembered. */
const referencesPerSession = 4;

/** How much is held, against the limits. */
export interface ActivitySizes {
  readonly openWork: number;
  readonly tombstones: number;
  /** Rows of spans of any state. */
  readonly spans: number;
  readonly groups: number;
  /** Groups with open work. */
  readonly sessions: number;
  readonly references: number;
  readonly traces: number;
}

/**
 * The activity of every session: which runs, tools and model calls are open, and which of them nobody
 * owns any more.
 *
 * Pure: no clock, no I/O, no chance. Time comes in with the input (`nowMs`, monotonic milliseconds;
 * one that steps back counts as standing still) and what happened comes out as events. Deadlines run
 * on arrival time only; the sender's timestamps order signals but never drive a timer. Calling `tick`
 * more often changes nothing but when events are told.
 *
 * At every moment and for every kind: *started = ended + evicted + open + untracked*.
 */
export class SessionActivity {
  readonly counts = new ActivityCounts();
  readonly #graph: ActivityGraph;
  readonly #ledger: WorkLedger;
  readonly #judgement: Judgement;
  readonly #intake: Intake;
  readonly #processes: ProcessWatch;
  #nowMs = 0;

  /** `seed` is any 32-bit number; a random one keeps senders from choosing ids that collide in the tables. */
  constructor(limits: ActivityLimits, seed = 0) {
    const deadlines = new GroupDeadlines(limits.allowedLatenessMs);
    const graph: ActivityGraph = new ActivityGraph(
      seed,
      limits.maxSessions * referencesPerSession,
      {
        onGroupGone: (group) => deadlines.cancel(group),
        onGroupMerged: (from, into) => deadlines.move(from, into),
      },
    );
    const ownership = new Ownership(graph, deadlines, limits.allowedLatenessMs);
    const ledger = new WorkLedger(limits, graph, this.counts, (span) => ownership.forget(span));
    const processes = new ProcessWatch(limits.allowedLatenessMs);
    const evictions = new Evictions(graph, ledger);
    const { allowedLatenessMs } = limits;
    const finished = new FinishedWork({
      allowedLatenessMs,
      graph,
      ledger,
      processes,
      ownership,
      evictions,
    });
    const parts = { limits, graph, counts: this.counts, ledger, deadlines, ownership, finished };
    this.#graph = graph;
    this.#ledger = ledger;
    this.#processes = processes;
    this.#judgement = new Judgement({ ...parts, processes, evictions });
    this.#intake = new Intake({ ...parts, judgement: this.#judgement });
  }

  /** Takes in signals that arrived at `nowMs`, after what was due by then has been decided. */
  apply(batch: SignalBatch, nowMs: number): readonly ActivityEvent[] {
    this.#advance(nowMs);
    for (let row = 0; row < batch.count; row++) {
      this.counts.addSignal(this.#take(batch, row), batch.dialect.get(row));
      this.#judgement.drainEased(this.#nowMs);
    }
    return this.#ledger.events.splice(0);
  }

  /** Lets time pass: what is due by `nowMs` is decided, each thing as of its deadline. */
  tick(nowMs: number): readonly ActivityEvent[] {
    this.#advance(nowMs);
    return this.#ledger.events.splice(0);
  }

  sizes(): ActivitySizes {
    return {
      openWork: this.#ledger.openWork,
      tombstones: this.#ledger.tombstones,
      spans: this.#graph.spans.size,
      groups: this.#graph.groups.size,
      sessions: this.#graph.activeGroups,
      references: this.#graph.references.size,
      traces: this.#graph.traces.size,
    };
  }

  /** Age of the oldest open work by `WorkKind`, in ms by arrival; 0 where none is open. Walks every row. */
  oldestAgesMs(nowMs: number): readonly number[] {
    const { spans } = this.#graph;
    const ages = kindNames.map(() => 0);
    for (let span = 0; span < spans.rows; span++) {
      if (spans.state.get(span) === spanStates.open) {
        const kind = toWorkKind(spans.kind.get(span));
        ages[kind] = Math.max(ages[kind] ?? 0, nowMs - spans.endMs.get(span));
      }
    }
    return ages;
  }

  #take(batch: SignalBatch, row: number): SignalResult {
    const process = batch.process.get(row);
    const dialect = batch.dialect.get(row);
    const isBetter = this.#processes.hear({
      process,
      place: batch.place.get(row),
      dialect,
      nowMs: this.#nowMs,
    });
    if (isBetter && dialect === dialects.relay) {
      this.#judgement.supersede(process, this.#nowMs);
    }
    switch (batch.type.get(row)) {
      case signalTypes.alive:
        this.#processes.beat(process, batch.intervalMs.get(row), this.#nowMs);
        return "heartbeat";
      case signalTypes.gone:
        this.#processes.bury(process, this.#nowMs);
        return "gone";
      default:
        break;
    }
    // Live and finished spans are the same spans; the relay's are its own.
    if (dialect !== dialects.relay && this.#processes.sourceOf(process) === dialects.relay) {
      return "superseded";
    }
    return batch.type.get(row) === signalTypes.start
      ? this.#intake.start(batch, row, this.#nowMs)
      : this.#intake.end(batch, row, this.#nowMs);
  }

  #advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#judgement.advance(this.#nowMs);
  }
}
