import type { Chance } from "./chance.ts";
import { createProcesses, type Lives } from "./processes.ts";
import type { GatewayProcess, Pause, Session, Story, Work, WorkKind } from "./story.ts";
import { namesSessions } from "./telling.ts";

/** What the sessions of a gateway are like. */
export interface Habits extends Lives {
  /** Sessions of people; sub-agents have more. */
  readonly sessions: number;
  /** Turns begin within this time. */
  readonly lastsMs: number;
  /** Tools that never end. */
  readonly hungShare: number;
  /** Of those, the part whose span the run closes as it ends. */
  readonly closedByRunShare: number;
  /** Turns of which a tool or model call ends after the run, and by how much at most. */
  readonly straggleShare: number;
  readonly straggleMs: number;
  /** Tools that wait for a person. */
  readonly pausedShare: number;
  readonly longestPauseMs: number;
  /** The longest tool. */
  readonly longestToolMs: number;
}

const never = Number.POSITIVE_INFINITY;
const deepestNesting = 2;
const mostTurns = 6;
const toolNames = Array.from({ length: 40 }, (_, index) => `tool_${index}`);

/** Makes up what happens at a gateway. */
export function tellStory(habits: Habits, chance: Chance): Story {
  const hosts = createProcesses(habits, habits.lastsMs, chance);
  const gateway = new Gateway(habits, chance);
  for (let index = 0; index < habits.sessions; index++) {
    const session = gateway.newSession();
    const processes = hosts[index % hosts.length] ?? [];
    let atMs = chance.between(0, habits.lastsMs * 0.9);
    for (let turn = 1 + chance.below(mostTurns); turn > 0; turn--) {
      const process = processes.find(({ diesMs }) => diesMs > atMs);
      if (process === undefined || atMs > habits.lastsMs) {
        break;
      }
      const startMs = Math.max(atMs, process.bornMs + 500);
      const endMs = gateway.turn(session, process, startMs);
      // A person reads and thinks; now and then the gateway tries again at once.
      const waitMs = chance.happens(0.05) ? 200 : 2_000 + chance.exponential(240_000);
      atMs = Math.min(endMs, process.diesMs) + waitMs;
    }
  }
  return {
    processes: hosts.flat(),
    sessions: gateway.sessions,
    works: gateway.works,
    pauses: gateway.pauses,
    lastsMs: habits.lastsMs,
  };
}

class Gateway {
  readonly sessions: Session[] = [];
  readonly works: Work[] = [];
  readonly pauses: Pause[] = [];
  readonly #habits: Habits;
  readonly #chance: Chance;

  constructor(habits: Habits, chance: Chance) {
    this.#habits = habits;
    this.#chance = chance;
  }

  newSession(): Session {
    const session = { index: this.sessions.length, name: `session-${this.#chance.hex(6)}` };
    this.sessions.push(session);
    return session;
  }

  /** A turn of a session, below a tool or run where it has one above. Gives when it is over. */
  turn(
    session: Session,
    process: GatewayProcess,
    startMs: number,
    above?: { readonly work: Work; readonly depth: number },
  ): number {
    const chance = this.#chance;
    const depth = above?.depth ?? 0;
    const harness = this.#start("harness", session, process, startMs, above?.work);
    const run = this.#start("run", session, process, startMs + 3, harness);
    const hung: Work[] = [];
    let at = { call: run, endMs: startMs + 20 };
    const steps = 1 + chance.below(depth === 0 ? 6 : 3);
    for (let step = 0; step < steps; step++) {
      at = this.#modelCalls(run, at.endMs);
      if (step < steps - 1) {
        at.endMs = this.#tools(run, at, depth, hung);
      }
    }
    if (depth < deepestNesting && chance.happens(0.04)) {
      at.endMs = this.turn(session, process, at.endMs, { work: run, depth: depth + 1 });
    }
    const endMs = at.endMs + 20;
    if (chance.happens(this.#habits.straggleShare)) {
      const kind = chance.happens(0.7) ? "tool" : "model_call";
      const straggler = this.#start(kind, session, process, endMs - 15, run);
      this.#end(straggler, endMs + 8 + chance.magnitude(5, this.#habits.straggleMs));
    }
    this.#end(run, endMs);
    this.#end(harness, endMs + 4);
    for (const tool of hung) {
      this.#abandon(tool, endMs + 4);
    }
    return endMs + 4;
  }

  /** A model call, again and again while it fails. Gives the one that did not, and when the run goes on. */
  #modelCalls(run: Work, fromMs: number): { call: Work; endMs: number } {
    for (let atMs = fromMs; ; ) {
      const call = this.#start("model_call", run.session, run.process, atMs, run);
      atMs += this.#chance.magnitude(400, 40_000);
      this.#end(call, atMs);
      atMs += 10;
      if (!this.#chance.happens(0.05)) {
        return { call, endMs: atMs };
      }
    }
  }

