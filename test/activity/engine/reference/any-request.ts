import fc from "../../../support/fast-check.ts";
import type { Signal } from "../history.ts";
import { type Arrival, arrivalsOf } from "./any-story.ts";
import { maybe, seconds } from "./any-turn.ts";

type Sent = readonly [at: number, signal: Signal];

const call = fc.record({
  key: fc.integer({ min: 1, max: 80 }),
  name: fc.constantFrom(0, 1, 1, 1, 2, 2),
  /** `late`: it comes in a trace of its own, perhaps under another name. */
  fate: fc.constantFrom(
    "runs" as const,
    "runs" as const,
    "runs" as const,
    "never" as const,
    "late" as const,
  ),
  isKeyed: fc.constantFrom(true, true, true, false),
  failed: fc.constantFrom(false, false, false, true),
  lateS: seconds(120),
  /** The next model call lists its result. */
  isAnswered: fc.constantFrom(true, false, false, false),
});

const round = fc.record({
  calls: fc.array(call, { maxLength: 3 }),
  failed: fc.constantFrom(false, false, false, false, false, true),
  /** Below a tool: not the run's own. */
  isInner: fc.constantFrom(false, false, false, false, true),
});

const turn = fc.record({
  process: fc.constantFrom(1, 1, 1, 2),
  trace: fc.integer({ min: 1, max: 4 }),
  startS: seconds(60),
  rounds: fc.array(round, { minLength: 1, maxLength: 3 }),
  isPrompted: fc.constantFrom(false, false, true),
  outcome: fc.constantFrom(
    "ok" as const,
    "failed" as const,
    "failed" as const,
    "broken off" as const,
  ),
  unset: fc.constantFrom(false, false, false, false, false, true),
  pauseS: maybe(seconds(60)),
  isLive: fc.constantFrom(false, false, false, false, false, false, true),
});

/** Agents that report finished spans: their models request tools, of which some never arrive, or arrive late. */
export const anyRequest: fc.Arbitrary<readonly Arrival[]> = fc
  .record({
    turns: fc.array(turn, { minLength: 2, maxLength: 5 }),
    delays: fc.array(
      fc.oneof({ weight: 5, arbitrary: seconds(2) }, { weight: 1, arbitrary: seconds(30) }),
      {
        minLength: 1,
        maxLength: 30,
      },
    ),
  })
  .map(({ turns, delays }) =>
    arrivalsOf(
      turns
        .flatMap(play)
        .map(([at, signal], index): Sent => [at + (delays[index % delays.length] ?? 0), signal]),
    ),
  );

function play(of: typeof turn extends fc.Arbitrary<infer T> ? T : never, index: number): Sent[] {
  const { process, trace, startS, isPrompted, outcome, unset } = of;
  const first = index * 60 + 1;
  const sent: Sent[] = [];
  const base = { process, trace, unset } as const;
  const work = (at: number, signal: Omit<Signal, "type" | "start" | "end">, forS = 1): void => {
    sent.push([at + forS, { ...base, ...signal, type: "end", start: at, end: at + forS }]);
  };
  let atS = startS + 1;
  let answered: readonly number[] = [];
  for (const [order, { calls, failed, isInner }] of of.rounds.entries()) {
    const span = first + 1 + order * 12;
    const parent = isInner ? span + 1 : first;
    work(atS, { kind: "model_call", span, parent, failed, prompted: isPrompted });
    atS += 1;
    const about = { ...base, kind: "other", span, start: atS } as const;
    for (const { key, name } of calls) {
      sent.push([atS, { ...about, type: "request", key: key + 10, name }]);
    }
    for (const key of answered) {
      sent.push([atS, { ...about, type: "answer", key: key + 10 }]);
    }
    calls.forEach(({ key, name, fate, isKeyed, failed: hasFailed, lateS }, number) => {
      const requested = { kind: "tool", span: span + 2 + number, name, failed: hasFailed } as const;
      const id = isKeyed ? { key: key + 10 } : {};
      if (fate === "runs") {
        work(atS, { ...requested, ...id, parent: first });
      } else if (fate === "late") {
        work(atS + lateS, { ...requested, ...id, trace: trace + 4 });
      }
    });
    answered = calls.filter(({ isAnswered }) => isAnswered).map(({ key }) => key);
    atS += 2;
  }
  if (of.pauseS !== undefined) {
    const at = startS + of.pauseS;
    sent.push([
      at,
      { ...base, kind: "other", type: "pause", span: 0, start: at, key: 5, sessions: [index + 1] },
    ]);
  }
  if (of.isLive) {
    sent.push([
      atS,
      { ...base, kind: "tool", type: "start", span: first + 50, parent: first, start: atS },
    ]);
  }
  const run = {
    ...base,
    kind: "run",
    span: first,
    sessions: [index + 1],
    start: startS,
    end: atS,
  } as const;
  const ended = { failed: outcome === "failed", brokenOff: outcome === "broken off" };
  sent.push([atS, { ...run, ...ended, type: "end" }]);
  return sent;
}
