import { describe, expect, test } from "vitest";
import { predictableHash } from "../../../../src/activity/engine/store/tabulation-hash.ts";
import { TraceTable } from "../../../../src/activity/engine/store/trace-table.ts";
import fc from "../../../support/fast-check.ts";
import { transfer } from "./small-engine.ts";

/** Processes from 10 on are those of another client. */
const clientOf = (process: number) => Math.floor(process / 10);

type Key = readonly [process: number, id0: number, id1: number, id2: number, id3: number];

describe("the table of traces", () => {
  const others: readonly (readonly [string, Key])[] = [
    ["of another process", [9, 1, 2, 3, 4]],
    ["with another first word", [7, 0, 2, 3, 4]],
    ["with another second word", [7, 1, 0, 3, 4]],
    ["with another third word", [7, 1, 2, 0, 4]],
    ["with another fourth word", [7, 1, 2, 3, 0]],
  ];
  for (const [what, key] of others) {
    test(`has a row of its own for a trace ${what}`, () => {
      const traces = new TraceTable(predictableHash(5), clientOf);
      const trace = traces.findOrAdd(7, 1, 2, 3, 4);
      expect(traces.find(...key)).toBe(-1);
      expect(traces.findOrAdd(...key)).not.toBe(trace);
      expect(traces.findOrAdd(7, 1, 2, 3, 4)).toBe(trace);
      expect(traces.rows.size).toBe(2);
    });
  }

  test("frees a trace with the last that retains it", () => {
    const traces = new TraceTable(predictableHash(0), clientOf);
    const trace = traces.findOrAdd(1, 1, 1, 1, 1);
    traces.retain(trace);
    traces.retain(trace);
    traces.hadOwner.set(trace, 1);
    traces.firstOwner.set(trace, 3);
    traces.release(trace);
    expect(traces.find(1, 1, 1, 1, 1)).toBe(trace);
    traces.release(trace);
    expect([traces.find(1, 1, 1, 1, 1), traces.rows.size]).toEqual([-1, 0]);
    expect(traces.findOrAdd(1, 1, 1, 1, 1)).toBe(trace);
    expect([traces.hadOwner.get(trace), traces.firstOwner.get(trace)]).toEqual([0, -1]);
  });

  test("lists the rows of a trace id in other processes", () => {
    const traces = new TraceTable(predictableHash(0), clientOf);
    const [a, b, c] = [1, 2, 3].map((process) => traces.findOrAdd(process, 1, 2, 3, 4));
    traces.findOrAdd(1, 1, 2, 3, 5);
    expect(traces.elsewhere(b!, 2)?.toSorted()).toEqual([a, c]);
    expect(traces.elsewhere(b!, 1)).toBeUndefined();
  });

  test("lists no rows of another client, also after it was saved and loaded", () => {
    const traces = new TraceTable(predictableHash(0), clientOf);
    const [a, b, c, d] = [1, 2, 11, 12].map((process) => traces.findOrAdd(process, 1, 2, 3, 4));
    const loaded = transfer(traces, new TraceTable(predictableHash(8), clientOf));
    for (const each of [traces, loaded]) {
      expect([a, b, c, d].map((row) => each.elsewhere(row!, 100))).toEqual([[b], [a], [d], [c]]);
    }
  });

  test("lists the other processes of each trace while these come and go, and after a restart", () => {
    const step = fc.record({ process: fc.nat(12), id: fc.constantFrom(1, 2) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, restart) => {
        let traces = new TraceTable(predictableHash(), clientOf);
        const known = new Map<string, { row: number; process: number; id: number }>();
        for (const [at, { process, id }] of steps.entries()) {
          if (at === restart) {
            traces = transfer(traces, new TraceTable(predictableHash(at), clientOf));
          }
          const entry = known.get(`${process} ${id}`);
          if (entry === undefined) {
            const row = traces.findOrAdd(process, 1, 2, 3, id);
            traces.retain(row);
            known.set(`${process} ${id}`, { row, process, id });
          } else {
            traces.release(entry.row);
            known.delete(`${process} ${id}`);
          }
          const all = [...known.values()];
          for (const each of all) {
            const others = all.filter(
              (other) =>
                other !== each &&
                other.id === each.id &&
                clientOf(other.process) === clientOf(each.process),
            );
            expect(traces.elsewhere(each.row, 100)?.toSorted((a, b) => a - b)).toEqual(
              others.map(({ row }) => row).toSorted((a, b) => a - b),
            );
          }
        }
      }),
    );
  });

  test("names the processes that have a trace", () => {
    const traces = new TraceTable(predictableHash(0), clientOf);
    for (const process of [4, 5, 5]) {
      traces.retain(traces.findOrAdd(process, 1, 2, 3, process));
    }
    const gone = traces.findOrAdd(6, 1, 2, 3, 4);
    traces.retain(gone);
    traces.release(gone);
    const loaded = transfer(traces, new TraceTable(predictableHash(), () => 0));
    for (const table of [traces, loaded]) {
      expect([3, 4, 5, 6].filter((process) => table.hasProcess(process))).toEqual([4, 5]);
    }
  });

  test("finds the same traces after it was saved and loaded with another seed", () => {
    const traces = new TraceTable(predictableHash(0), clientOf);
    const rows = Array.from({ length: 30 }, (_, id) => traces.findOrAdd(id % 3, 0, 0, 0, id));
    traces.retain(rows[4]!);
    traces.release(rows[4]!);
    const loaded = transfer(traces, new TraceTable(predictableHash(8), clientOf));
    expect(rows.map((_, id) => loaded.find(id % 3, 0, 0, 0, id))).toEqual(
      rows.map((row, id) => (id === 4 ? -1 : row)),
    );
    expect(loaded.findOrAdd(9, 9, 9, 9, 9)).toBe(rows[4]);
  });
});
