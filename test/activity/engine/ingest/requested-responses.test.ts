import { describe, expect, test } from "vitest";
import { EngineParts } from "../../../../src/activity/engine/engine-parts.ts";
import { RequestedResponses } from "../../../../src/activity/engine/ingest/requested-responses.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { limits } from "../history.ts";

const process = 1;

/** Responses of model calls 1 and 2, of two calls and one, in the row of one trace. */
function responsesOf(mostCalls = 10) {
  const { store } = new EngineParts(limits);
  const trace = store.traces.findOrAdd(process, 1, 1, 1, 1);
  const responses = new RequestedResponses(store, mostCalls);
  const add = (span1: number, key1: number) =>
    responses.add({ process, trace, span0: 0, span1, atMs: 5 }, { key0: 0, key1, name: key1 * 10 });
  const calls = [add(1, 1), add(1, 2), add(2, 3)];
  return { store, trace, responses, add, calls };
}

describe("requested responses", () => {
  test("know their calls by process and key, and the calls of one model call together", () => {
    const { responses, calls, trace } = responsesOf();
    expect(responses.callOf(process, 0, 2)).toBe(calls[1]);
    expect([responses.callOf(2, 0, 2), responses.callOf(process, 1, 2)]).toEqual([
      undefined,
      undefined,
    ]);
    expect(responses.inTrace(trace).map((each) => each.calls)).toEqual([
      [calls[0], calls[1]],
      [calls[2]],
    ]);
    expect(responses.inTrace(trace + 1)).toEqual([]);
    expect([...responses.names()]).toEqual([10, 20, 30]);
  });

  test("refuse calls beyond the bound, until others are forgotten", () => {
    const { responses, add, calls, trace } = responsesOf(3);
    expect(add(2, 4)).toBeUndefined();
    responses.forget(trace, 0, 2);
    expect([calls.at(-1), responses.callOf(process, 0, 3)]).toEqual([calls[2], undefined]);
    expect(add(3, 5)?.response.calls).toHaveLength(1);
    expect(responses.callOf(process, 0, 5)?.name).toBe(50);
    expect(responses.callOf(process, 0, 1)?.name).toBe(10);
  });

  test("keep the row of their trace for as long as they are known", () => {
    const { store, responses, trace } = responsesOf();
    const size = () => store.traces.rows.size;
    responses.remove(responses.inTrace(trace)[0]!);
    expect([size(), responses.byTrace.size]).toEqual([1, 1]);
    const [last] = responses.inTrace(trace);
    responses.remove(last!);
    responses.remove(last!);
    expect([size(), responses.byTrace.size]).toEqual([0, 0]);
  });

  test("outlast a restart", () => {
    const { store, responses, calls, trace } = responsesOf();
    calls[0]!.state = "ran";
    calls[2]!.state = "answered";
    calls[0]!.response.ranMs = 7;
    calls[0]!.response.hasKeyedTools = true;
    const writer = new EngineSnapshotWriter();
    responses.snapshot(writer);
    const again = new RequestedResponses(store, 3);
    again.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
    expect(again.inTrace(trace)).toEqual(responses.inTrace(trace));
    expect(again.callOf(process, 0, 2)).toEqual(calls[1]);
    const more = { process, trace, span0: 0, span1: 9, atMs: 5 };
    expect(again.add(more, { key0: 0, key1: 9, name: 1 })).toBeUndefined();
  });
});
