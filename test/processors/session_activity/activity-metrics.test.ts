import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { ActivityEngine } from "../../../src/activity/engine/activity-engine.ts";
import { claimNames, verdictNames } from "../../../src/activity/model/diagnosis.ts";
import { createActivityMetrics } from "../../../src/processors/session_activity/activity-metrics.ts";
import { limits } from "../../activity/engine/history.ts";
import { deferred } from "../../support/deferred.ts";

/** The metrics of an engine without input. */
function metricsOf(whenStored: () => Promise<void> = async () => {}) {
  const events = { pendingEvents: 0, droppedEvents: () => 0 };
  const { collect } = createActivityMetrics({
    source: {
      engine: new ActivityEngine(limits),
      series: { instanceId: "one", sinceUnixMs: 0 },
      now: () => ({ atMs: 0, unixMs: 0 }),
    },
    events,
    senders: { unrecognizedServices: 3 },
    whenRestored: Promise.resolve(),
    whenStored,
    resource: () => ({}),
    scope: { name: "test", version: "1" },
  });
  return { collect, events };
}

/** The points of one metric of an engine without input. */
async function pointsOf(name: string, { collect } = metricsOf()) {
  const { resourceMetrics } = await collect();
  return resourceMetrics.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .filter(({ descriptor }) => descriptor.name === name)
    .flatMap(({ dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ attributes, value })),
    );
}

test("the services without work are those that the readers found", async () => {
  expect(await pointsOf("openclaw.session.activity.unrecognized_services")).toEqual([
    { attributes: {}, value: 3 },
  ]);
});

test("every diagnosis is present from the start, as 0", async () => {
  expect(await pointsOf("openclaw.session.diagnosed")).toEqual(
    verdictNames.flatMap((verdict) =>
      claimNames.map((claim) => ({
        attributes: { "openclaw.verdict": verdict, "openclaw.claim": claim },
        value: 0,
      })),
    ),
  );
});

test("sessions are counted by each possible pair of state and blocking work", async () => {
  const points = await pointsOf("openclaw.session.activity.sessions");
  expect(
    points.map(({ attributes, value }) => [
      attributes["openclaw.state"],
      attributes["openclaw.blocked_by"],
      value,
    ]),
  ).toEqual([
    ["active", "none", 0],
    ["long_running", "none", 0],
    ["stalled", "model_call", 0],
    ["stalled", "run", 0],
    ["blocked_tool_call", "tool", 0],
    ["paused", "none", 0],
  ]);
});

test("what is published was counted before it was stored", async () => {
  const asked = deferred<void>();
  const stored = deferred<void>();
  const metrics = metricsOf(() => {
    asked.resolve();
    return stored.promise;
  });
  let isPublished = false;
  const points = pointsOf("openclaw.session.activity.events.pending", metrics).finally(() => {
    isPublished = true;
  });
  await asked.promise;
  metrics.events.pendingEvents = 7;
  await pause(20);
  expect(isPublished).toBe(false);
  stored.resolve();
  expect(await points).toMatchObject([{ value: 0 }]);
});
