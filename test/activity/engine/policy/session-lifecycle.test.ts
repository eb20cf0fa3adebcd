import { describe, expect, test } from "vitest";
import type { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { EngineView } from "../../../../src/activity/engine/engine-view.ts";
import {
  isStalled,
  SessionLifecycle,
  sessionStates,
  sessionTransitions,
  type TransitionCause,
  type TransitionEvent,
} from "../../../../src/activity/engine/policy/session-lifecycle.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import type { ActivityLimits } from "../../../../src/activity/model/limits.ts";
import fc from "../../../support/fast-check.ts";
import { anySignal, tight } from "../any-signal.ts";
import type { Signal } from "../history.ts";
import { plays } from "../plays.ts";
import { anyRequest } from "../reference/any-request.ts";
import { type Arrival, anyStory, arrivalsOf } from "../reference/any-story.ts";
import { EngineFixture } from "./engine-fixture.ts";

const nameOf = (state: number): string =>
  Object.entries(sessionStates).find(([, id]) => id === state)?.[0] ?? `state ${state}`;

const textOf = (from: number, to: number, cause: string): string =>
  `${cause}: ${nameOf(from)} → ${nameOf(to)}`;

/** Notes every transition. */
class RecordingLifecycle extends SessionLifecycle {
  readonly changes: { readonly text: string; readonly event: TransitionEvent }[] = [];
  readonly #states: EngineParts["store"]["groups"]["state"];

  constructor(parts: EngineParts) {
    super(parts);
    this.#states = parts.store.groups.state;
  }

  override change(group: number, to: number, cause: TransitionCause): TransitionEvent {
    const from = this.#states.get(group);
    const event = super.change(group, to, cause);
    if (from !== to) {
      this.changes.push({ text: textOf(from, to, cause), event });
    }
    return event;
  }
}

/** An engine whose transitions are noted. */
class RecordedEngine extends EngineFixture {
  readonly lifecycle = new RecordingLifecycle(this.parts);

  constructor(changed: Partial<ActivityLimits>) {
    super(changed);
    Object.assign(this.parts, { lifecycle: this.lifecycle });
  }

  /** A state that the lifecycle has not written, or counts wrongly. */
  problems(): readonly string[] {
    const { groups } = this.parts.store;
    const counts = Object.values(sessionStates).map(() => 0);
    for (let group = 0; group < groups.rows.count; group++) {
      const state = groups.state.get(group);
      counts[state] = (counts[state] ?? 0) + 1;
    }
    return counts.flatMap((count, state) =>
      state === sessionStates.none || count === this.lifecycle.counts[state]
        ? []
        : [`${count} are ${nameOf(state)}, counted ${this.lifecycle.counts[state]}`],
    );
  }
}

/** A history, and the limits of the program that continues it after a restart half-way. */
interface Play {
  readonly arrivals: readonly Arrival[];
  readonly before: Partial<ActivityLimits>;
  readonly after: Partial<ActivityLimits>;
}

function playedOf({ arrivals, before, after }: Play): readonly RecordedEngine[] {
  const first = new RecordedEngine(before);
  const second = new RecordedEngine(after);
  const half = Math.ceil(arrivals.length / 2);
  for (const { at, signals } of arrivals.slice(0, half)) {
    first.arrive(at, ...signals);
  }
  const writer = new EngineSnapshotWriter();
  first.engine.snapshot(writer);
  second.engine.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
  for (const { at, signals } of arrivals.slice(half)) {
    second.arrive(at, ...signals);
  }
  second.tick(1000);
  return [first, second];
}

const chaos = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 300 }), anySignal), { minLength: 1, maxLength: 60 })
  .map(arrivalsOf);

const what = fc.constantFrom(
  "nothing" as const,
  "tool" as const,
  "model_call" as const,
  "pause" as const,
  "paused tool" as const,
);

