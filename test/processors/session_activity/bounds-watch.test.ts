import { expect, test } from "vitest";
import { BoundsWatch } from "../../../src/processors/session_activity/bounds-watch.ts";
import { recordingLogger } from "../../service/fake-components.ts";

function watched() {
  const logger = recordingLogger();
  const statuses: unknown[] = [];
  const watch = new BoundsWatch(
    { maxOpenWork: 100, maxSessions: 20, maxTombstones: 100, maxProcesses: 40 },
    { logger, reportStatus: (status) => statuses.push(status) },
  );
  const check = (
    openWork: number,
    sessions: number,
    { processes = 1, endsUnknown = 0, isStateLost = false } = {},
  ) => watch.check({ openWork, sessions, processes, endsUnknown, isStateLost });
  return { watch, check, statuses, logger, levels: () => logger.lines.map(([level]) => level) };
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
  const message = "max_sessions (20) is reached, so work of further sessions is not tracked.";
  expect(statuses).toEqual([{ status: "recoverable_error", message }]);
  check(30, 19);
  expect(statuses).toHaveLength(1);
  check(30, 18);
  expect(statuses.at(-1)).toEqual({ status: "ok" });
});

test("so is the bound on processes, with what to do in the log", () => {
  const { watch, check, statuses, logger, levels } = watched();
  check(1, 1, { processes: 39 });
  expect([statuses, watch.isBlind]).toEqual([[], false]);
  check(1, 1, { processes: 40 });
  check(1, 1, { processes: 38 });
  const message =
    "The limit of sending processes (40) is reached, so work of new ones is not tracked.";
  expect([statuses, watch.isBlind]).toEqual([[{ status: "recoverable_error", message }], true]);
  expect(logger.lines).toEqual([
    [
      "warn",
      `${message} Its orphans will not be reported. Find out what sends under so many values of service.instance.id; one that sends nothing for max_age is forgotten.`,
      { open_work: 1, sessions: 1, processes: 40 },
    ],
  ]);
  check(1, 1, { processes: 37 });
  expect(statuses.at(-1)).toEqual({ status: "ok" });
  expect(levels()).toEqual(["warn", "info"]);
});

test("work that is not tracked because the end of the state was missing is a status as long as there is any", () => {
  const { check, statuses, levels } = watched();
  check(0, 0, { endsUnknown: 3 });
  check(0, 0, { endsUnknown: 1 });
  check(0, 0);
  expect(statuses).toEqual([
    {
      status: "recoverable_error",
      message:
        "The end of the stored state was missing at the start, so work that was open in it is not tracked.",
    },
    { status: "ok" },
  ]);
  expect(levels()).toEqual([]);
});

test("work that is not tracked because nothing of the state was recovered is a status as long as it may be open", () => {
  const { check, statuses } = watched();
  check(0, 0, { isStateLost: true });
  check(5, 1, { isStateLost: true });
  check(5, 1);
  expect(statuses).toEqual([
    {
      status: "recoverable_error",
      message:
        "Nothing of the stored state could be used at the start, so work that was open in it is not tracked.",
    },
    { status: "ok" },
  ]);
});

test("of several reasons each is in the status, until it is gone", () => {
  const { check, statuses, levels } = watched();
  const messages = () => statuses.map((status) => (status as { message?: string }).message);
  check(100, 1, { endsUnknown: 1 });
  check(100, 1, { processes: 40, endsUnknown: 1 });
  check(1, 1, { processes: 40 });
  check(1, 1);
  expect(messages()).toEqual([
    expect.stringMatching(/^max_open_work .* tracked\. The end of the stored state/),
    expect.stringMatching(/^max_open_work .* The limit of sending processes .* The end of/),
    expect.stringMatching(/^The limit of sending processes [^.]*\.$/),
    undefined,
  ]);
  expect(levels()).toEqual(["warn", "warn", "info"]);
});
