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
    const { components, pipelines: _, ...overall } = board.current();
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

  test("counts the time for which an error had lasted when it was reported", () => {
    const { board, a, clock } = running();
    clock.advance(100_000);
    const failedUnixMs = clock.unixMs() - 60_000;
    a.report({ status: "recoverable_error", message: "down", lastedMs: 60_000 });
    clock.advance(5_000);
    const { ageMs, sinceUnixMs } = board.current();
    expect([ageMs, sinceUnixMs]).toEqual([65_000, failedUnixMs]);
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

describe("the status of a pipeline", () => {
  /** A receiver in two pipelines, each with an exporter of its own. */
  function started() {
    const clock = new FakeClock();
    const board = new StatusBoard(clock);
    const [receiver, a, b] = [
      board.add({ kind: "receiver", id: "in" }),
      board.add({ kind: "exporter", id: "a" }),
      board.add({ kind: "exporter", id: "b" }),
    ] as const;
    const to = (id: string) => [
      { kind: "receiver", id: "in" } as const,
      { kind: "exporter", id } as const,
    ];
    board.setPipelines([
      { id: "traces", components: to("a") },
      { id: "traces/2", components: to("b") },
    ]);
    const statuses = () => board.current().pipelines.map(({ status }) => status);
    return { clock, board, receiver, a, b, statuses };
  }

  test("is starting until all of its components have started, then that of its worst one", () => {
    const { receiver, a, b, statuses } = started();
    receiver.enter("running");
    a.enter("running");
    expect(statuses()).toEqual(["ok", "starting"]);
    b.enter("running");
    b.report(recoverable("down"));
    expect(statuses()).toEqual(["ok", "recoverable_error"]);
    receiver.report(permanent("broken"));
    expect(statuses()).toEqual(["permanent_error", "permanent_error"]);
  });

  test("is stopping from the first of its components that stops to the last", () => {
    const { board, receiver, a, b, statuses } = started();
    for (const each of [receiver, a, b, board]) {
      each.enter("running");
    }
    receiver.enter("stopping");
    expect(statuses()).toEqual(["stopping", "stopping"]);
    receiver.enter("stopped");
    a.enter("stopped");
    expect(statuses()).toEqual(["stopped", "stopping"]);
  });

  test("has its components, and since when and why it is as it is", () => {
    const { clock, board, receiver, a, b } = started();
    const startedUnixMs = clock.unixMs();
    for (const each of [receiver, a, b, board]) {
      each.enter("running");
      clock.advance(1_000);
    }
    b.report(recoverable("down"));
    clock.advance(5_000);
    const [first, second] = board.current().pipelines;
    // Well since the last of its components is.
    expect(first).toMatchObject({
      id: "traces",
      status: "ok",
      sinceUnixMs: startedUnixMs + 1_000,
      ageMs: 8_000,
    });
    expect(second).toEqual({
      id: "traces/2",
      status: "recoverable_error",
      message: "down",
      sinceUnixMs: startedUnixMs + 4_000,
      ageMs: 5_000,
      components: board.current().components.filter(({ id }) => id !== "a"),
    });
  });
});

test("starting and stopping is noted for each component by whoever does it", async () => {
  const clock = new FakeClock();
  const board = new StatusBoard(clock);
  const seen: unknown[] = [];
  const look = () => seen.push(board.current().components.map(({ id, status }) => [id, status]));
  const instances = ["a", "b"].map((id) => {
    const instance = fakeInstance("processor", id, [], { shutdown: async () => void look() });
    return { ...instance, status: board.add({ kind: "processor", id }) };
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
