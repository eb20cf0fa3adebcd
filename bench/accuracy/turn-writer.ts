import type { Chance } from "./chance.ts";
import type { Habits } from "./gateway.ts";
import { modelNameOf, modelTimesOf, toolLengthOf, updatesOf } from "./lengths.ts";
import { RequestedCalls } from "./requested-calls.ts";
import { absurdStamp, type Stamp } from "./sender-clock.ts";
import { namesSessions } from "./sender-dialect.ts";
import type { GatewayProcess, Pause, Session, Work, WorkKind } from "./story.ts";

const never = Number.POSITIVE_INFINITY;
const deepestNesting = 2;
/** Longer than the two minutes after which a session is stalled. */
const still = { fromMs: 130_000, toMs: 400_000 };

/** The name of tools in the background, and how long they take. */
export const backgroundTool = "tool_background";
const background = { fromMs: 60_000, toMs: 1_800_000 };

interface Above {
  readonly work: Work;
  readonly depth: number;
}

/** Makes up turns with all that is done in them. */
export class TurnWriter {
  readonly sessions: Session[] = [];
  readonly works: Work[] = [];
  readonly pauses: Pause[] = [];
  readonly #habits: Habits;
  readonly #chance: Chance;
  readonly #calls: RequestedCalls;

  constructor(habits: Habits, chance: Chance) {
    this.#habits = habits;
    this.#chance = chance;
    this.#calls = new RequestedCalls(habits.requests, chance);
  }

  /** With a name of its own, or with one that another session has in another process. */
  newSession(name = `session-${this.#chance.hex(6)}`): Session {
    const session = { index: this.sessions.length, name };
    this.sessions.push(session);
    return session;
  }