  /** Tools that a model call asked for, side by side. Gives when the run goes on. */
  #tools(
    run: Work,
    asked: { readonly call: Work; readonly endMs: number },
    depth: number,
    hung: Work[],
  ): number {
    const chance = this.#chance;
    const fromMs = asked.endMs;
    const count = chance.happens(0.4) ? 2 + chance.below(4) : 1;
    let goesOnMs = fromMs;
    for (let index = 0; index < count; index++) {
      const startMs = fromMs + index * 2;
      const tool = this.#start("tool", run.session, run.process, startMs, run, asked.call);
      if (chance.happens(this.#habits.hungShare)) {
        hung.push(tool);
        // The run gives up on it.
        goesOnMs = Math.max(goesOnMs, startMs + chance.magnitude(2_000, 120_000));
      } else {
        const endMs = this.#toolEndMs(tool, startMs, depth);
        this.#end(tool, endMs);
        goesOnMs = Math.max(goesOnMs, endMs);
      }
    }
    return goesOnMs + 5;
  }

  /** When a tool ends: after a wait for a person, or a sub-agent, where it has one. */
  #toolEndMs(tool: Work, startMs: number, depth: number): number {
    const chance = this.#chance;
    const { session, process } = tool;
    if (chance.happens(this.#habits.pausedShare)) {
      const fromMs = startMs + 50;
      const toMs = fromMs + chance.magnitude(20_000, this.#habits.longestPauseMs);
      this.pauses.push({ tool, id: chance.hex(8), fromMs, toMs });
      return toMs + chance.magnitude(20, 20_000);
    }
    if (depth < deepestNesting && chance.happens(0.04)) {
      const isOwn = chance.happens(0.8);
      const below = { work: tool, depth: depth + 1 };
      const agent = isOwn ? this.newSession() : session;
      const overMs = this.turn(agent, process, startMs + 30, below);
      // A sub-agent may go on when the tool that started it, and the run of that, have long ended.
      return isOwn && chance.happens(0.4) ? startMs + 60 : overMs + 15;
    }
    return startMs + this.#toolMs();
  }

  #toolMs(): number {
    const chance = this.#chance;
    const longest = this.#habits.longestToolMs;
    const which = chance.next();
    if (which < 0.6) {
      return chance.magnitude(1, 2_000);
    }
    if (which < 0.92) {
      return chance.magnitude(2_000, Math.min(60_000, longest));
    }
    return which < 0.995
      ? chance.magnitude(60_000, Math.max(60_000, Math.min(600_000, longest)))
      : chance.magnitude(Math.min(600_000, longest), longest);
  }

  #start(
    kind: WorkKind,
    session: Session,
    process: GatewayProcess,
    startMs: number,
    parent: Work | undefined,
    askedBy?: Work,
  ): Work {
    const work: Work = {
      index: this.works.length,
      kind,
      traceId: parent?.traceId ?? this.#chance.hex(16),
      spanId: this.#chance.hex(8),
      parent,
      session,
      process,
      tool: kind === "tool" ? (toolNames[this.#chance.below(toolNames.length)] ?? "") : "",
      askedBy,
      startMs,
      endMs: never,
      orphanedMs: never,
      closedMs: never,
      isClosedByRun: false,
    };
    // What would begin after the death of its process does not.
    if (startMs < process.diesMs) {
      this.works.push(work);
    }
    return work;
  }

  #end(work: Work, endMs: number): void {
    const { diesMs, death } = work.process;
    if (endMs <= diesMs) {
      work.endMs = endMs;
    } else if (death === "stops") {
      work.endMs = diesMs;
    } else {
      work.orphanedMs = diesMs;
    }
  }

  /** A tool that never ends has lost its run. */
  #abandon(tool: Work, ownerEndMs: number): void {
    const { diesMs, death } = tool.process;
    tool.orphanedMs = Math.min(ownerEndMs, diesMs);
    // OpenClaw does so; of what follows the GenAI conventions nobody could tell such an end from any other.
    const mayBeClosed = ownerEndMs < diesMs && !namesSessions("plain", tool.process);
    if (mayBeClosed && this.#chance.happens(this.#habits.closedByRunShare)) {
      tool.closedMs = ownerEndMs + 1;
      tool.isClosedByRun = true;
    } else if (death === "stops") {
      tool.closedMs = diesMs;
    }
  }
}
