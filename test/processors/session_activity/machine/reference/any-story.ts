import fc from "fast-check";
import { anySignal } from "../any-signal.ts";
import type { Signal } from "../history.ts";

/** Signals that arrive together. */
export interface Arrival {
  /** In seconds. */
  readonly at: number;
  readonly signals: readonly Signal[];
}

type Sent = readonly [at: number, signal: Signal];

const seconds = (max: number) => fc.integer({ min: 0, max });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 });

const marker = fc.record({
  kind: fc.constantFrom("tool" as const, "tool" as const, "model_call" as const),
  fromS: seconds(40),
  forS: seconds(70),
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
  ),
  heartbeats: fc.nat(3),
  interval: fc.constantFrom(0, 0, 5, 20),
  call: fc.nat(4),
  name: fc.nat(2),
  /** A model call before it listed its call. */
  isAsked: fc.boolean(),
  hasSession: fc.boolean(),
  failed: fc.boolean(),
});

const turn = fc.record({
  process: fc.integer({ min: 1, max: 2 }),
  trace: fc.integer({ min: 1, max: 3 }),
  sessions: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
  source: fc.constantFrom(
    "relay" as const,
    "liveSpan" as const,
    "datadogPartial" as const,
    "partialLog" as const,
    "span" as const,
    "span" as const,
  ),
  shape: fc.constantFrom(
    "run" as const,
    "run in harness run" as const,
    "harness run apart" as const,
    "nested runs" as const,
  ),
  fate: fc.constantFrom("ends" as const, "ends" as const, "ends" as const, "never ends" as const),
  startS: seconds(100),
  lengthS: seconds(50),
  claimed: fc.nat(3),
  completed: fc.nat(3),
  interval: fc.constantFrom(0, 0, 0, 20),
  hasSequence: fc.boolean(),
  markers: fc.array(marker, { maxLength: 4 }),
  pause: maybe(
    fc.record({
      fromS: seconds(60),
      forS: maybe(seconds(60)),
      key: fc.integer({ min: 5, max: 6 }),
      isKeyed: fc.boolean(),
    }),
  ),
  sessionEndS: maybe(seconds(80)),
});

type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never;

