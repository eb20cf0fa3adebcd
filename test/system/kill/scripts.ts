import type { Chance } from "./chance.ts";
import type { Kind, Reason } from "./tally.ts";
import type { Step, Work } from "./work.ts";

/** What a sender will tell of one session, in this order. */
export type Script = readonly Step[];

/** One of the stories that sessions of a gateway have, most of them turns. */
export function anyScript(chance: Chance, process: string): Script {
  const session = chance.is(0.8) ? idOf(chance) : undefined;
  if (session !== undefined && chance.is(0.1)) {
    return endedSession(chance, process, session);
  }
  if (chance.is(0.03)) {
    return endedProcess(chance, `${process}-${idOf(chance)}`);
  }
  return session === undefined || chance.is(0.6)
    ? turn(chance, process, session)
    : [...turn(chance, process, session), ...turn(chance, process, session)];
}

/** A turn that goes on: its run and its tool stay open. */
export function openTurn(chance: Chance, process: string): Script {
  const run = workOf(chance, { kind: "run", process, fate: "stays" });
  const tool = workOf(chance, { kind: "tool", process, fate: "stays", parent: run });
  return [
    { type: "start", work: run },
    { type: "start", work: tool },
  ];
}

/** A tool that promises heartbeats and falls silent, in a run that goes on. */
export function silentTool(chance: Chance, process: string): Script {
  const run = workOf(chance, { kind: "run", process, fate: "stays" });
  const tool = workOf(chance, { kind: "tool", process, fate: "lease_expired", parent: run });
  return [
    { type: "start", work: run },
    { type: "partial_log", work: tool },
  ];
}

/** A turn that waits for a person, who does not answer. */
export function waitingTurn(chance: Chance, process: string): Script {
  const run = workOf(chance, { kind: "run", process, fate: "stays" });
  const tool = workOf(chance, { kind: "tool", process, fate: "stays", parent: run });
  return [
    { type: "start", work: run },
    { type: "start", work: tool },
    { type: "pause", work: tool },
  ];
}

/** A turn whose tool ends after it, but within the lateness: it is no orphan, though another tool is. */
export function stragglingTurn(
  chance: Chance,
  process: string,
  afterMs: { readonly from: number; readonly to: number },
): Script {
  const run = workOf(chance, { kind: "run", process, fate: "ends", session: idOf(chance) });
  const tool = workOf(chance, { kind: "tool", process, fate: "ends", parent: run });
  const orphan = workOf(chance, {
    kind: "model_call",
    process,
    fate: "orphaned_no_owner",
    parent: run,
  });
  return [
    { type: "start", work: run },
    { type: "start", work: tool },
    { type: "start", work: orphan },
    { type: "end", work: run },
    { type: "end", work: tool, afterMs: afterMs.from + chance.below(afterMs.to - afterMs.from) },
  ];
}

/** A run with tools and model calls, some of which never end; some end just after their run, as queues have it. */
function turn(chance: Chance, process: string, session: string | undefined): Script {
  const run = workOf(chance, { kind: "run", process, session, fate: "ends" });
  const steps = markersUnder(chance, run, () => (chance.is(0.15) ? "orphaned_no_owner" : "ends"));
  const last = steps.at(-1);
  const isOvertaken = last?.type === "end" && chance.is(0.3);
  const end: Step = { type: "end", work: run };
  return [
    { type: "start", work: run },
    ...(isOvertaken ? [...steps.slice(0, -1), end, last] : [...steps, end]),
  ];
}

/** A session that is told to be over while its run and some of its tools are open. */
function endedSession(chance: Chance, process: string, session: string): Script {
  const run = workOf(chance, { kind: "run", process, session, fate: "session_ended" });
  return [
    { type: "start", work: run },
    ...markersUnder(chance, run, () => (chance.is(0.5) ? "session_ended" : "ends")),
    { type: "session_end", process, session },
  ];
}

/** A process that says that it ends in the middle of its work. */
function endedProcess(chance: Chance, process: string): Script {
  const run = workOf(chance, { kind: "run", process, fate: "process_gone" });
  return [
    { type: "start", work: run },
    ...markersUnder(chance, run, () => (chance.is(0.5) ? "process_gone" : "ends")),
    { type: "process_end", process },
  ];
}

/** Starts and ends of up to six tools and model calls, overlapping; a tool may have a run of its own below it. */
function markersUnder(chance: Chance, run: Work, fate: () => "ends" | Reason): Script {
  const { process } = run;
  const steps: Step[] = [];
  const open: Step[][] = [];
  const finishOne = () => {
    const [ending] = open.splice(chance.below(open.length), 1);
    steps.push(...(ending ?? []));
  };
  for (let left = chance.below(7); left > 0; left--) {
    const kind = chance.is(0.6) ? "tool" : "model_call";
    const work = workOf(chance, { kind, process, fate: fate(), parent: run });
    steps.push({ type: "start", work });
    if (work.fate === "ends") {
      const hasRun = kind === "tool" && chance.is(0.1);
      open.push([...(hasRun ? nestedRun(chance, work) : []), { type: "end", work }]);
    }
    while (open.length > 0 && chance.is(0.4)) {
      finishOne();
    }
  }
  while (open.length > 0) {
    finishOne();
  }
  return steps;
}

function nestedRun(chance: Chance, parent: Work): Script {
  const { process } = parent;
  const run = workOf(chance, { kind: "run", process, fate: "ends", parent });
  const tool = workOf(chance, { kind: "tool", process, fate: "ends", parent: run });
  return [
    { type: "start", work: run },
    { type: "start", work: tool },
    { type: "end", work: tool },
    { type: "end", work: run },
  ];
}

function workOf(
  chance: Chance,
  what: {
    readonly kind: Kind;
    readonly process: string;
    readonly fate: Work["fate"];
    readonly parent?: Work;
    readonly session?: string | undefined;
  },
): Work {
  const { kind, process, fate, parent, session } = what;
  return {
    kind,
    process,
    fate,
    traceId: parent?.traceId ?? chance.bytes(16),
    spanId: chance.bytes(8),
    ...(parent === undefined ? {} : { parent }),
    ...(session === undefined ? {} : { session }),
    startMs: 0,
    endMs: 0,
  };
}

function idOf(chance: Chance): string {
  return Buffer.from(chance.bytes(8)).toString("hex");
}
