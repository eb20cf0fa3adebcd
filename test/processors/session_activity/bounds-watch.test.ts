import { expect, test } from "vitest";
import { BoundsWatch } from "../../../src/processors/session_activity/bounds-watch.ts";
import { recordingLogger } from "../../service/fake-components.ts";

function watched() {
  const logger = recordingLogger();
  const statuses: unknown[] = [];
  const watch = new BoundsWatch(
    { maxOpenWork: 100, maxSessions: 20, maxTombstones: 100 },
    { logger, reportStatus: (status) => statuses.push(status) },
  );
  const check = (openWork: number, sessions: number) => watch.check({ openWork, sessions });
  return { check, statuses, levels: () => logger.lines.map(([level]) => level) };
}

test("a reached bound is a status and one warning until there is room again", () => {
  const { check, statuses, levels } = watched();
  check(99, 19);
  expect(statuses).toEqual([]);
  check(100, 3);
  check(100, 3);
  check(96, 3);
  expect(statuses).toEqual([
    {
      status: "recoverable_error",
      message: "max_open_work (100) is reached, so new work is not tracked.",
    },
  ]);
  check(94, 3);
  check(99, 3);
  expect(statuses.slice(1)).toEqual([{ status: "ok" }]);
  expect(levels()).toEqual(["warn", "info"]);
});

test("the bound on sessions is one, too", () => {
  const { check, statuses } = watched();
  check(30, 20);
  expect(statuses).toMatchObject([{ message: expect.stringContaining("max_sessions (20)") }]);
  check(30, 19);
  expect(statuses).toHaveLength(1);
  check(30, 18);
  expect(statuses.at(-1)).toEqual({ status: "ok" });
});
