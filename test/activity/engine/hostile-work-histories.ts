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

/** Of runs, tools and processes. */
export const hostileWorkHistories: readonly HostileHistory[] = [
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
  ...([false, true] as const).map(
    (hasRunEnded): HostileHistory => ({
      title: `tools that may outlive their run,${hasRunEnded ? " which has ended," : ""} each with a part, beside many others`,
      before: (n) => [
        ...together(
          [
            run(1),
            ...range(n, 2).map((id) => tool(id, 1)),
            ...range(n, 2).map((id) => tool(n + id, 1, { isDetached: true })),
            ...range(n, 2).map((id) => tool(2 * n + id, n + id)),
          ],
          1,
        ),
        ...(hasRunEnded ? together([end(run(1), 1)], 1) : []),
      ],
      measured: (n) =>
        apart(
          range(n, 2).map((id) => end(tool(n + id, 1, { isDetached: true }), 2)),
          2,
        ),
    }),
  ),
  {
    title: "tools that may outlive their run, each in another, around many others",
    before: (n) => [
      ...together(
        [
          run(1),
          ...range(100, 2).map((id) => tool(id, id - 1, { isDetached: true })),
          ...range(n, 200).map((id) => tool(id, 101)),
        ],
        1,
      ),
      ...together([end(run(1), 1)], 1),
    ],
    measured: () =>
      apart(
        range(100, 2).map((id) => end(tool(id, id - 1, { isDetached: true }), 2)),
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
];
