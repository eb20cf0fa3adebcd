import { beforeEach, describe, expect, test } from "vitest";
import {
  HeartbeatSender,
  type ProcessReport,
  type Promised,
} from "../../src/preload/heartbeat-sender.ts";
import type { PostOutcome } from "../../src/sender/http-client.ts";
import { FakeClock } from "../support/fake-clock.ts";

const intervalMs = 10_000;

let clock: FakeClock;
let sender: HeartbeatSender;
let problems: string[];
let outcome: PostOutcome;
/** The processes of each request, as "process promised". */
let requests: string[][];

beforeEach(() => {
  clock = new FakeClock();
  problems = [];
  requests = [];
  outcome = { status: "accepted", isReconnected: false };
  sender = new HeartbeatSender({
    clock,
    intervalMs,
    onProblem: (message) => problems.push(message),
    client: {
      post({ body }) {
        const { resourceLogs } = JSON.parse(Buffer.from(body).toString());
        requests.push(
          resourceLogs.map((each: { resource: string; scopeLogs: [{ logRecords: [object] }] }) =>
            [each.resource, ...Object.values(each.scopeLogs[0].logRecords[0]).slice(2)].join(" "),
          ),
        );
        return Promise.resolve(outcome);
      },
    },
  });
});

const report = (process: string, promised: Promised): ProcessReport => ({
  process,
  promised,
  resourceLogs: { resource: process as unknown as object, scope: {}, record: { promised } },
});

/** Lets time pass, and what is answered arrive. */
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

describe("the sender of heartbeats", () => {
  test("sends the first heartbeat of a process at once, then one request for all processes after each interval", async () => {
    sender.report([report("a", "heartbeats")]);
    await pass(0);
    sender.report([report("b", "heartbeats")]);
    await pass(0);
    await pass(intervalMs);

    expect(requests).toEqual([
      ["a heartbeats"],
      ["a heartbeats", "b heartbeats"],
      ["a heartbeats", "b heartbeats"],
    ]);
  });

  test("sends nothing to a collector while there is nothing to report", async () => {
    await pass(10 * intervalMs);

    expect(requests).toEqual([]);
  });

  for (const promised of ["nothing", "unwatched"] as const) {
    test(`sends "${promised}" once, when that was so for an interval`, async () => {
      sender.report([report("a", "heartbeats")]);
      await pass(intervalMs / 2);
      sender.report([report("a", promised)]);
      await pass(intervalMs - 1);
      expect(requests).toEqual([["a heartbeats"]]);
      await pass(3 * intervalMs);

      expect(requests).toEqual([["a heartbeats"], [`a ${promised}`]]);
    });
  }

  test("keeps that until a collector that is away has taken it", async () => {
    sender.report([report("a", "unwatched")]);
    outcome = { status: "retryable", message: "It is away." };
    await pass(intervalMs);
    await pass(intervalMs);
    outcome = { status: "accepted", isReconnected: false };
    await pass(intervalMs);
    await pass(intervalMs);

    expect(requests).toHaveLength(3);
    expect(problems).toHaveLength(1);
  });

  test("discards reports that were not sent yet when the process has work again", async () => {
    sender.report([report("a", "heartbeats")]);
    await pass(0);
    sender.report([report("a", "nothing")]);
    sender.report([report("a", "heartbeats")]);
    await pass(0);
    await pass(intervalMs);

    expect(requests).toEqual([["a heartbeats"], ["a heartbeats"], ["a heartbeats"]]);
  });

  test("sends changes that occur during a request right after it", async () => {
    sender.report([report("a", "heartbeats")]);
    sender.report([report("b", "heartbeats")]);
    await pass(0);

    expect(requests).toEqual([["a heartbeats"], ["a heartbeats", "b heartbeats"]]);
  });

  test("continues when it is refused, reports that once, and again only after it has worked", async () => {
    outcome = { status: "permanent", message: "It answered with status 404." };
    sender.report([report("a", "heartbeats")]);
    await pass(0);
    await pass(intervalMs);
    expect(problems).toEqual([
      "The activity collector does not accept heartbeats; retrying every 10000 ms. It answered with status 404.",
    ]);
    outcome = { status: "accepted", isReconnected: false };
    await pass(intervalMs);
    outcome = { status: "permanent", message: "It answered with status 404." };
    await pass(intervalMs);

    expect(requests).toHaveLength(4);
    expect(problems).toHaveLength(2);
  });
});
