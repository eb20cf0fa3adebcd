import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { toolPhasesOf } from "../../../../src/activity/engine/ingest/tool-phases.ts";
import { limits } from "../history.ts";
import { ended, ingest, modelCall, rowOf, run, tool } from "./ingested.ts";

/** A model call, from second to second, and the names that it asks for. */
type Call = readonly [from: number, to: number, asks?: readonly number[], isPrompted?: boolean];
/** A tool without a call id: when it began, and its name. */
type Tool = readonly [from: number, name: number];

function phasesOf(calls: readonly Call[], tools: readonly Tool[]) {
  const parts = new EngineParts(limits);
  const { store, requests } = parts;
  const modelCalls = calls.map(([start, end, asks = [], isPrompted = false], at) => {
    const span = 10 + at;
    const times = start === 0 ? { unset: true } : { start };
    ingest(parts, 99, ended({ ...modelCall, span, ...times }, end, { prompted: isPrompted }));
    const row = rowOf(parts, span);
    for (const [key1, name] of asks.entries()) {
      const of = { process: 1, trace: store.spans.trace.get(row), span0: 5, span1: span, atMs: 0 };
      requests.responses.add(of, { key0: span, key1, name });
    }
    return row;
  });
  const rows = tools.map(([start, name], at) => {
    ingest(parts, 99, ended({ ...tool, span: 30 + at, start, name }, start + 1));
    return rowOf(parts, 30 + at);
  });
  ingest(parts, 99, ended(run, 99));
  const responses = requests.responses
    .inTrace(store.spans.trace.get(rowOf(parts, 1)))
    .map((response) => ({ response, modelCall: rowOf(parts, response.span1) }));
  const { matched, hasOthers, after } = toolPhasesOf(store, { tools: rows, modelCalls }, responses);
  return {
    /** Which tool answers which call of which response, by their index. */
    matched: matched.map(({ call, tool }) => [call.key0 - 10, call.key1, rows.indexOf(tool)]),
    hasOthers,
    after: modelCalls.map((each) => after(each)),
  };
}

describe("tools without a call id", () => {
  for (const [what, calls, tools, want, hasOthers] of [
    ["answer the call of their name", [[1, 2, [5, 6]]], [[3, 6]], [[0, 1, 0]], false],
    ["answer no call of another name", [[1, 2, [5]]], [[3, 6]], [], true],
    ["answer no call without a name", [[1, 2, [0]]], [[3, 0]], [], true],
    [
      "answer the last call before they began",
      [
        [1, 2, [5]],
        [5, 6, [5]],
      ],
      [[7, 5]],
      [[1, 0, 0]],
      false,
    ],
    [
      "answer an earlier call where that is",
      [
        [1, 2, [5]],
        [5, 6, [5]],
      ],
      [[3, 5]],
      [[0, 0, 0]],
      false,
    ],
    ["answer any call of their name that is left", [[5, 6, [5]]], [[3, 5]], [[0, 0, 0]], false],
    [
      "answer one call each",
      [[1, 2, [5, 5]]],
      [
        [3, 5],
        [4, 5],
      ],
      [
        [0, 0, 1],
        [0, 1, 0],
      ],
      false,
    ],
    [
      "are left over when too many arrive",
      [[1, 2, [5]]],
      [
        [3, 5],
        [4, 5],
      ],
      [[0, 0, 1]],
      true,
    ],
  ] as const) {
    test(what, () => {
      const phases = phasesOf(calls, tools);
      expect(phases.matched.toSorted()).toEqual(want);
      expect(phases.hasOthers).toBe(hasOthers);
    });
  }
});

describe("after a model call its run called", () => {
  for (const [what, calls, want] of [
    ["nothing, when there is no other", [[1, 2]], ["nothing"]],
    ["nothing, when it took no time itself", [[3, 3, [], true]], ["nothing"]],
    [
      "a model, when that began after its end",
      [
        [1, 2],
        [3, 4],
      ],
      ["a model call", "nothing"],
    ],
    [
      "nothing, when the other overlaps",
      [
        [1, 5],
        [3, 9],
      ],
      ["nothing", "nothing"],
    ],
    [
      "a model of whose input something is known",
      [
        [1, 2],
        [3, 4, [], true],
      ],
      [undefined, "nothing"],
    ],
    [
      "a model, when only its own input is known",
      [
        [1, 2, [], true],
        [3, 4],
      ],
      ["a model call", "nothing"],
    ],
    [
      "something unknown, when one has no times",
      [
        [1, 2],
        [0, 0],
      ],
      [undefined, undefined],
    ],
  ] as const) {
    test(what, () => expect(phasesOf(calls, []).after).toEqual(want));
  }
});
