// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.

import { describe, expect, test } from "vitest";
import { optionRows } from "../../scripts/docs/option-rows.ts";
import { components } from "../../src/components.ts";
import { schemasAt, writtenSchemaOf } from "../../src/config/json-schema.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { checkServiceConfig, type ServiceConfig } from "../../src/service/config.ts";
import { printConfig } from "../../src/service/config-print.ts";
import fc from "../support/fast-check.ts";
import { factories, wholeConfig } from "./config-factories.ts";

function configOf(
  texts: readonly string[],
  environment: Record<string, string> = {},
): ServiceConfig {
  const sources = [wholeConfig, ...texts].map((text) => `yaml:${text}`);
  const checked = checkServiceConfig(loadConfig(sources, environment), factories);
  if (!checked.ok) throw new Error(checked.problems.map(formatProblem).join("\n"));
  return checked.config;
}

describe("a config that is right", () => {
  test("names every component of every pipeline by section and id", () => {
    expect(configOf([]).pipelines).toEqual([
      {
        id: "traces",
        signal: "traces",
        receivers: [{ kind: "receiver", id: "otlp" }],
        processors: [{ kind: "processor", id: "session_activity" }],
        exporters: [{ kind: "exporter", id: "debug" }],
      },
      {
        id: "metrics/activity",
        signal: "metrics",
        receivers: [{ kind: "processor", id: "session_activity" }],
        processors: [],
        exporters: [
          { kind: "exporter", id: "prometheus" },
          { kind: "exporter", id: "debug" },
        ],
      },
    ]);
  });

  test("gives each component its own section as its factory takes it", () => {
    const config = configOf(
      ["exporters: {debug: {verbosity: normal, note: '${N}'}, debug/unused: }"],
      { N: "0123" },
    );
    expect(config.sectionOf({ kind: "exporter", id: "debug" })).toEqual({
      verbosity: "normal",
      note: "0123",
    });
    expect(config.sectionOf({ kind: "receiver", id: "otlp" })).toEqual({ protocols: { http: {} } });
    expect(config.sectionOf({ kind: "receiver", id: "debug" })).toBeUndefined();
    for (const { factory, section } of config.components) {
      expect(() => factory.schema.parse(section)).not.toThrow();
    }
    expect(config.components.map(({ kind, id, used }) => `${kind} ${id} ${used}`)).toEqual([
      "receiver otlp true",
      "processor session_activity true",
      "exporter prometheus true",
      "exporter debug true",
      "exporter debug/unused false",
    ]);
  });

  test("cannot be changed", () => {
    const config = configOf(["service: {telemetry: {logs: {level: warn}}}"]);
    const section = config.sectionOf({ kind: "receiver", id: "otlp" });
    for (const value of [
      config,
      config.pipelines,
      config.pipelines[0],
      config.service.telemetry.logs,
      section,
    ]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
    expect(() => Object.assign(Object(section).protocols, { grpc: {} })).toThrow(TypeError);
  });

  test("blanks around an id do not matter, in its section as in pipelines", () => {
    const config = configOf([
      "exporters: {'debug / b': }",
      "service: {pipelines: {traces: {exporters: ['debug/ b']}}}",
    ]);
    expect(config.pipelines[0]?.exporters).toEqual([{ kind: "exporter", id: "debug/b" }]);
  });

  test("extensions run in the order that service.extensions names them", () => {
    const config = configOf([
      "extensions: {health_check: , health_check/2: {endpoint: '127.0.0.1:13134'}}",
      "service: {extensions: [health_check/2, health_check]}",
    ]);
    expect(config.extensions.map(({ id }) => id)).toEqual(["health_check/2", "health_check"]);
  });
});

describe("the storage of a component", () => {
  const storages = "extensions: {file_storage: , file_storage/queues: }";
  const listed = "service: {extensions: [file_storage, file_storage/queues]}";

  test("is the extension that its config names, wherever its type has that option", () => {
    const config = configOf(
      [
        storages,
        listed,
        "processors: {session_activity: {storage: '${WHERE}'}}",
        "exporters: {otlp_http: {endpoint: 'http://h', sending_queue: {storage: file_storage/queues}}}",
      ],
      { WHERE: "file_storage" },
    );
    expect(config.storageOf({ kind: "processor", id: "session_activity" })).toEqual({
      kind: "extension",
      id: "file_storage",
    });
    expect(config.storageOf({ kind: "exporter", id: "otlp_http" })).toEqual({
      kind: "extension",
      id: "file_storage/queues",
    });
    expect(config.storageOf({ kind: "exporter", id: "debug" })).toBeUndefined();
  });

  test("is none when the option is left out or empty", () => {
    const config = configOf([storages, listed, "processors: {session_activity: {storage: }}"]);
    expect(config.storageOf({ kind: "processor", id: "session_activity" })).toBeUndefined();
  });

  for (const { type, storageKey, schema } of [...factories, ...components]) {
    if (storageKey !== undefined) {
      test(`is an option that the type ${type} really has`, () => {
        const [option] = schemasAt(writtenSchemaOf(schema), storageKey);
        expect(option).toMatchObject({ type: "string" });
      });
    }
  }
});

describe("the endpoint of the own metrics", () => {
  for (const [name, metrics, endpoint] of [
    ["is 8888 on this machine unless said otherwise", "{}", { host: "127.0.0.1", port: 8888 }],
    ["is what endpoint says", "{endpoint: '[::1]:9'}", { host: "::1", port: 9 }],
    ["is nowhere at level none", "{level: none}", undefined],
    [
      "may be said the Collector's way, with its own defaults",
      "{readers: [{pull: {exporter: {prometheus: {port: 9999}}}}]}",
      { host: "127.0.0.1", port: 9999 },
    ],
  ] as const) {
    test(name, () => {
      expect(configOf([`service: {telemetry: {metrics: ${metrics}}}`]).telemetryEndpoint).toEqual(
        endpoint,
      );
    });
  }
});

test("the shutdown timeout is 10 s unless said otherwise", () => {
  expect(configOf([]).shutdownTimeoutMs).toBe(10_000);
  expect(configOf(["service: {shutdown_timeout: 1m}"]).shutdownTimeoutMs).toBe(60_000);
});

describe("print-config", () => {
  const secret =
    "exporters: {otlp_http: {endpoint: 'http://127.0.0.1:1', headers: {a: 's3cret$$x', b: '${T}'}}}";

  test("shows every default and no secret", () => {
    const text = printConfig(configOf([secret], { T: "s3cret" }), { unredacted: false });
    expect(text).toContain('a: "[REDACTED]"\n      b: "[REDACTED]"');
    expect(text).toContain("max_request_body_size: 20MiB");
    expect(text).toContain("allowed_lateness: 10s");
    expect(text).toContain("endpoint: 127.0.0.1:9464");
    expect(text).not.toContain("s3cret");
  });

  test("shows secrets when told to, and loads again to the same config", () => {
    const config = configOf([secret], { T: "0123$" });
    const text = printConfig(config, { unredacted: true });
    const again = checkServiceConfig(loadConfig([`yaml:${text}`], {}), factories);
    expect(again.ok && printConfig(again.config, { unredacted: true })).toBe(text);
    expect(text).toContain("a: s3cret$$x");
    expect(again.ok && again.config.pipelines).toEqual(config.pipelines);
  });
});

describe("the components of this program", () => {
  test("deploy/config.yaml is right, and printed in full it is right again", () => {
    const checked = checkServiceConfig(loadConfig(["deploy/config.yaml"], {}), components);
    if (!checked.ok) throw new Error(checked.problems.map(formatProblem).join("\n"));
    expect(checked.config.notices).toEqual([]);
    const text = printConfig(checked.config, { unredacted: true });
    const again = checkServiceConfig(loadConfig([`yaml:${text}`], {}), components);
    expect(again.ok && printConfig(again.config, { unredacted: true })).toBe(text);
  });

  for (const { kind, type, description, schema } of components) {
    test(`every option of the ${kind} ${type} says what it means`, () => {
      expect(description).toMatch(/\.$/);
      const undocumented = optionRows(writtenSchemaOf(schema)).filter(
        (row) => !/\.$/.test(row.description),
      );
      expect(undocumented).toEqual([]);
    });
  }
});

test("any change to a config is either accepted or answered with problems, never with an exception", () => {
  const key = fc.constantFrom(
    "receivers",
    "processors",
    "exporters",
    "extensions",
    "service",
    "pipelines",
    "traces",
    "otlp",
    "debug",
    "telemetry",
    "metrics",
    "otlp/2",
    "logs/x",
    "",
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, "otlp", "debug", "session_activity", "prometheus", 1, true, "", "10s"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, value, { maxKeys: 6 }), (change) => {
      const sources = [wholeConfig, JSON.stringify(change)].map((text) => `yaml:${text}`);
      for (const source of [sources, sources.slice(1)]) {
        const checked = checkServiceConfig(loadConfig(source, {}), factories);
        if (!checked.ok) expect(checked.problems.length).toBeGreaterThan(0);
        else expect(printConfig(checked.config, { unredacted: false })).toContain("service:");
      }
    }),
    { numRuns: 1_000 },
  );
});
