import { expect, test } from "vitest";
import { changedSettings } from "../../src/service/changed-settings.ts";

const service = {
  extensions: ["health_check"],
  pipelines: { "traces/a": { receivers: ["otlp"], processors: ["x", "y"] } },
  shutdown_timeout: 10_000,
  telemetry: {
    resource: { "service.name": "a" },
    logs: { level: "info", sampling: { tick: 1 }, initial_fields: { secret: "s" } },
    metrics: { endpoint: { host: "127.0.0.1", port: 8888 } },
  },
};
const { telemetry, pipelines } = service;
const withLogs = (logs: object) => ({
  ...service,
  telemetry: { ...telemetry, logs: { ...telemetry.logs, ...logs } },
});

for (const [title, after, want] of [
  ["nothing", { ...service }, []],
  ["a number", { ...service, shutdown_timeout: 1 }, ["service.shutdown_timeout"]],
  ["the level of the log", withLogs({ level: "debug" }), ["service.telemetry.logs.level"]],
  [
    "fields of the log, without their names",
    withLogs({ initial_fields: { other: "t" } }),
    ["service.telemetry.logs.initial_fields"],
  ],
  [
    "two settings of the log",
    withLogs({ level: "warn", sampling: { tick: 2 } }),
    ["service.telemetry.logs.level", "service.telemetry.logs.sampling.tick"],
  ],
  [
    "the resource",
    { ...service, telemetry: { ...telemetry, resource: { a: "b" } } },
    ["service.telemetry.resource"],
  ],
  [
    "the order in a pipeline",
    { ...service, pipelines: { "traces/a": { receivers: ["otlp"], processors: ["y", "x"] } } },
    ["service.pipelines.traces/a"],
  ],
  [
    "a pipeline that is new",
    { ...service, pipelines: { ...pipelines, logs: {} } },
    ["service.pipelines.logs"],
  ],
  ["a pipeline that is gone", { ...service, pipelines: {} }, ["service.pipelines.traces/a"]],
  ["a list", { ...service, extensions: [] }, ["service.extensions"]],
  [
    "a setting that was not there",
    { ...service, telemetry: { ...telemetry, traces: { level: "none" } } },
    ["service.telemetry.traces"],
  ],
] as const) {
  test(`a change of ${title} is named`, () => {
    expect(changedSettings(service, after)).toEqual(want);
  });
}

test("a section is the same as itself, also if there is none", () => {
  expect([changedSettings(undefined, undefined), changedSettings(service, service)]).toEqual([
    [],
    [],
  ]);
});
