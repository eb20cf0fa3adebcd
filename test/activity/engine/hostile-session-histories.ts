import type { Signal } from "./history.ts";
import {
  type Arrival,
  apart,
  end,
  type HostileHistory,
  range,
  run,
  together,
  tool,
  wait,
} from "./hostile-history.ts";

/** Of signals about sessions, of finished work, and of traces. */
export const hostileSessionHistories: readonly HostileHistory[] = [
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
        range(n, 2).map((id) => end(tool(id, 1, { start: 1 }), 32)),
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
  ...([false, true] as const).map(
    (areLost): HostileHistory => ({
      title: `ends of runs of one trace with parts of tools that have not arrived, beside ${areLost ? "runs that do not end" : "each other"}`,
      before: (n) =>
        together(
          [
            ...range(areLost ? n : 0, 1).map((id) => run(id)),
            ...range(n, n).flatMap((id): readonly Signal[] => [
              end(tool(id, n + id, { kind: "other" }), 2),
              { type: "start", kind: "tool", span: n + id, start: 1, dialect: "impliedParent" },
            ]),
            ...range(n, 3 * n).flatMap((id) => [run(id, { start: 5 }), tool(2 * n + id, id)]),
          ],
          1,
        ),
      measured: (n) => [
        ...apart(
          range(n, 3 * n).map((id) => end(run(id, { start: 5 }), 6)),
          6,
        ),
        ...wait(60 + n / 1_000),
      ],
    }),
  ),
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
