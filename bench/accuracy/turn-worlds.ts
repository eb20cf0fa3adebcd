import { overtaking } from "./network.ts";
import type { Target } from "./scenarios.ts";
import type { World } from "./world.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A world with its name and what it is to show. */
export interface TurnWorld {
  readonly name: string;
  readonly about: string;
  readonly world: World;
  readonly target: Target;
}

const exact: Target = {
  precision: 0.999,
  recall: 0.99,
  statesRight: 0.99,
  delayMs: 1_500,
  early: 0,
};

/** Worlds of which it matters what turns do: to the turns before them, in the middle of a stream, at an approval. */
export function turnWorlds(clean: World, isFull: boolean): readonly TurnWorld[] {
  const base: World = {
    ...clean,
    faults: overtaking,
    habits: {
      ...clean.habits,
      sessions: isFull ? 600 : 50,
      lastsMs: isFull ? 8 * hour : 2 * hour,
    },
  };
  const nextTurn: World = {
    ...base,
    habits: {
      ...base.habits,
      meanLifeMs: 4 * hour,
      killedShare: 0.3,
      queuedShare: 0.15,
      longestQueue: 120,
      nextSoonShare: 0.5,
      overlapShare: 0.1,
      lostEndShare: 0.01,
      idleInTurnShare: 0.05,
      wrappedShare: 0.05,
      nestedShare: 0.1,
      subAgentShare: 0.08,
      outliveShare: 0.5,
      hungShare: 0.03,
      siblingShare: 0.05,
    },
  };
  const streaming: World = {
    ...base,
    habits: { ...base.habits, streamShare: 0.25, stillShare: 0.03, siblingShare: 0.05 },
  };
  const approvals: World = {
    ...base,
    habits: {
      ...base.habits,
      pausedShare: 0.15,
      longestPauseMs: 20 * minute,
      signalledShare: 0.7,
      hungShare: 0.03,
      nextSoonShare: 0.3,
    },
  };
  return [
    {
      name: "next-turn",
      about:
        "The relay. Every other turn is followed by the next within ten seconds, or by up to 120 queued messages 50 ms apart. Three tools in a hundred never end, and the end of one turn in a hundred is lost.",
      world: nextTurn,
      target: exact,
    },
    {
      name: "next-turn-live",
      about: "Live spans, the same. No other signal replaces a lost end of a turn.",
      world: { ...nextTurn, mode: "live" },
      target: { precision: 0.999 },
    },
    {
      name: "next-turn-partial-logs",
      about: "Partial-span logs, the same.",
      world: { ...nextTurn, mode: "partial_logs" },
      target: { precision: 0.999 },
    },
    {
      name: "next-turn-plain",
      about: "Finished spans only, the same.",
      world: { ...nextTurn, mode: "plain" },
      target: { precision: 0.99 },
    },
    {
      name: "streaming",
      about:
        "The relay. One model call in four streams for one to eight minutes, and one in five of these falls silent in between. Runs stand still, and tools are silent while parallel tools are busy.",
      world: streaming,
      target: exact,
    },
    {
      name: "streaming-live",
      about: "Live spans, the same. No progress is reported, so a stream looks like silence.",
      world: { ...streaming, mode: "live" },
      target: { precision: 0.999 },
    },
    {
      name: "approvals",
      about:
        "The relay. Three tools in twenty wait for a person, for up to twenty minutes. The gateway does not report three in ten of these waits.",
      world: approvals,
      target: exact,
    },
  ];
}
