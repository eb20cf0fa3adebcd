import type { Signal } from "./history.ts";

/** Signals that arrive together, at a second of the engine's clock. Without signals only time passes. */
export interface Arrival {
  readonly at: number;
  readonly signals: readonly Signal[];
}

/** A history whose length a sender chooses. */
export interface HostileHistory {
  readonly title: string;
  /** Limits that differ from those of the tests. */
  readonly limits?: { readonly stalledAfterMs?: number; readonly maxAgeMs?: number };
  /** What is there before the signals that are measured. */
  readonly before: (n: number) => readonly Arrival[];
  readonly measured: (n: number) => readonly Arrival[];
}

export const range = (n: number, from = 0) => Array.from({ length: n }, (_, at) => at + from);
export const run = (span: number, more: Partial<Signal> = {}): Signal => ({
  ...{ type: "start", kind: "run", span, start: 1 },
  ...more,
});
export const tool = (span: number, parent: number, more: Partial<Signal> = {}): Signal => ({
  ...{ type: "start", kind: "tool", span, parent, start: 1 },
  ...more,
});
export const end = (signal: Signal, at: number): Signal => ({ ...signal, type: "end", end: at });
/** Each signal in a request of its own, `perSecond` of them a second. */
export const apart = (
  signals: readonly Signal[],
  at: number,
  perSecond = 1_000,
): readonly Arrival[] =>
  signals.map((signal, index) => ({ at: at + index / perSecond, signals: [signal] }));
export const together = (signals: readonly Signal[], at: number): readonly Arrival[] => [
  { at, signals },
];
export const wait = (at: number): readonly Arrival[] => [{ at, signals: [] }];

/** An ordinary history, to compare: sessions of one run with three tools, one after the other, one of them an orphan at times. */
export const ordinary: HostileHistory = {
  title: "ordinary sessions",
  before: () => [],
  measured: (n) => [
    ...range(Math.ceil(n / 8))
      .flatMap((session): readonly Arrival[] => {
        const at = 1 + session / 50;
        const top = run(session * 10 + 1, { trace: session + 1, sessions: [session], start: at });
        const tools = range(3, 2).map((id) =>
          tool(session * 10 + id, top.span, { trace: session + 1, start: at }),
        );
        return [
          { at, signals: [top, ...tools] },
          {
            at: at + 1,
            signals: [
              ...tools.slice(session % 10 === 0 ? 1 : 0).map((each) => end(each, at + 1)),
              end(top, at + 1),
            ],
          },
        ];
      })
      .sort((a, b) => a.at - b.at),
    ...wait(1 + n / 400 + 60),
  ],
};
