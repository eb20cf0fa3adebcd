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

const range = (n: number, from = 0) => Array.from({ length: n }, (_, at) => at + from);
const run = (span: number, more: Partial<Signal> = {}): Signal => ({
  ...{ type: "start", kind: "run", span, start: 1 },
  ...more,
});
const tool = (span: number, parent: number, more: Partial<Signal> = {}): Signal => ({
  ...{ type: "start", kind: "tool", span, parent, start: 1 },
  ...more,
});
const end = (signal: Signal, at: number): Signal => ({ ...signal, type: "end", end: at });
/** Each signal in a request of its own, `perSecond` of them a second. */
const apart = (signals: readonly Signal[], at: number, perSecond = 1_000): readonly Arrival[] =>
  signals.map((signal, index) => ({ at: at + index / perSecond, signals: [signal] }));
const together = (signals: readonly Signal[], at: number): readonly Arrival[] => [{ at, signals }];
const wait = (at: number): readonly Arrival[] => [{ at, signals: [] }];

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

export const hostileHistories: readonly HostileHistory[] = [
  {
    title: "many processes that end, beside one with many spans",
    before: (n) => [
      ...together([run(1), ...range(4 * n, 2).map((id) => tool(id, 1))], 1),
      ...together(
        range(n, 2).map((process) => run(1, { process, trace: process })),
        1,
      ),
    ],
    measured: (n) => [
      ...apart(
        range(n, 2).map((process) => ({ ...run(0, { process }), type: "gone" as const })),
        2,
      ),
      ...wait(2 + n / 1_000 + 20),
    ],
  },
  {
    title: "one process with many spans that ends",
    before: (n) =>
      together(
        range(n / 2, 1).flatMap((id) => [
          run(id, { trace: id }),
          tool(n + id, id, { trace: id, sessions: [] }),
        ]),
        1,
      ),
    measured: (n) => [
      ...apart(
        range(n).map(() => ({ ...run(0), type: "gone" as const })),
        2,
      ),
      ...wait(60 + n / 1_000),
    ],
  },
  {
    title: "a relay that begins in many processes, beside one with many spans",
    before: (n) => [
      ...together([run(1), ...range(4 * n, 2).map((id) => tool(id, 1))], 1),
      ...together(
        range(n, 2).map((process) => run(1, { process, trace: process })),
        1,
      ),
    ],
    measured: (n) =>
      apart(
        range(n, 2).map((process) => run(9, { process, trace: process, isRelayed: true })),
        2,
      ),
  },
  {
    title: "a relay that is switched off again and again, while its work is said to begin later",
    before: (n) =>
      together(
        [
          run(1, { isRelayed: true, start: 5_000 }),
          ...range(n, 2).map((id) => tool(id, 1, { isRelayed: true, start: 5_000 })),
        ],
        1,
      ),
    measured: (n) =>
      apart(
        range(n).map((at) => ({
          ...run(0, { isRelayed: true, start: 2 + at / 1_000 }),
          type: "unwatched" as const,
        })),
        2,
      ),
  },
  {
    title: "heartbeats of hosts that fall silent and come back, beside many open spans",
    before: (n) => [
      ...together(
        range(n, 1).map((process) =>
          run(1, { process, serviceHost: process, trace: process, interval: 10 }),
        ),
        1,
      ),
      ...wait(40),
    ],
    measured: (n) => [
      ...range(n, 1).map((process) => ({
        at: 41 + process / 1_000,
        signals: [run(1, { process, serviceHost: process, trace: process, interval: 10 })],
      })),
      ...wait(60 + n / 1_000),
    ],
  },
  ...(["first", "last"] as const).map(
    (which): HostileHistory => ({
      title: `runs of one session that overlap, with a tool each, of which the ${which} ends first`,
      before: (n) =>
        together(
          range(n, 1).flatMap((id) => [
            run(id, { trace: id, sessions: [1] }),
            tool(n + id, id, { trace: id }),
          ]),
          1,
        ),
      measured: (n) => [
        ...apart(
          (which === "first" ? range(n, 1) : range(n, 1).reverse()).map((id) =>
            end(run(id, { trace: id, sessions: [1] }), 2),
          ),
          20,
          20,
        ),
        ...wait(100 + n / 20),
      ],
    }),
  ),
  {
    title: "runs of one session one after the other, with an orphan each",
    before: () => [],
    measured: (n) => [
      ...range(n, 1).flatMap((id): readonly Arrival[] => {
        const top = run(id, { trace: id, sessions: [1], start: id });
        return [
          { at: id, signals: [top, tool(n + id, id, { trace: id, start: id })] },
          { at: id + 0.5, signals: [end(top, id + 0.5)] },
        ];
      }),
      ...wait(n + 60),
    ],
  },
  {
    title: "a chain of spans as deep as they may be, that end from the top",
    before: (n) => together([run(1), ...range(n, 2).map((id) => tool(id, id - 1))], 1),
    measured: (n) => [
      ...apart(
        [run(1), ...range(n, 2).map((id) => tool(id, id - 1))].map((each) => end(each, 2)),
        2,
      ),
      ...wait(60),
    ],
  },
  {
    title: "tools that may outlive their run, each with a part, beside many others",
    before: (n) =>
      together(
        [
          run(1),
          ...range(n, 2).map((id) => tool(id, 1)),
          ...range(n, 2).map((id) => tool(n + id, 1, { isDetached: true })),
          ...range(n, 2).map((id) => tool(2 * n + id, n + id)),
        ],
        1,
      ),
    measured: (n) =>
      apart(
        range(n, 2).map((id) => end(tool(n + id, 1, { isDetached: true }), 2)),
        2,
      ),
  },
  {
    title: "sessions that merge one by one, each with a marker whose run is not known",
    before: (n) =>
      together(
        range(n, 1).map((id) => tool(id, n + id, { trace: id, sessions: [id] })),
        1,
      ),
    measured: (n) =>
      apart(
        range(n - 1, 1).map((id) => run(2 * n + id, { trace: n + id, sessions: [1, id + 1] })),
        2,
      ),
  },
  {
    title: "sessions that merge pairwise",
    before: (n) =>
      together(
        range(n, 1).map((id) => run(id, { trace: id, sessions: [id] })),
        1,
      ),
    measured: (n) => {
      const merges: Signal[] = [];
      for (let step = 1; step < n; step *= 2) {
        for (let id = 1; id + step <= n; id += 2 * step) {
          merges.push(run(id, { trace: id, sessions: [id, id + step] }));
        }
      }
      return apart(merges, 2);
    },
  },
  {
    title: "new references of one session with many runs",
    before: (n) =>
      together(
        range(n, 1).map((id) => run(id, { trace: id, sessions: [1] })),
        1,
      ),
    measured: (n) =>
      apart(
        range(n, 1).map((id) => run(id, { trace: id, sessions: [1, 1 + id] })),
        2,
      ),
  },
  {
    title: "inner runs of a harness run with many tools",
    before: (n) =>
      together([run(1, { kind: "harness" }), ...range(n, 2).map((id) => tool(id, 1))], 1),
    measured: (n) => {
      const inner = range(n, 2).map((id) => run(n + id, { kind: "inner", parent: 1 }));
      return [
        ...apart(inner, 2),
        ...apart(
          inner.map((each) => end(each, 3)),
          2 + n / 1_000,
        ),
      ];
    },
  },
  ...(
    [
      ["idle", {}],
      ["queued", { completed: 2 }],
      ["evictedBySender", { claimed: 1, completed: 1 }],
      ["recovered", {}],
      ["resume", {}],
    ] as const
  ).map(
    ([type, more]): HostileHistory => ({
      title: `signals "${type}" of a session with many runs that make no progress`,
      limits: { stalledAfterMs: 20_000 },
      before: (n) => [
        ...together(
          range(n, 1).flatMap((id) => [
            run(id, { trace: id, sessions: [1] }),
            tool(n + id, id, { trace: id }),
          ]),
          1,
        ),
        ...wait(50),
      ],
      measured: (n) =>
        apart(
          range(n).map((at) => ({ ...run(0, { sessions: [1], start: 51 + at, ...more }), type })),
          51,
        ),
    }),
  ),
  {
    title: "repeated ends of a session whose work began later",
    before: (n) =>
      together(
        range(n, 1).map((id) => run(id, { trace: id, sessions: [1], start: 5_000 })),
        1,
      ),
    measured: (n) => [
      ...apart(
        range(n).map((at) => ({
          ...run(0, { sessions: [1], end: 2 + at / 1_000 }),
          type: "sessionEnd" as const,
        })),
        2,
        50,
      ),
      ...wait(100 + n / 50),
    ],
  },
  {
    title: "claims about a session with many stale markers of another name",
    before: (n) => [
      ...together(
        [
          run(1, { sessions: [1] }),
          run(2, { trace: 2, sessions: [1] }),
          ...range(n, 3).map((id) => tool(id, 1, { name: 1 })),
        ],
        1,
      ),
      ...together([end(run(1, { sessions: [1] }), 2)], 2),
    ],
    measured: (n) =>
      apart(
        range(n).map((at) => ({
          ...run(0, {
            kind: "tool",
            sessions: [1],
            name: 2 + (at % 50),
            claimed: at % 4,
            start: 2,
          }),
          type: "claim" as const,
        })),
        3,
      ),
  },
  {
    title: "claims about sessions that are not known, and spans that are forgotten meanwhile",
    limits: { maxAgeMs: 900_000 },
    before: (n) => [
      ...together(
        range(n, 1).map((id) => end(tool(id, 0, { trace: id }), 2)),
        1,
      ),
      ...together(
        range(n).map((at) => ({
          ...run(0, { sessions: [10 + at], claimed: at % 4, start: 2 }),
          type: "claim" as const,
        })),
        2,
      ),
    ],
    measured: (n) =>
      apart(
        range(n, 1).map((id) => run(9, { trace: n + id })),
        930,
        100,
      ),
  },
  {
    title: "waits for a person, and waits of other sessions that are over",
    before: (n) =>
      together(
        range(n, 1).flatMap((id) => [
          run(id, { trace: id, sessions: [id] }),
          { ...run(id, { trace: id, key: id, start: 2 }), type: "pause" as const },
        ]),
        1,
      ),
    measured: (n) =>
      apart(
        range(n, 1).map((id) => ({
          ...run(0, { sessions: [n + id], start: 3 }),
          type: "resume" as const,
        })),
        2,
      ),
  },
  {
    title: "sessions with a wait for a person that merge",
    before: (n) =>
      together(
        range(n, 1).flatMap((id) => [
          run(id, { trace: id, sessions: [id] }),
          { ...run(id, { trace: id, key: id, start: 2 }), type: "pause" as const },
        ]),
        1,
      ),
    measured: (n) =>
      apart(
        range(n - 1, 2).map((id) => run(id, { trace: id, sessions: [1, id] })),
        2,
      ),
  },
  {
    title: "finished tools of one run that ended before them",
    before: () => [...together([run(1)], 1), ...together([end(run(1), 1)], 2)],
    measured: (n) => [
      ...apart(
        range(n, 2).map((id) => end(tool(id, 1, { start: 1 }), 60)),
        30,
        100,
      ),
      ...wait(60 + n / 100),
    ],
  },
  {
    title: "finished runs of one trace, each with a model call that asks for a tool",
    before: () => [],
    measured: (n) => [
      ...range(n, 1).flatMap((id): readonly Arrival[] => [
        {
          at: 1 + id / 100,
          signals: [
            end(run(id), 2),
            end(tool(n + id, id, { kind: "model_call" }), 2),
            { ...tool(n + id, id, { key: id, name: 1 }), type: "request" },
          ],
        },
      ]),
      ...wait(60 + n / 100),
    ],
  },
  {
    title: "one trace in many processes",
    before: () => [],
    measured: (n) => [
      ...apart(
        range(n, 1).map((process) => tool(1 + process, 1, { process })),
        1,
      ),
      ...apart(
        range(n, 1).map((process) => run(n + 1 + process, { process, parent: 1 })),
        2 + n / 1_000,
      ),
      ...wait(60 + n / 1_000),
    ],
  },
  {
    title: "markers of one trace whose runs are not known, and runs of that trace that end",
    before: (n) =>
      together(
        range(n, 1).map((id) => tool(id, n + id)),
        1,
      ),
    measured: (n) => {
      const runs = range(n, 1).map((id) => run(2 * n + id));
      return [
        ...apart(runs, 2, 100),
        ...apart(
          runs.map((each) => end(each, 3)),
          3 + n / 100,
          100,
        ),
        ...wait(60 + n / 50),
      ];
    },
  },
  {
    title: "repeats that report progress of a run with many model calls",
    before: (n) =>
      together([run(1), ...range(n, 2).map((id) => tool(id, 1, { kind: "model_call" }))], 1),
    measured: (n) =>
      apart(
        range(n).map(() => run(1, { progress: true })),
        2,
      ),
  },
  {
    title: "starts that are refused of a span that many others name as their parent",
    before: (n) =>
      together(
        range(n, 2).map((id) => tool(id, 1, { scope: 1, alias: 1 })),
        1,
      ),
    measured: (n) =>
      apart(
        range(n).map(() => ({ ...tool(1, 0, { scope: 2, alias: 1 }) })),
        2,
      ),
  },
];
