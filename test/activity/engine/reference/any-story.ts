import fc from "../../../support/fast-check.ts";
import { anySignal } from "../any-signal.ts";
import type { Signal } from "../history.ts";
import { anyTurn, maybe, seconds, type Turn, withNext } from "./any-turn.ts";

/** Signals that arrive together. */
export interface Arrival {
  /** In seconds. */
  readonly at: number;
  readonly signals: readonly Signal[];
}

type Sent = readonly [at: number, signal: Signal];

const process = fc.record({
  serviceHost: fc.nat(1),
  beats: maybe(
    fc.record({
      fromS: seconds(60),
      interval: fc.constantFrom(5, 20),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  ),
  goneS: maybe(seconds(200)),
  unwatchedS: maybe(fc.tuple(seconds(200), fc.constantFrom("relay" as const, "liveSpan" as const))),
});

/** What gateways would send of some turns, each signal after a delay of its own, some twice, and some noise. */
export const anyStory: fc.Arbitrary<readonly Arrival[]> = fc
  .record({
    turns: fc.array(anyTurn, { minLength: 1, maxLength: 3 }),
    processes: fc.array(process, { minLength: 2, maxLength: 2 }),
    delays: fc.array(
      fc.oneof({ weight: 4, arbitrary: seconds(3) }, { weight: 1, arbitrary: seconds(40) }),
      { minLength: 1, maxLength: 30 },
    ),
    repeated: fc.array(fc.tuple(fc.nat(60), seconds(60)), { maxLength: 3 }),
    noise: fc.array(fc.tuple(seconds(200), anySignal), { maxLength: 3 }),
    areOfTwoClients: fc.constantFrom(false, false, true),
  })
  .map(({ turns, processes, delays, repeated, noise, areOfTwoClients }) => {
    const sent = [
      ...turns.flatMap(withNext).flatMap(playTurn),
      ...processes.flatMap(({ beats, goneS, unwatchedS }, index) => [
        ...playProcess(index + 1, beats, goneS),
        ...stopWatching(index + 1, unwatchedS),
      ]),
    ];
    const repeats = repeated.flatMap(([at, lateS]): Sent[] => {
      const found = sent[at];
      return found === undefined ? [] : [[found[0] + lateS, found[1]]];
    });
    const delayed = [...sent, ...repeats].map(
      ([at, signal], index): Sent => [
        at + (delays[index % delays.length] ?? 0),
        { ...signal, serviceHost: processes[(signal.process ?? 1) - 1]?.serviceHost ?? 0 },
      ],
    );
    const all = [...delayed, ...noise];
    return arrivalsOf(
      areOfTwoClients
        ? all.map(([at, signal]): Sent => [at, signal.process === 2 ? ofAnother(signal) : signal])
        : all,
    );
  });

/** The same signal from a process of another client. */
export function ofAnother(signal: Signal): Signal {
  return { ...signal, process: (signal.process ?? 1) + 100 };
}

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

/** A relay or a preload stops watching the process. */
function stopWatching(
  process: number,
  unwatchedS: readonly [number, "relay" | "liveSpan"] | undefined,
): Sent[] {
  if (unwatchedS === undefined) {
    return [];
  }
  const [atS, dialect] = unwatchedS;
  return [[atS, { kind: "other", span: 1, start: atS, process, type: "unwatched", dialect }]];
}

function playTurn(turn: Turn, index: number): Sent[] {
  const { process, trace, sessions, source, startS, lengthS, shape } = turn;
  const first = index * 40 + 1;
  const endS = startS + lengthS;
  const ofSession = { process, trace, ...(sessions.length > 0 ? { sessions } : {}) };
  const sent: Sent[] = [];
  const send = (at: number, signal: Signal): void => {
    const seq = turn.hasSequence ? { seq: 1 + Math.round(at * 100) } : {};
    sent.push([at, { ...signal, ...clockOf(turn, signal), ...seq }]);
  };
  const sendWork = (signal: Omit<Signal, "type">, ends: boolean): void => {
    if (source !== "span") {
      send(signal.start, { ...signal, type: "start", dialect: source });
    }
    if (ends) {
      const dialect = source === "relay" ? "relay" : "span";
      send(signal.end ?? signal.start, { ...signal, type: "end", dialect });
    }
  };
  const ends = turn.fate === "ends";
  if (turn.fate === "idle") {
    send(endS, { ...ofSession, kind: "other", span: 0, start: endS, end: endS, type: "idle" });
  }
  const run = { ...ofSession, start: startS, end: endS, interval: turn.interval };
  const claims = { claimed: turn.claimed, completed: turn.completed };
  const nested = {
    ...run,
    kind: "run",
    span: first + 1,
    process: turn.isNestedElsewhere ? 3 - process : process,
    sessions: turn.hasOwnSession ? [4] : [],
    end: Math.max(startS, endS + turn.outlivesS),
  } as const;
  switch (shape) {
    case "run":
      sendWork({ ...run, kind: "run", span: first }, ends);
      break;
    case "run in harness run":
      sendWork({ ...run, kind: "harness", span: first + 1, ...claims }, ends);
      sendWork({ ...run, kind: "inner", span: first, parent: first + 1 }, ends);
      break;
    case "harness run apart":
      sendWork(
        {
          ...run,
          kind: "harness",
          span: first + 1,
          trace: 4 + index,
          ...claims,
          ...(turn.isExportedAtStop ? { parent: first + 3 } : {}),
        },
        ends,
      );
      if (turn.isExportedAtStop) {
        const twice = {
          ...run,
          kind: "harness",
          span: first + 3,
          trace: 4 + index,
          noOutcome: true,
        } as const;
        send(endS + 60, { ...twice, end: endS + 60, type: "end" });
      }
      sendWork({ ...run, kind: "inner", span: first }, ends);
      break;
    case "nested runs":
      sendWork({ ...run, kind: "run", span: first }, ends);
      sendWork({ ...nested, parent: first }, ends);
      break;
    case "run below a tool":
      sendWork({ ...run, kind: "run", span: first }, ends);
      sendWork({ ...run, sessions: [], kind: "tool", span: first + 2, parent: first }, ends);
      sendWork({ ...nested, parent: first + 2 }, true);
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
      "nested run": first + 1,
    };
    const work = {
      process: marker.isElsewhere ? 3 - process : process,
      trace,
      kind: marker.kind,
      span,
      parent: parents[marker.below],
      start,
      end: start + marker.forS,
      interval: marker.interval,
      name: marker.name,
      failed: marker.failed,
      isTwoItems: marker.isTwoItems,
      isDetached: marker.isDetached && marker.kind === "tool",
      scope: marker.scope,
      alias: marker.name,
      closedByRun: marker.fate === "closed by its run",
      ...(marker.kind === "tool" ? { key: marker.call } : {}),
      ...(marker.hasSession ? { sessions } : {}),
    } as const;
    if (marker.below === "link") {
      send(endS, {
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
    if (marker.isRequested) {
      send(start, {
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
    sendWork(work, marker.fate !== "never ends");
    if (source !== "span") {
      for (let beat = 1; beat <= marker.heartbeats; beat++) {
        const at = start + beat * (marker.interval || 15);
        send(at, {
          ...work,
          type: "start",
          dialect: source,
          sent: at,
          progress: marker.isProgress,
        });
      }
    }
  });
  if (turn.failsS !== undefined) {
    const end = startS + turn.failsS;
    const call = { process, trace, span: first + 8, parent: first, start: end - 1, end } as const;
    sendWork({ ...call, kind: "model_call", failed: true }, true);
  }
  if (turn.progressS !== undefined && source !== "span") {
    for (let at = startS + turn.progressS; at < endS; at += turn.progressS) {
      const repeat = { ...run, type: "start", dialect: source, progress: true } as const;
      send(at, { ...repeat, kind: "run", span: first });
    }
  }
  if (turn.pause !== undefined) {
    const { fromS, forS, key, isKeyed, names } = turn.pause;
    const spans = { "the run": first, "a marker": first + 9, "the session": 0 };
    const paused = { ...ofSession, kind: "other", span: spans[names] } as const;
    const at = startS + fromS;
    send(at, { ...paused, start: at, type: "pause", key });
    if (forS !== undefined) {
      send(at + forS, { ...paused, start: at, type: "resume", ...(isKeyed ? { key } : {}) });
    }
  }
  for (const { atS, claim: claimed, names, queue, repeatS, recoveredS } of turn.claims) {
    const spans = { nothing: 0, "a kind": 0, "the run": first, "a marker": first + 9 };
    const about = {
      ...ofSession,
      span: spans[names],
      start: startS + atS,
      completed: queue,
    } as const;
    const kind = names === "a kind" ? "tool" : "other";
    send(startS + atS, { ...about, kind, type: "claim", claimed });
    if (repeatS !== undefined) {
      send(startS + atS + repeatS, { ...about, kind, type: "claim", claimed });
    }
    if (recoveredS !== undefined) {
      send(startS + atS + recoveredS, { ...about, kind: "other", type: "recovered" });
    }
  }
  if (turn.evictedBySenderS !== undefined) {
    const at = startS + turn.evictedBySenderS;
    const evicted = { ...ofSession, kind: "other", span: 0, start: at, claimed: 1 } as const;
    send(at, { ...evicted, type: "evictedBySender" });
  }
  if (turn.sessionEndS !== undefined) {
    const end = startS + turn.sessionEndS;
    send(end, { ...ofSession, kind: "other", span: first, start: 0, end, type: "sessionEnd" });
  }
  return sent;
}

/** Seconds by which a clock is wrong for a moment: a year, an hour, and to 1970. */
const errorsS = [31_536_000, -3_600, 3_600, -1_794_999_000];

/** The sender's clock: in its second half it may have stepped, be unset, or be wrong now and then. */
function clockOf(turn: Turn, { start, end, sent }: Signal): Partial<Signal> {
  if (turn.clock === "unset") {
    return { unset: true };
  }
  const stepAtS = turn.startS + turn.lengthS / 2;
  const stepped = (atS: number): number => {
    switch (turn.clock) {
      case "steps":
        return atS > stepAtS ? atS + 40 : atS;
      case "absurd":
        return atS + (errorsS[Math.floor(atS * 7) % 12] ?? 0);
      default:
        return atS;
    }
  };
  return {
    start: stepped(start),
    ...(end === undefined ? {} : { end: stepped(end) }),
    ...(sent === undefined ? {} : { sent: stepped(sent) }),
  };
}
