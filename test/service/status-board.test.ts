import { describe, expect, test } from "vitest";
import type { ReportedStatus } from "../../src/component/status.ts";
import { shutdownAll, startAll } from "../../src/service/lifecycle.ts";
import { StatusBoard } from "../../src/service/status-board.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeInstance } from "./fake-components.ts";

const recoverable = (message: string): ReportedStatus => ({ status: "recoverable_error", message });
const permanent = (message: string): ReportedStatus => ({ status: "permanent_error", message });

/** A board with two components that run. */
function running() {
  const clock = new FakeClock();
  const board = new StatusBoard(clock);
  const a = board.add({ kind: "receiver", id: "a" });
  const b = board.add({ kind: "exporter", id: "b" });
  for (const each of [a, b, board]) {
    each.enter("running");
  }
  return { clock, board, a, b };
}

const briefly = (board: StatusBoard) => {
  const { status, message, components } = board.current();
  return [status, message, components.map((each) => each.status)];
};

describe("the status of a service", () => {
  test("is starting until all have started, then ok, then stopping", () => {
    const board = new StatusBoard(new FakeClock());
    const entry = board.add({ kind: "receiver", id: "a" });
    expect(briefly(board)).toEqual(["starting", undefined, ["starting"]]);
    entry.enter("running");
    expect(briefly(board)).toEqual(["starting", undefined, ["ok"]]);
    board.enter("running");
    expect(briefly(board)).toEqual(["ok", undefined, ["ok"]]);
    board.enter("stopping");
    entry.enter("stopping");
    expect(briefly(board)).toEqual(["stopping", undefined, ["stopping"]]);
    entry.enter("stopped");
    expect(briefly(board)).toEqual(["stopping", undefined, ["stopped"]]);
  });

  test("is that of its worst component, and ok again when that recovers", () => {
    const { board, a, b } = running();
    a.report(recoverable("The disk is full."));
    expect(briefly(board)).toEqual([
      "recoverable_error",
      "The disk is full.",
      ["recoverable_error", "ok"],
    ]);
    b.report(permanent("The key is wrong."));
    expect(briefly(board)).toEqual([
      "permanent_error",
      "The key is wrong.",
      ["recoverable_error", "permanent_error"],
    ]);
    a.report({ status: "ok" });
    b.report({ status: "ok" });
    expect(briefly(board)).toEqual([
      "permanent_error",
      "The key is wrong.",
      ["ok", "permanent_error"],
    ]);
  });

  test("counts from when the trouble began, whatever is reported of it since", () => {
    const { board, a, b, clock } = running();
    const startedUnixMs = clock.unixMs();
    clock.advance(1_000);
    a.report(recoverable("first"));
    clock.advance(1_000);
    b.report(recoverable("second"));
    a.report(recoverable("first, in other words"));
    clock.advance(1_000);
    const { components, ...overall } = board.current();
    expect(overall).toEqual({
      status: "recoverable_error",
      message: "first, in other words",
      startedUnixMs,
      sinceUnixMs: startedUnixMs + 1_000,
      ageMs: 2_000,
    });
    expect(components).toEqual([
      { ...overall, startedUnixMs: undefined, kind: "receiver", id: "a" },
      {
        kind: "exporter",
        id: "b",
        status: "recoverable_error",
        message: "second",
        sinceUnixMs: startedUnixMs + 2_000,
        ageMs: 1_000,
      },
    ]);
  });

  test("takes up what a component reported while it started", () => {
    const board = new StatusBoard(new FakeClock());
    const entry = board.add({ kind: "extension", id: "a" });
    entry.report(recoverable("full"));
    expect(briefly(board)).toEqual(["starting", undefined, ["starting"]]);
    entry.enter("running");
    board.enter("running");
    expect(briefly(board)).toEqual(["recoverable_error", "full", ["recoverable_error"]]);
  });
});

test("starting and stopping is noted for each component by whoever does it", async () => {
  const clock = new FakeClock();
  const board = new StatusBoard(clock);
  const seen: unknown[] = [];
  const look = () => seen.push(board.current().components.map(({ id, status }) => [id, status]));
  const instances = ["a", "b"].map((id) => {
    const instance = fakeInstance("exporter", id, [], { shutdown: async () => void look() });
    return { ...instance, status: board.add({ kind: "exporter", id }) };
  });
  const limits = { clock, shutdownTimeoutMs: 1_000 };
  await startAll(instances, limits);
  look();
  await shutdownAll(instances, limits);
  look();
  expect(seen).toEqual([
    [
      ["a", "ok"],
      ["b", "ok"],
    ],
    [
      ["a", "ok"],
      ["b", "stopping"],
    ],
    [
      ["a", "stopping"],
      ["b", "stopped"],
    ],
    [
      ["a", "stopped"],
      ["b", "stopped"],
    ],
  ]);
});
