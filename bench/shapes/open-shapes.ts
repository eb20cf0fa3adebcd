import { relayScopeName } from "../../src/activity/recognition/dialects/sender-scopes.ts";
import {
  finished,
  inSession,
  openRuns,
  runWithMany,
  toolsOf,
  traces,
  workNames,
} from "./agent-work.ts";
import { type RequestShape, range } from "./request-shape.ts";
import { tracesOf } from "./wire.ts";

const { run, harness, tool, modelCall, detached } = workNames;

/** Work that is open, and its ends. */
export const openShapes: readonly RequestShape[] = [
  { title: "runs that begin", request: (n) => traces(openRuns(n)) },
  { title: "runs of one session that begin", request: (n) => traces(openRuns(n, "a")) },
  {
    title: "tools of one run that begin, before a run beside it ends",
    request: (n) => traces([...runWithMany(n, tool), { name: run, trace: 1, id: 1, end: 1 }]),
  },
  {
    title: "repeats of one run with many model calls that report progress",
    before: (n) => [traces(runWithMany(n, modelCall))],
    request: (n) =>
      traces(
        range(n).map(() => ({
          name: run,
          trace: 1,
          id: 1,
          attributes: { "openclaw.progress": 1 },
        })),
      ),
  },
  ...(["first", "last"] as const).map((which) => ({
    title: `ends of runs of one session with a tool each, the ${which} one first`,
    before: (n: number) => [traces([...openRuns(n, "a"), ...toolsOf(n)])],
    waitMs: 20_000,
    request: (n: number) => {
      const ends = openRuns(n, "a").map(finished);
      return traces(which === "first" ? ends : ends.toReversed());
    },
  })),
  {
    title: "the end of the last of many runs of one session with a tool each",
    before: (n: number) => [
      traces([...openRuns(n, "a"), ...toolsOf(n)]),
      traces(openRuns(n, "a").slice(1).map(finished)),
    ],
    waitMs: 20_000,
    request: (n: number) =>
      traces([
        ...range(n, 1).map((id) => finished({ name: "x", trace: n + id, id })),
        ...openRuns(1, "a").map(finished),
      ]),
  },
  {
    title: "tools of runs of one session that have ended",
    before: (n) => [traces(openRuns(n, "a")), traces(openRuns(n, "a").map(finished))],
    waitMs: 1_000,
    request: (n) => traces(toolsOf(n)),
  },
  {
    title: "runs of one session that begin, with tools of a run that has not arrived",
    request: (n) =>
      traces(
        range(Math.ceil(n / 2), 1).flatMap((id) => [
          { name: run, trace: id, id, attributes: inSession("a") },
          { name: tool, trace: 2 * n + id, id, parent: 3 * n + id, attributes: inSession("a") },
        ]),
      ),
  },
  {
    title: "ends of runs of one trace beside tools whose runs are not known",
    before: (n) => [
      traces(range(n, 1).map((id) => ({ name: tool, trace: 1, id, parent: n + id }))),
      traces(range(n, 1).map((id) => ({ name: run, trace: 1, id: 2 * n + id }))),
    ],
    request: (n) =>
      traces(range(n, 1).map((id) => ({ name: run, trace: 1, id: 2 * n + id, end: 1 }))),
  },
  {
    title: "a tool of a run that is not known, in one trace with many runs",
    before: (n) => [traces(range(n, 1).map((id) => ({ name: run, trace: 1, id })))],
    request: (n) =>
      traces(
        range(n, 1).map((id) => ({ name: tool, trace: 1, id: 2 * n + id, parent: 3 * n + id })),
      ),
  },
  {
    title: "one trace in many processes",
    before: (n) => [
      tracesOf(
        ...range(Math.min(n, 2_000), 1).map((process) => ({
          ...{ process: 10_000 + process, items: [{ name: tool, trace: 1, id: 2, parent: 1 }] },
        })),
      ),
    ],
    request: (n) =>
      tracesOf(
        ...range(Math.ceil(n / 3), 1).map((process) => ({
          ...{ process: 10_000 + process, items: [{ name: run, trace: 1, id: 3, parent: 1 }] },
        })),
      ),
  },
  {
    title: "sessions that merge one by one",
    before: (n) => [
      traces(
        range(n, 1).map((id) => ({
          name: tool,
          trace: id,
          id,
          parent: n + id,
          attributes: inSession(id),
        })),
      ),
    ],
    request: (n) =>
      traces(
        range(n, 1).map((id) => ({
          ...{ name: run, trace: n + id, id },
          attributes: { "session.id": "1", "gen_ai.conversation.id": String(id + 1) },
        })),
      ),
  },
  {
    title: "inner runs of one harness run with many tools",
    before: (n) => [
      traces([
        { name: harness, trace: 1, id: 1 },
        ...range(n, 2).map((id) => ({ name: tool, trace: 1, id, parent: 1 })),
      ]),
    ],
    request: (n) =>
      traces(
        range(Math.ceil(n / 2), 2).flatMap((id) => {
          const inner = { name: run, trace: 1, id: n + id, parent: 1 };
          return [inner, finished(inner)];
        }),
      ),
  },
  {
    title: "a chain as deep as it may be, that ends from the top again and again",
    request: (n) =>
      traces(
        range(Math.ceil(n / 400), 1).flatMap((trace) => {
          const chain = range(199, 1).map((id) => ({
            ...{ name: id === 1 ? run : tool, trace, id },
            ...(id === 1 ? {} : { parent: id - 1 }),
          }));
          return [...chain, ...chain.map(finished)];
        }),
      ),
  },
  ...([false, true] as const).map((hasRunEnded) => ({
    title: `tools that may outlive their run${hasRunEnded ? ", which has ended," : ""} and end, with parts, beside many others`,
    before: (n: number) => [
      traces([
        ...runWithMany(n, tool),
        ...range(n, 2).map((id) => ({ name: detached, trace: 1, id: n + id, parent: 1 })),
        ...range(n, 2).map((id) => ({ name: tool, trace: 1, id: 2 * n + id, parent: n + id })),
      ]),
      traces(hasRunEnded ? [{ name: run, trace: 1, id: 1, end: 1 }] : []),
    ],
    request: (n: number) =>
      traces(
        range(n, 2).map((id) => ({ name: detached, trace: 1, id: n + id, parent: 1, end: 1 })),
      ),
  })),
  {
    title:
      "tools that may outlive their run and end from the outermost, each in another, around many others",
    before: (n) => [
      traces([
        { name: run, trace: 1, id: 1 },
        ...range(190, 2).map((id) => ({ name: detached, trace: 1, id, parent: id - 1 })),
        ...range(n, 200).map((id) => ({ name: tool, trace: 1, id, parent: 191 })),
      ]),
      traces([{ name: run, trace: 1, id: 1, end: 1 }]),
    ],
    request: (n) =>
      traces([
        ...range(190, 2).map((id) => ({ name: detached, trace: 1, id, parent: id - 1, end: 1 })),
        ...range(n, 200).map((id) => finished({ name: "x", trace: 2, id })),
      ]),
  },
  {
    title: "starts that are refused of a span that many others name as their parent",
    before: (n) => [
      traces(range(n, 2).map((id) => ({ name: modelCall, trace: 1, id, parent: 1 }))),
    ],
    request: (n) => traces(range(n).map(() => ({ name: tool, trace: 1, id: 1 }))),
  },
  {
    title: "the first span of a relay in many processes, beside many of others",
    before: (n) => [
      tracesOf(
        ...range(Math.min(n, 4_000), 1).map((process) => ({
          ...{ process: 20_000 + process, items: openRuns(1) },
        })),
      ),
    ],
    request: (n) =>
      tracesOf(
        ...range(Math.min(n, 4_000), 1).map((process) => ({
          ...{ process: 20_000 + process, scope: relayScopeName },
          items: [{ name: run, trace: 9, id: 9 }],
        })),
      ),
  },
  {
    title: "spans of a relay in one session, with tools",
    before: (n) => [
      tracesOf({ process: 1, scope: relayScopeName, items: [...openRuns(n, "a"), ...toolsOf(n)] }),
    ],
    waitMs: 20_000,
    request: (n) =>
      tracesOf({ process: 1, scope: relayScopeName, items: openRuns(n, "a").map(finished) }),
  },
];
