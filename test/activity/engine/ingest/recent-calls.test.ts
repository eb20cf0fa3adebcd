import { describe, expect, test } from "vitest";
import { RecentCalls } from "../../../../src/activity/engine/ingest/recent-calls.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
  snapshotVersion,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { predictableHash } from "../../../../src/activity/engine/store/tabulation-hash.ts";
import fc from "../../../support/fast-check.ts";

const most = 4;
const ttlMs = 20;
const call = fc.record({
  isTaken: fc.boolean(),
  process: fc.integer({ min: 1, max: 2 }),
  key: fc.integer({ min: -3, max: 3 }),
  name: fc.nat(9),
});

function saved(calls: RecentCalls): RecentCalls {
  const writer = new EngineSnapshotWriter();
  calls.snapshot(writer, { version: snapshotVersion, nowMs: 0 });
  const again = new RecentCalls({ hash: predictableHash() }, { most, ttlMs });
  again.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)), {
    version: snapshotVersion,
    nowMs: 0,
  });
  return again;
}

describe("calls that are remembered", () => {
  test("are the last ones, each until it is taken, also over a restart", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), fc.nat(40), (steps, restart) => {
        let calls = new RecentCalls({ hash: predictableHash() }, { most, ttlMs });
        // What was added and when, oldest first; a taken call keeps its place in the row.
        let added: { id: string; name: number | undefined; atMs: number }[] = [];
        for (const [index, { isTaken, process, key, name }] of steps.entries()) {
          if (index === restart) {
            calls = saved(calls);
          }
          const id = `${process}:${key}`;
          const known = added.find((each) => each.id === id && each.name !== undefined);
          if (isTaken) {
            const endMs = known === undefined ? 0 : known.atMs + 1;
            expect(calls.take(process, key, -key, index)).toEqual(
              known === undefined || known.atMs + ttlMs <= index
                ? undefined
                : { name: known.name, endMs, atMs: known.atMs },
            );
            if (known !== undefined) {
              known.name = undefined;
            }
          } else {
            const lost = known === undefined && added.length === most ? added[0] : undefined;
            const isLost = lost?.name !== undefined;
            const call = { name, endMs: index + 1, atMs: index };
            expect(calls.add(process, key, -key, call)).toBe(isLost ? lost?.atMs : undefined);
            if (known === undefined) {
              added = [...added, { id, name, atMs: index }].slice(-most);
            } else {
              Object.assign(known, { name, atMs: index });
            }
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
