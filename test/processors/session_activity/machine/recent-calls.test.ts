import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ArchiveReader,
  ArchiveWriter,
} from "../../../../src/processors/session_activity/machine/archive.ts";
import { RecentCalls } from "../../../../src/processors/session_activity/machine/recent-calls.ts";

const most = 4;
const call = fc.record({
  isTaken: fc.boolean(),
  process: fc.integer({ min: 1, max: 2 }),
  key: fc.integer({ min: -3, max: 3 }),
  name: fc.nat(9),
});

function saved(calls: RecentCalls): RecentCalls {
  const writer = new ArchiveWriter();
  calls.archive(writer);
  const again = new RecentCalls(most);
  again.archive(new ArchiveReader(Buffer.concat(writer.pieces)));
  return again;
}

describe("calls that are remembered", () => {
  test("are the last ones, each until it is taken, also over a restart", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), fc.nat(40), (steps, restart) => {
        let calls = new RecentCalls(most);
        // What was added and when, oldest first; a taken call keeps its place in the row.
        let added: { id: string; name: number | undefined }[] = [];
        for (const [index, { isTaken, process, key, name }] of steps.entries()) {
          if (index === restart) {
            calls = saved(calls);
          }
          const id = `${process}:${key}`;
          const known = added.find((each) => each.id === id && each.name !== undefined);
          if (isTaken) {
            expect(calls.take(process, key, -key)).toBe(known?.name);
            if (known !== undefined) {
              known.name = undefined;
            }
          } else {
            calls.add(process, key, -key, name);
            if (known === undefined) {
              added = [...added, { id, name }].slice(-most);
            } else {
              known.name = name;
            }
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
