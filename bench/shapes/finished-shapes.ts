import type { otlp } from "../../src/otlp/proto/generated.js";
import { finished, openRuns, traces, workNames } from "./agent-work.ts";
import { type RequestShape, range } from "./request-shape.ts";
import { idOf, tracesOf } from "./wire.ts";

const { run, tool, modelCall } = workNames;

const wideSpans =
  (more: (at: number) => otlp.Span.$Properties, each: number): RequestShape["request"] =>
  (n) =>
    traces(
      range(Math.ceil(n / each), 1).map((id) => ({
        name: run,
        trace: id,
        id,
        end: 1,
        more: more(id),
      })),
    );

/** Spans that arrive when they have ended. */
export const finishedShapes: readonly RequestShape[] = [
  {
    title: "finished spans that are no work",
    request: (n) => traces(range(n, 1).map((id) => finished({ name: "x", trace: id, id }))),
  },
  {
    title: "finished runs, each in a trace of its own",
    request: (n) => traces(openRuns(n).map(finished)),
  },
  {
    title: "finished runs of one session",
    request: (n) => traces(openRuns(n, "a").map(finished)),
  },
  {
    title: "finished tools of one run that has not arrived",
    request: (n) =>
      traces(range(n, 2).map((id) => ({ name: tool, trace: 1, id, parent: 1, end: 1 }))),
  },
  {
    title: "finished tools of one run that ended before them",
    before: () => [
      traces([{ name: run, trace: 1, id: 1 }]),
      traces([{ name: run, trace: 1, id: 1, end: 0.5 }]),
    ],
    waitMs: 30_000,
    request: (n) =>
      traces(range(n, 2).map((id) => ({ name: tool, trace: 1, id, parent: 1, end: 40 }))),
  },
  {
    title: "finished spans, each below the one before",
    request: (n) =>
      traces(range(n, 2).map((id) => ({ name: tool, trace: 1, id, parent: id - 1, end: 1 }))),
  },
  {
    title: "finished tools with names made up",
    request: (n) =>
      traces(
        range(n, 2).map((id) => ({
          ...{ name: tool, trace: 1, id, parent: 1, end: 1 },
          attributes: { "gen_ai.tool.name": `t${id}` },
        })),
      ),
  },
  {
    title: "one span again and again",
    request: (n) =>
      traces(range(n).map(() => ({ name: tool, trace: 1, id: 2, parent: 1, end: 1 }))),
  },
  {
    title: "spans with many empty links",
    request: wideSpans(() => ({ links: range(500).map(() => ({ flags: 1 })) }), 50),
  },
  {
    title: "spans with many links",
    request: wideSpans(
      (at) => ({
        links: range(50).map((link) => ({ traceId: idOf(at, 16), spanId: idOf(link, 8) })),
      }),
      20,
    ),
  },
  {
    title: "spans with many events",
    request: wideSpans(() => ({ events: range(500).map(() => ({ name: "e" })) }), 50),
  },
  {
    title: "spans with many attributes of short keys",
    request: wideSpans(() => ({ attributes: range(500).map(() => ({ key: "k" })) }), 50),
  },
  {
    title: "runs that name many sessions each",
    request: (n) =>
      traces(
        range(Math.ceil(n / 10), 1).map((id) => ({
          ...{ name: run, trace: id, id, end: 1 },
          more: {
            attributes: range(100).map((at) => ({
              key: "session.id",
              value: { stringValue: `${id}.${at}` },
            })),
          },
        })),
      ),
  },
  {
    title: "a resource for each span",
    request: (n) =>
      tracesOf(
        ...range(Math.ceil(n / 2), 1).map((process) => ({
          ...{ process: 10_000 + process, items: [finished({ name: run, trace: process, id: 1 })] },
        })),
      ),
  },
  {
    title: "model calls that list tool calls",
    request: (n) =>
      traces(
        range(Math.ceil(n / 40), 2).map((id) => ({
          ...{ name: modelCall, trace: 1, id, parent: 1, end: 1 },
          attributes: {
            "gen_ai.output.messages": JSON.stringify([
              {
                role: "assistant",
                parts: range(128).map((at) => ({
                  type: "tool_call",
                  id: `${id}.${at}`,
                  name: "t",
                })),
              },
            ]),
          },
        })),
      ),
  },
  {
    title: "model calls with content of empty values",
    request: (n) =>
      traces(
        range(Math.ceil(n / 40), 2).map((id) => ({
          ...{ name: modelCall, trace: 1, id, parent: 1, end: 1 },
          attributes: { "gen_ai.output.messages": `[${"[],".repeat(999)}[]]` },
        })),
      ),
  },
];
