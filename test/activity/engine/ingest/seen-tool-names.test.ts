import { expect, test } from "vitest";
import { SeenToolNames } from "../../../../src/activity/engine/ingest/seen-tool-names.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../../src/activity/engine/store/snapshot.ts";
import { maxToolNames } from "../../../../src/activity/model/work.ts";

function seen(): SeenToolNames {
  const names = new SeenToolNames();
  for (const [process, name] of [
    [1, 5],
    [1, 6],
    [1, 5],
    [2, 5],
    [3, 0],
  ] as const) {
    names.add(process, name);
  }
  return names;
}

test("names are known by process, and 0 is no name", () => {
  const names = seen();
  expect([names.has(1, 5), names.has(2, 6), names.has(3, 0), names.has(4, 5)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test("of one process the last 1000 names are known", () => {
  const names = new SeenToolNames();
  for (let name = 1; name <= maxToolNames + 1; name++) {
    names.add(1, name);
  }
  expect([names.has(1, 1), names.has(1, 2), names.has(1, maxToolNames + 1)]).toEqual([
    false,
    true,
    true,
  ]);
});

test("the names of a process are forgotten with it", () => {
  const names = seen();
  names.forgetProcess(1);
  expect([names.has(1, 5), names.has(2, 5)]).toEqual([false, true]);
});

test("they outlast a restart", () => {
  const writer = new EngineSnapshotWriter();
  seen().snapshot(writer);
  const again = new SeenToolNames();
  again.snapshot(new EngineSnapshotReader(Buffer.concat(writer.pieces)));
  expect([again.has(1, 5), again.has(1, 6), again.has(2, 5), again.has(2, 6)]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
