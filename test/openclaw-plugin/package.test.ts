import { describe, expect, test } from "vitest";
import { parseConfig } from "../../openclaw-plugin/src/config.ts";
import { diagnosticEventTypes } from "../../openclaw-plugin/src/gateway-event.ts";
import { parseRecording } from "../../openclaw-plugin/src/recording.ts";
import { version } from "../../openclaw-plugin/src/relay-version.ts";
import { detectResource } from "../../openclaw-plugin/src/resource.ts";
import { textOf } from "../support/repository.ts";

const manifest = JSON.parse(textOf("openclaw-plugin/openclaw.plugin.json"));
const npm = JSON.parse(textOf("openclaw-plugin/package.json"));

describe("what describes the plugin", () => {
  test("the package, the manifest and the code are of one version", () => {
    expect([npm.version, manifest.version]).toEqual([version, version]);
  });

  test("the defaults of the schema are those of the code", () => {
    const { endpoint, headers, kinds, approvalClient } = parseConfig(undefined);
    const { properties } = manifest.configSchema;

    expect(Object.keys(properties)).toEqual(["endpoint", "headers", "kinds", "approvalClient"]);
    expect(new URL(properties.endpoint.default).href).toBe(endpoint.href);
    expect(properties.kinds.default).toEqual([...kinds]);
    expect(properties.kinds.items.enum).toEqual([...kinds]);
    expect(headers).toEqual({});
    expect(properties.approvalClient.default).toBe(approvalClient);
  });

  test("nothing is installed with it", () => {
    expect(npm).not.toHaveProperty("dependencies");
  });

  test("OpenClaw is asked for the events that are understood, and for no others", () => {
    expect([...diagnosticEventTypes].sort()).toEqual([
      "harness.run.completed",
      "harness.run.error",
      "harness.run.started",
      "message.queued",
      "model.call.completed",
      "model.call.error",
      "model.call.started",
      "run.completed",
      "run.progress",
      "run.started",
      "session.activity.evicted",
      "session.long_running",
      "session.recovery.completed",
      "session.recovery.requested",
      "session.stalled",
      "session.state",
      "session.stuck",
      "tool.execution.blocked",
      "tool.execution.completed",
      "tool.execution.error",
      "tool.execution.started",
    ]);
  });
});

describe("configuration", () => {
  test.each([
    ["an address without a scheme", { endpoint: "127.0.0.1:4318" }, /endpoint must be an address/],
    ["another scheme", { endpoint: "grpc://127.0.0.1:4317" }, /endpoint must be an address/],
    ["a header that is no text", { headers: { a: 1 } }, /headers\.a must be a text/],
  ])("%s is refused with what to write instead", (_, config, message) => {
    expect(() => parseConfig(config)).toThrow(message);
  });
});

describe("the process", () => {
  const detect = (config: unknown, env: Record<string, string>) =>
    detectResource({ config, env, serviceVersion: undefined, serviceInstanceId: "i" }).serviceName;

  test.each([
    [
      "the configuration",
      { diagnostics: { otel: { serviceName: "mine" } } },
      { OTEL_SERVICE_NAME: "env" },
      "mine",
    ],
    ["the environment", { diagnostics: {} }, { OTEL_SERVICE_NAME: "env" }, "env"],
    ["neither", undefined, {}, "openclaw"],
  ] as const)("is named by %s", (_, config, env, expected) => {
    expect(detect(config, env)).toBe(expected);
  });
});

describe("recordings", () => {
  test("lines are fed at the time they happened, hooks with the line before", () => {
    const fed: string[] = [];
    const relay = {
      event: (event: unknown) => void fed.push(JSON.stringify(event)),
      agentEvent: (event: unknown) => void fed.push(JSON.stringify(event)),
      hook: (name: string) => void fed.push(name),
    };
    const entries = parseRecording(
      [
        '{"metadata":{},"event":{"type":"a","ts":1000}}',
        '{"hook":"session_end","event":{},"context":{}}',
        "",
        '{"metadata":{},"event":{"type":"b","ts":1500}}',
        '{"metadata":{},"event":{"type":"c","ts":1400}}',
        '{"agentEvent":{"stream":"tool","ts":1700}}',
      ].join("\n"),
    );
    for (const entry of entries) {
      entry.feed(relay);
    }

    expect(entries.map(({ offsetMs }) => offsetMs)).toEqual([0, 0, 500, 500, 700]);
    expect(fed).toEqual([
      '{"type":"a","ts":1000}',
      "session_end",
      '{"type":"b","ts":1500}',
      '{"type":"c","ts":1400}',
      '{"stream":"tool","ts":1700}',
    ]);
  });

  test.each(["{", "7", '{"metadata":{}}'])("a line that is none is named: %s", (line) => {
    expect(() => parseRecording(`{"event":{"ts":1}}\n${line}`)).toThrow(/^Line 2 of the recording/);
  });
});
