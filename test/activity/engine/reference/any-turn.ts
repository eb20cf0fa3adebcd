import fc from "../../../support/fast-check.ts";

export const seconds = (max: number) => fc.integer({ min: 0, max });
export const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined, freq: 3 });

const marker = fc.record({
  kind: fc.constantFrom("tool" as const, "tool" as const, "model_call" as const),
  fromS: fc.oneof(seconds(5), seconds(40)),
  forS: fc.oneof(seconds(5), seconds(70)),
  fate: fc.constantFrom(
    "ends" as const,
    "ends" as const,
    "never ends" as const,
    "closed by its run" as const,
  ),
  below: fc.constantFrom(
    "owner" as const,
    "owner" as const,
    "marker before" as const,
    "link" as const,
    "nothing known" as const,
    "nested run" as const,
  ),
  heartbeats: fc.nat(3),
  isProgress: fc.boolean(),
  interval: fc.constantFrom(0, 0, 5, 20),
  call: fc.nat(4),
  name: fc.nat(2),
  /** A model call before it listed its call. */
  isRequested: fc.boolean(),
  hasSession: fc.boolean(),
  failed: fc.boolean(),
  /** Its sender is the other process, where its parent is not known. */
  isTwoItems: fc.boolean(),
  isDetached: fc.constantFrom(false, false, false, true),
  scope: fc.nat(2),
  isElsewhere: fc.constantFrom(false, false, false, false, true),
});

const claim = fc.record({
  atS: seconds(90),
  claim: fc.integer({ min: 1, max: 4 }),
  names: fc.constantFrom(
    "nothing" as const,
    "a kind" as const,
    "the run" as const,
    "a marker" as const,
  ),
  queue: fc.nat(2),
  repeatS: maybe(seconds(60)),
  recoveredS: maybe(seconds(60)),
});

/** What a gateway does for one message, and how it reports that. */
export const anyTurn = fc.record({
  process: fc.integer({ min: 1, max: 2 }),
  trace: fc.integer({ min: 1, max: 3 }),
  sessions: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
  source: fc.constantFrom(
    "relay" as const,
    "liveSpan" as const,
    "liveSpan" as const,
    "datadogPartial" as const,
    "partialLog" as const,
    "span" as const,
  ),
  shape: fc.constantFrom(
    "run" as const,
    "run in harness run" as const,
    "harness run apart" as const,
    "nested runs" as const,
    "run below a tool" as const,
  ),
  /** Of the nested run. */
  hasOwnSession: fc.boolean(),
  outlivesS: fc.integer({ min: -10, max: 25 }),
  isNestedElsewhere: fc.constantFrom(false, false, false, true),
  fate: fc.constantFrom(
    "ends" as const,
    "ends" as const,
    "ends" as const,
    "never ends" as const,
    "idle" as const,
  ),
  startS: seconds(100),
  lengthS: seconds(50),
  /** Turns of the same session after it: at once, within the lateness, after it, or before the end of the one before. */
  next: maybe(
    fc.record({
      gapS: fc.constantFrom(0.05, 0.05, 1, 6, 15, -3),
      count: fc.integer({ min: 1, max: 3 }),
      fate: fc.constantFrom("ends" as const, "ends" as const, "never ends" as const),
    }),
  ),
  /** Its harness run is exported once more when the gateway stops. */
  isExportedAtStop: fc.boolean(),
  claimed: fc.nat(3),
  completed: fc.nat(3),
  interval: fc.constantFrom(0, 0, 0, 20),
  hasSequence: fc.boolean(),
  clock: fc.constantFrom(
    "right" as const,
    "right" as const,
    "right" as const,
    "steps" as const,
    "unset" as const,
    "absurd" as const,
  ),
  /** When a model call of its own fails, if one does. */
  failsS: maybe(seconds(40)),
  /** Whether, and how often, the run reports progress. */
  progressS: maybe(fc.constantFrom(5, 12)),
  markers: fc.array(marker, { maxLength: 4 }),
  pause: maybe(
    fc.record({
      fromS: seconds(60),
      forS: maybe(seconds(60)),
      key: fc.integer({ min: 5, max: 6 }),
      isKeyed: fc.boolean(),
      names: fc.constantFrom("the run" as const, "a marker" as const, "the session" as const),
    }),
  ),
  claims: fc.array(claim, { maxLength: 2 }),
  sessionEndS: maybe(seconds(80)),
  evictedBySenderS: fc.option(seconds(80), { nil: undefined, freq: 8 }),
});

export type Turn = typeof anyTurn extends fc.Arbitrary<infer T> ? T : never;

/** A turn and those that follow it, which are smaller. */
export function withNext(turn: Turn): Turn[] {
  const { next, startS, lengthS } = turn;
  const turns = [turn];
  for (let order = 1; order <= (next?.count ?? 0); order++) {
    const gapS = (lengthS + (next?.gapS ?? 0)) * order;
    turns.push({
      ...turn,
      startS: startS + gapS,
      trace: 3 + order,
      fate: next?.fate ?? turn.fate,
      markers: turn.markers.slice(0, 1),
      pause: undefined,
      claims: [],
      sessionEndS: undefined,
    });
  }
  return turns;
}