const process = fc.record({
  place: fc.nat(1),
  beats: maybe(
    fc.record({
      fromS: seconds(60),
      interval: fc.constantFrom(5, 20),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  ),
  goneS: maybe(seconds(200)),
});

/** What gateways would send of some turns, each signal after a delay of its own, some twice, and some noise. */
export const anyStory: fc.Arbitrary<readonly Arrival[]> = fc
  .record({
    turns: fc.array(turn, { minLength: 1, maxLength: 4 }),
    processes: fc.array(process, { minLength: 2, maxLength: 2 }),
    delays: fc.array(
      fc.oneof({ weight: 4, arbitrary: seconds(3) }, { weight: 1, arbitrary: seconds(40) }),
      { minLength: 1, maxLength: 30 },
    ),
    repeated: fc.array(fc.tuple(fc.nat(60), seconds(60)), { maxLength: 3 }),
    noise: fc.array(fc.tuple(seconds(200), anySignal), { maxLength: 3 }),
  })
  .map(({ turns, processes, delays, repeated, noise }) => {
    const sent = [
      ...turns.flatMap(playTurn),
      ...processes.flatMap(({ beats, goneS }, index) => playProcess(index + 1, beats, goneS)),
    ];
    const repeats = repeated.flatMap(([at, lateS]): Sent[] => {
      const found = sent[at];
      return found === undefined ? [] : [[found[0] + lateS, found[1]]];
    });
    const delayed = [...sent, ...repeats].map(
      ([at, signal], index): Sent => [
        at + (delays[index % delays.length] ?? 0),
        { ...signal, place: processes[(signal.process ?? 1) - 1]?.place ?? 0 },
      ],
    );
    return arrivalsOf([...delayed, ...noise]);
  });

/** In the order of their arrival, each at a moment of its own. */
export function arrivalsOf(sent: readonly Sent[]): readonly Arrival[] {
  return sent
    .toSorted(([a], [b]) => a - b)
    .map(([at, signal], index) => ({ at: at + index / 256, signals: [signal] }));
}

function playProcess(
  process: number,
  beats: { readonly fromS: number; readonly interval: number; readonly count: number } | undefined,
  goneS: number | undefined,
): Sent[] {
  const base = { kind: "other", span: 1, start: 0, process } as const;
  return [
    ...Array.from({ length: beats?.count ?? 0 }, (_, beat): Sent => {
      const { fromS = 0, interval = 0 } = beats ?? {};
      return [fromS + beat * interval, { ...base, type: "alive", interval }];
    }),
    ...(goneS === undefined ? [] : [[goneS, { ...base, type: "gone" }] as const]),
  ];
}

function playTurn(turn: Turn, index: number): Sent[] {
  const { process, trace, sessions, source, startS, lengthS, shape } = turn;
  const first = index * 40 + 1;
  const endS = startS + lengthS;
  const told = { process, trace, ...(sessions.length > 0 ? { sessions } : {}) };
  const sent: Sent[] = [];
  const tell = (at: number, signal: Signal): void => {
    const seq = turn.hasSequence ? { seq: 1 + at } : {};
    sent.push([at, { ...signal, ...seq }]);
  };
  const tellWork = (signal: Omit<Signal, "type">, ends: boolean): void => {
    if (source !== "span") {
      tell(signal.start, { ...signal, type: "start", dialect: source });
    }
    if (ends) {
      const dialect = source === "relay" ? "relay" : "span";
      tell(signal.end ?? signal.start, { ...signal, type: "end", dialect });
    }
  };
  const ends = turn.fate === "ends";
  const run = { ...told, start: startS, end: endS, interval: turn.interval };
  const claims = { claimed: turn.claimed, completed: turn.completed };
  switch (shape) {
    case "run":
      tellWork({ ...run, kind: "run", span: first }, ends);
      break;
    case "run in harness run":
      tellWork({ ...run, kind: "harness", span: first + 1, ...claims }, ends);
      tellWork({ ...run, kind: "inner", span: first, parent: first + 1 }, ends);
      break;
    case "harness run apart":
      tellWork({ ...run, kind: "harness", span: first + 1, trace: 4 + index, ...claims }, ends);
      tellWork({ ...run, kind: "inner", span: first }, ends);
      break;
    case "nested runs":
      tellWork({ ...run, kind: "run", span: first }, ends);
      tellWork(
        { ...run, sessions: [], kind: "run", span: first + 1, parent: first, end: endS + 15 },
        ends,
      );
      break;
    default:
      shape satisfies never;
  }
  turn.markers.forEach((marker, order) => {
    const span = first + 9 + order;
    const start = startS + marker.fromS;
    const parents = {
      owner: first,
      "marker before": order > 0 ? span - 1 : first,
      link: span + 10,
      "nothing known": span + 20,
    };
    const work = {
      process,
      trace,
      kind: marker.kind,
      span,
      parent: parents[marker.below],
      start,
      end: start + marker.forS,
      interval: marker.interval,
      name: marker.name,
      failed: marker.failed,
      closedByRun: marker.fate === "closed by its run",
      ...(marker.kind === "tool" ? { key: marker.call } : {}),
      ...(marker.hasSession ? { sessions } : {}),
    } as const;
    if (marker.below === "link") {
      tell(endS, {
        process,
        trace,
        kind: "other",
        span: span + 10,
        parent: first,
        start: startS,
        end: endS,
        type: "end",
      });
    }
    if (marker.isAsked) {
      tell(start, {
        process,
        trace,
        kind: "other",
        span: first + 9,
        start,
        type: "request",
        key: marker.call,
        name: marker.name,
      });
    }
    tellWork(work, marker.fate !== "never ends");
    if (source !== "span") {
      for (let beat = 1; beat <= marker.heartbeats; beat++) {
        const at = start + beat * (marker.interval || 15);
        tell(at, { ...work, type: "start", dialect: source, sent: at });
      }
    }
  });
  if (turn.pause !== undefined) {
    const { fromS, forS, key, isKeyed } = turn.pause;
    const paused = {
      process,
      trace,
      kind: "other",
      span: first,
      start: 0,
      ...(sessions.length > 0 ? { sessions } : {}),
    } as const;
    tell(startS + fromS, { ...paused, type: "pause", key });
    if (forS !== undefined) {
      tell(startS + fromS + forS, { ...paused, type: "resume", ...(isKeyed ? { key } : {}) });
    }
  }
  if (turn.sessionEndS !== undefined) {
    const end = startS + turn.sessionEndS;
    tell(end, { ...told, kind: "other", span: first, start: 0, end, type: "sessionEnd" });
  }
  return sent;
}