/** Two sessions that are each in any state, and turn out to be one. */
const anyMeeting: fc.Arbitrary<readonly Arrival[]> = fc
  .record({
    runs: fc.array(
      fc.record({
        session: fc.integer({ min: 1, max: 2 }),
        startS: fc.integer({ min: 0, max: 90 }),
        endS: fc.option(fc.integer({ min: 91, max: 130 }), { nil: undefined }),
        has: what,
        around: fc.constantFrom("tool" as const, "model_call" as const, undefined),
        progressS: fc.array(fc.integer({ min: 0, max: 130 }), { maxLength: 3 }),
      }),
      { minLength: 2, maxLength: 5 },
    ),
    meetS: fc.integer({ min: 1, max: 140 }),
  })
  .map(({ runs, meetS }) => {
    const sent = runs.flatMap((run, index): (readonly [number, Signal])[] => {
      const at = { trace: index + 1, sessions: [run.session] };
      const start: Signal = { type: "start", kind: "run", span: 1, start: run.startS, ...at };
      const inside = (): readonly Signal[] => {
        const pause: Signal = { ...start, type: "pause", kind: "other", key: index + 1 };
        switch (run.has) {
          case "nothing":
            return [];
          case "pause":
            return [pause];
          case "paused tool": {
            // Its lease ends while it waits, which is no progress of what is around it.
            const isInRun = run.around === undefined;
            const around: Signal = { ...start, kind: run.around ?? "tool", span: 2, parent: 1 };
            const tool: Signal = { ...start, kind: "tool", span: 3, parent: isInRun ? 1 : 2 };
            return [...(isInRun ? [] : [around]), { ...tool, interval: 5 }, { ...pause, span: 3 }];
          }
          default:
            return [{ ...start, kind: run.has, span: 2, parent: 1 }];
        }
      };
      return [
        [run.startS, start],
        ...inside().map((signal) => [run.startS, signal] as const),
        ...run.progressS.map((atS) => [run.startS + atS, { ...start, progress: true }] as const),
        ...(run.endS === undefined
          ? []
          : [[run.endS, { ...start, type: "end", end: run.endS }] as const]),
      ];
    });
    const meeting: Signal = {
      type: "end",
      kind: "run",
      span: 1,
      trace: 9,
      sessions: [1, 2],
      start: meetS,
      end: meetS,
    };
    return arrivalsOf([...sent, [meetS, meeting]]);
  });

const { maxOpenWork: _, maxSessions: __, maxTombstones: ___, ...roomy } = tight;

const anyPlay: fc.Arbitrary<Play> = fc.record({
  arrivals: fc.oneof(chaos, anyStory, anyRequest, { weight: 9, arbitrary: anyMeeting }),
  before: fc.constantFrom(tight, roomy),
  after: fc.constantFrom(roomy, { ...roomy, longRunningAfterMs: 86_400_000 }),
});

const allowed = new Map<string, string>(
  sessionTransitions.flatMap(({ cause, from, to, emits }) =>
    from.flatMap((before) =>
      to
        .filter((after) => after !== before)
        .map((after) => [textOf(before, after, cause), emits] as const),
    ),
  ),
);

describe("the transitions of a session's state", () => {
  test("of the table all happen over random histories, and no other does", {
    timeout: 600_000,
  }, () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anyPlay, (play) => {
        for (const played of playedOf(play)) {
          expect(played.problems()).toEqual([]);
          for (const { text, event } of played.lifecycle.changes) {
            seen.add(text);
            expect([text, event]).toEqual([text, allowed.get(text)]);
          }
        }
      }),
      plays(1500),
    );
    expect([...allowed.keys()].filter((text) => !seen.has(text))).toEqual([]);
  });
});

describe("sessions are counted by state", () => {
  for (const [name, reported, blocked] of [
    ["active", ["active", "none"], false],
    ["longRunning", ["long_running", "none"], false],
    ["stalledByModelCall", ["stalled", "model_call"], true],
    ["stalledByRun", ["stalled", "run"], true],
    ["blockedByTool", ["blocked_tool_call", "tool"], true],
    ["paused", ["paused", "none"], false],
  ] as const) {
    test(`${name} is reported as ${reported.join(" by ")}`, () => {
      const { parts, lifecycle } = new RecordedEngine({});
      const view = new EngineView(parts);
      const group = parts.store.groups.add(1);
      lifecycle.change(group, sessionStates[name], "absorbed");
      const [state, blockedBy] = reported;
      expect(lifecycle.of(group)).toEqual({ state, blockedBy });
      expect(view.sessionsIn(state)).toBe(1);
      expect(view.sessionsIn(state, blockedBy)).toBe(1);
      expect(view.sessionsIn(state, blockedBy === "tool" ? "run" : "tool")).toBe(0);
      expect(isStalled(sessionStates[name])).toBe(blocked);
      lifecycle.change(group, sessionStates.none, "closed");
      expect(lifecycle.of(group)).toBeUndefined();
      expect(view.sessionsIn(state)).toBe(0);
    });
  }
});