  /** A turn of a session, below a tool or run where it has one above. Returns when it is over. */
  turn(
    session: Session,
    process: GatewayProcess,
    startMs: number,
    how: { readonly isShort?: boolean; readonly above?: Above } = {},
  ): number {
    const chance = this.#chance;
    const { nestedShare, straggleShare, straggleMs, lostEndShare, unnamedShare } = this.#habits;
    const isShort = how.isShort === true;
    const depth = how.above?.depth ?? 0;
    const isUnnamed = how.above?.work.session === session && chance.happens(unnamedShare);
    const at = { session, process, isUnnamed };
    const harness = this.#start("harness", { ...at, startMs, parent: how.above?.work });
    const run = this.#start("run", { ...at, startMs: startMs + 3, parent: harness });
    const hung: Work[] = [];
    let next = { call: run, endMs: this.#runLeft(run, startMs + 20) };
    let isCancelled = false;
    const steps = isShort ? 1 + chance.below(2) : 1 + chance.below(depth === 0 ? 6 : 3);
    for (let step = 0; step < steps && !isCancelled; step++) {
      next = this.#modelCalls(run, next.endMs, isShort);
      const isLast = step === steps - 1;
      if (!isLast || this.#calls.finish(next.call).mayAlsoRun) {
        const hungBefore = hung.length;
        next.endMs = this.#tools(run, next, { depth, hung, isShort });
        isCancelled = hung.length > hungBefore && this.#calls.cancels();
      }
    }
    run.isFailed = isCancelled;
    harness.isFailed = isCancelled;
    if (!isCancelled && !isShort && depth < deepestNesting && chance.happens(nestedShare)) {
      next.endMs = this.turn(session, process, next.endMs, {
        above: { work: run, depth: depth + 1 },
      });
    }
    if (!isShort && chance.happens(this.#habits.stillShare)) {
      next.endMs += chance.magnitude(still.fromMs, still.toMs);
    }
    const endMs = next.endMs + 20;
    if (chance.happens(straggleShare)) {
      const kind = chance.happens(0.7) ? "tool" : "model_call";
      const straggler = this.#start(kind, { ...at, startMs: endMs - 15, parent: run });
      this.#end(straggler, endMs + 8 + chance.magnitude(5, straggleMs));
    }
    const isEndLost = chance.happens(lostEndShare);
    run.isEndLost = isEndLost;
    harness.isEndLost = isEndLost;
    this.#end(run, endMs);
    this.#end(harness, endMs + 4);
    for (const tool of hung) {
      this.#abandon(tool, endMs + 4);
    }
    return endMs + 4;
  }

  /** Runs the calls that were approved since an earlier turn requested them, one after the other. Returns when the run goes on. */
  #runLeft(run: Work, fromMs: number): number {
    let atMs = fromMs;
    for (const { id, name, isApproved } of this.#calls.takeLeft(run.session, run.startMs)) {
      this.#calls.answer(run, id);
      if (isApproved) {
        const about = { startMs: atMs, name, leftCall: id, parent: run, requestedBy: undefined };
        const tool = this.#start("tool", { ...run, ...about });
        atMs += this.#chance.magnitude(5, 20_000);
        this.#end(tool, atMs);
      }
    }
    return atMs;
  }

  /** A model call, again and again while it fails. Returns the one that did not, and when the run goes on. */
  #modelCalls(run: Work, fromMs: number, isShort: boolean): { call: Work; endMs: number } {
    const chance = this.#chance;
    for (let atMs = fromMs; ; ) {
      const call = this.#start("model_call", { ...run, startMs: atMs, parent: run });
      const times = modelTimesOf(call, { habits: this.#habits, isShort }, chance);
      call.progressMs = times.progressMs;
      atMs = times.endMs;
      call.isFailed = chance.happens(0.05);
      call.answered = this.#calls.answersOf(run);
      this.#end(call, atMs);
      atMs += 10;
      if (!call.isFailed && !this.#calls.discards(call)) {
        return { call, endMs: atMs };
      }
      if (!isShort && chance.happens(this.#habits.stillShare * 10)) {
        atMs += chance.magnitude(still.fromMs, still.toMs);
      }
    }
  }

  /** Tools that a model call requested, side by side. Returns when the run goes on. */
  #tools(
    run: Work,
    requested: { readonly call: Work; readonly endMs: number },
    turn: { readonly depth: number; readonly hung: Work[]; readonly isShort: boolean },
  ): number {
    const chance = this.#chance;
    const fromMs = requested.endMs;
    if (!turn.isShort && chance.happens(this.#habits.siblingShare)) {
      return this.#silentBesideBusy(run, requested, turn.hung) + 5;
    }
    const count = chance.happens(0.4) ? 2 + chance.below(4) : 1;
    let goesOnMs = fromMs;
    for (let index = 0; index < count; index++) {
      const startMs = fromMs + index * 2;
      const isHung = chance.happens(this.#habits.hungShare);
      const { name, lengthMs } = toolLengthOf(this.#habits, turn.isShort, chance);
      if (this.#calls.refuses(requested.call, run, name)) {
        continue;
      }
      if (this.#isBackground(run)) {
        const tool = this.#tool(run, requested.call, { startMs, name: backgroundTool });
        this.#end(tool, startMs + chance.magnitude(background.fromMs, background.toMs));
        goesOnMs = Math.max(goesOnMs, startMs + 50);
        continue;
      }
      const tool = this.#tool(run, requested.call, { startMs, name });
      if (isHung) {
        turn.hung.push(tool);
        // The run gives up on it.
        goesOnMs = Math.max(
          goesOnMs,
          startMs + chance.magnitude(2_000, turn.isShort ? 5_000 : 120_000),
        );
        continue;
      }
      const endMs = turn.isShort
        ? startMs + lengthMs
        : this.#toolEndMs(tool, startMs, { lengthMs, depth: turn.depth, hung: turn.hung });
      this.#end(tool, endMs);
      goesOnMs = Math.max(goesOnMs, endMs);
    }
    return goesOnMs + 5;
  }

  #isBackground({ process }: Work): boolean {
    const { backgroundShare } = this.#habits;
    const mayBe = backgroundShare > 0 && namesSessions("plain", process);
    return mayBe && this.#chance.happens(backgroundShare);
  }

  /** One tool that takes minutes, or never ends, and meanwhile others, one after the other. Returns when all are over. */
  #silentBesideBusy(
    run: Work,
    requested: { readonly call: Work; readonly endMs: number },
    hung: Work[],
  ): number {
    const chance = this.#chance;
    const fromMs = requested.endMs;
    const untilMs = fromMs + chance.magnitude(180_000, 720_000);
    const silent = this.#tool(run, requested.call, { startMs: fromMs, name: "tool_silent" });
    if (chance.happens(0.3)) {
      hung.push(silent);
    } else {
      this.#end(silent, untilMs);
    }
    // In a third of all cases the others are done long before, and then it is silent alone.
    const busyUntilMs = chance.happens(0.33) ? (fromMs + untilMs) / 2 : untilMs;
    for (let atMs = fromMs + 2; ; ) {
      const sibling = this.#tool(run, requested.call, { startMs: atMs, name: "tool_busy" });
      const endMs = atMs + chance.magnitude(1_000, 40_000);
      this.#end(sibling, endMs);
      atMs = endMs + chance.magnitude(5, 20_000);
      if (atMs > busyUntilMs) {
        return Math.max(endMs, untilMs);
      }
    }
  }

  /** When a tool ends: after a wait for a person, or a sub-agent, where it has one. */
  #toolEndMs(
    tool: Work,
    startMs: number,
    how: { readonly lengthMs: number; readonly depth: number; readonly hung: Work[] },
  ): number {
    const chance = this.#chance;
    const habits = this.#habits;
    const { session, process } = tool;
    if (chance.happens(habits.pausedShare)) {
      const fromMs = startMs + 50;
      const toMs = fromMs + chance.magnitude(20_000, habits.longestPauseMs);
      const isSignalled = chance.happens(habits.signalledShare);
      this.pauses.push({ tool, id: chance.hex(8), fromMs, toMs, isSignalled });
      return toMs + chance.magnitude(20, 20_000);
    }
    if (how.depth < deepestNesting && chance.happens(habits.subAgentShare)) {
      const isOwn = chance.happens(0.8);
      const above = { work: tool, depth: how.depth + 1 };
      const agent = isOwn ? this.newSession() : session;
      const overMs = this.turn(agent, process, startMs + 30, { above });
      // A sub-agent may go on when the tool that started it, and the run of that, have long ended.
      return chance.happens(habits.outliveShare) ? startMs + 60 : overMs + 15;
    }
    const endMs = startMs + how.lengthMs;
    if (chance.happens(habits.wrappedShare)) {
      this.#wrapped(tool, startMs, { endMs, hung: how.hung });
    }
    if (how.lengthMs > 60_000 && chance.happens(0.3)) {
      tool.progressMs = updatesOf(startMs, endMs, chance);
    }
    return endMs;
  }

  /** The tool that a tool calls. It ends with it, or never does. */
  #wrapped(
    tool: Work,
    startMs: number,
    how: { readonly endMs: number; readonly hung: Work[] },
  ): void {
    const about = { startMs: startMs + 2, name: "tool_inner" };
    const inner = this.#start("tool", { ...tool, ...about, parent: tool, requestedBy: undefined });
    if (this.#chance.happens(this.#habits.hungShare * 5)) {
      how.hung.push(inner);
    } else {
      this.#end(inner, Math.max(startMs + 3, how.endMs - 2));
    }
  }

  #tool(run: Work, requestedBy: Work, { startMs, name }: { startMs: number; name: string }): Work {
    const tool = this.#start("tool", { ...run, startMs, parent: run, requestedBy, name });
    // Of one that never ends the run itself is the answer.
    this.#calls.answer(run, tool.callId);
    return tool;
  }

