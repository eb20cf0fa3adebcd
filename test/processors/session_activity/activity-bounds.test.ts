import { expect, test } from "vitest";
import { activityBoundsFor } from "../../../src/memory/memory-budget.ts";
import {
  activityBoundsOf,
  reportActivityBounds,
} from "../../../src/processors/session_activity/activity-bounds.ts";
import { type Config, schema } from "../../../src/processors/session_activity/config.ts";
import { testSettings } from "../../exporters/settings.ts";
import { fakeMemory, mebibyte } from "../../support/fake-memory.ts";

const small = fakeMemory({ limitMiB: 256 });
const fitting = activityBoundsFor(256 * mebibyte);

function reported(section: Readonly<Record<string, number>>, memory = small) {
  const { settings, log } = testSettings("session_activity");
  const config: Config = schema.parse(section);
  const bounds = activityBoundsOf(config, memory);
  reportActivityBounds(bounds, config, { ...settings, memory });
  return { bounds, levels: log.map(({ level }) => level), fields: log[0]?.fields };
}

test("bounds that are left out follow from the memory limit, which is logged", () => {
  expect(reported({})).toMatchObject({ bounds: fitting, levels: ["info"] });
});

test("plenty of memory needs no remark", () => {
  expect(reported({}, fakeMemory({ limitMiB: 65_536 })).levels).toEqual([]);
});

test("configured bounds win, each for itself", () => {
  expect(reported({ max_tombstones: 5 }).bounds).toEqual({ ...fitting, maxTombstones: 5 });
  expect(reported({ max_open_work: 7 }).bounds).toEqual({
    ...fitting,
    maxOpenWork: 7,
    maxSessions: 7,
  });
  expect(reported({ max_sessions: 3 }).bounds).toEqual({ ...fitting, maxSessions: 3 });
});

test("configured bounds that fit need no remark", () => {
  expect(reported({ max_open_work: 10, max_tombstones: 10 }).levels).toEqual([]);
});

test("configured bounds that do not fit are warned of, with those that would", () => {
  const { bounds, levels, fields } = reported({ max_tombstones: 1_000_000 });
  expect(bounds.maxTombstones).toBe(1_000_000);
  expect(levels).toEqual(["warn"]);
  expect(fields).toMatchObject({
    max_tombstones: 1_000_000,
    memory_limit_mib: 256,
    fitting_max_tombstones: fitting.maxTombstones,
  });
});