  #start(
    kind: WorkKind,
    at: {
      readonly session: Session;
      readonly process: GatewayProcess;
      readonly startMs: number;
      readonly parent: Work | undefined;
      readonly isUnnamed: boolean;
      readonly requestedBy?: Work | undefined;
      readonly name?: string;
      /** The id of a call that an earlier turn has left to this one. */
      readonly leftCall?: string;
    },
  ): Work {
    const { session, process, startMs, parent, requestedBy } = at;
    const traceId = parent?.traceId ?? this.#chance.hex(16);
    const spanId = this.#chance.hex(8);
    const work: Work = {
      index: this.works.length,
      kind,
      traceId,
      spanId,
      parent,
      session,
      process,
      tool: kind === "tool" ? (at.name ?? "tool_late") : "",
      model: kind === "model_call" ? modelNameOf(this.#chance) : "",
      callId: kind === "tool" ? (at.leftCall ?? spanId) : "",
      requestedBy,
      startMs,
      endMs: never,
      orphanedMs: never,
      closedMs: never,
      isClosedByRun: false,
      isFailed: false,
      requested: [],
      answered: kind === "model_call" ? this.#calls.answersOf(undefined) : undefined,
      progressMs: [],
      isEndLost: false,
      stamp: this.#stamp(),
      isUnnamed: at.isUnnamed,
    };
    // What would begin after the death of its process does not.
    if (startMs < process.diesMs) {
      this.works.push(work);
    }
    return work;
  }

  #stamp(): Stamp {
    const absurdShare = this.#habits.clocks?.absurdShare ?? 0;
    const isAbsurd = absurdShare > 0 && this.#chance.happens(absurdShare);
    return isAbsurd ? absurdStamp(this.#chance) : "right";
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
    // OpenClaw does so; of what follows the GenAI conventions such an end could not be distinguished from any other.
    const mayBeClosed = ownerEndMs < diesMs && !namesSessions("plain", tool.process);
    if (mayBeClosed && this.#chance.happens(this.#habits.closedByRunShare)) {
      tool.closedMs = ownerEndMs + 1;
      tool.isClosedByRun = true;
    } else if (death === "stops") {
      tool.closedMs = diesMs;
    }
  }
}
