import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { RequestHeaders } from "../../src/component/authenticator.ts";
import { type AnyFactory, declare } from "../../src/component/factory.ts";
import { components } from "../../src/components.ts";
import { authOption } from "../../src/config/auth-option.ts";
import { schemasAt, writtenSchemaOf } from "../../src/config/json-schema.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { checkServiceConfig } from "../../src/service/config.ts";
import { createLogger } from "../../src/service/logger.ts";
import { createService } from "../../src/service/service.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fakeMemory } from "../support/fake-memory.ts";

/** What the components of these tests did, in order. */
const done: string[] = [];

const key = declare({
  type: "key",
  kind: "extension",
  roles: {},
  stability: "development",
  description: "Lets in who knows the word.",
  schema: z.strictObject({ sides: z.array(z.enum(["server", "client"])) }),
  authenticates: ({ sides }) => sides,
  create: ({ id }) => ({
    authenticator: {
      server: {
        challenge: id,
        authenticate: ({ word }: RequestHeaders) =>
          word === id ? { ok: true } : { ok: false, refused: "unauthenticated", message: "No." },
      },
    },
    start: async () => {
      done.push(`start ${id}`);
    },
    shutdown: async () => {
      done.push(`shutdown ${id}`);
    },
  }),
});

const door = declare({
  type: "door",
  kind: "extension",
  roles: {},
  stability: "development",
  description: "Asks for the word.",
  schema: z.strictObject({ auth: authOption("Who is let in.") }),
  authKeys: [{ path: ["auth", "authenticator"], side: "server" }],
  create: ({ id, authenticator }, { auth }) => ({
    start: async () => {
      const role = authenticator(auth?.authenticator ?? "");
      const answer = await role.server?.authenticate({ word: role.server.challenge });
      done.push(`start ${id} ${answer?.ok}`);
    },
    shutdown: async () => {
      done.push(`shutdown ${id}`);
    },
  }),
});

const sender = declare({
  type: "sender",
  kind: "exporter",
  roles: { exporter: ["traces"] },
  stability: "development",
  description: "Sends nothing.",
  schema: z.strictObject({ auth: authOption("How it introduces itself.") }),
  authKeys: [{ path: ["auth", "authenticator"], side: "client" }],
  create: () => ({ start: async () => {}, shutdown: async () => {} }),
});

const debug = declare({
  type: "debug",
  kind: "exporter",
  roles: { exporter: ["traces"] },
  stability: "development",
  description: "Does nothing.",
  schema: z.strictObject({}),
  create: () => ({
    exporter: { consumer: () => ({ consume: async () => ({ status: "accepted" as const }) }) },
    start: async () => {},
    shutdown: async () => {},
  }),
});

const otlp = declare({
  type: "otlp",
  kind: "receiver",
  roles: { receiver: ["traces"] },
  stability: "development",
  description: "Does nothing.",
  schema: z.looseObject({}),
  create: () => ({
    receiver: { connect() {} },
    start: async () => {},
    shutdown: async () => {},
  }),
});

const all: readonly AnyFactory[] = [otlp, debug, key, door, sender];

function checked(...texts: readonly string[]) {
  const whole = [
    "receivers: {otlp: {protocols: {http: }}}",
    "exporters: {debug: }",
    "service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}",
    ...texts,
  ];
  return checkServiceConfig(
    loadConfig(
      whole.map((text) => `yaml:${text}`),
      {},
    ),
    all,
  );
}

function problemsOf(...texts: readonly string[]): readonly string[] {
  const result = checked(...texts);
  return result.ok ? [] : result.problems.map(formatProblem);
}

const keys = "extensions: {key: {sides: [server]}, key/sends: {sides: [client]}}";
const run = "service: {extensions: [key, key/sends, door]}";

describe("auth.authenticator", () => {
  test("names an extension that works on the side where it is needed", () => {
    expect(
      problemsOf(
        keys,
        run,
        "extensions: {door: {auth: {authenticator: key}}}",
        "exporters: {sender: {auth: {authenticator: ' key/sends '}}}",
      ),
    ).toEqual([]);
  });

  for (const [title, section, problem] of [
    [
      "that is not configured",
      "extensions: {door: {auth: {authenticator: kay}}}",
      'extensions.door.auth.authenticator: names the authenticator "kay", which is not configured. Did you mean "key"?',
    ],
    [
      "far from every name",
      "extensions: {door: {auth: {authenticator: oidc}}}",
      'names the authenticator "oidc", which is not configured. Configure it in extensions, and name it in service.extensions.',
    ],
    [
      "of something else",
      "extensions: {door: {auth: {authenticator: debug}}}",
      'names "debug", which is an exporter and is not an authenticator. Available authenticators: key, key/sends.',
    ],
    [
      "that only sends, where requests are received",
      "extensions: {door: {auth: {authenticator: key/sends}}}",
      "only adds credentials to requests that are sent",
    ],
    [
      "that only receives, where requests are sent",
      "exporters: {sender: {auth: {authenticator: key}}}",
      "only checks requests that are received",
    ],
    [
      "that is no id",
      "extensions: {door: {auth: {authenticator: 'a b'}}}",
      'has the id "a b"; a type contains only letters',
    ],
    ["that is missing", "extensions: {door: {auth: {}}}", "must name an authenticator extension"],
    [
      "with parameters in the URL",
      "extensions: {door: {auth: {authenticator: key, request_params: [a]}}}",
      "credentials are read from headers only",
    ],
  ] as const) {
    test(`a name ${title} is a problem, where it is written`, () => {
      const problems = problemsOf(keys, run, "extensions: {door: }", section);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(problem);
      expect(problems[0]).toMatch(/^<yaml 7>:1:\d+ [a-z.]+\.auth/);
    });
  }

  test("a name that service.extensions does not have is a problem", () => {
    const problems = problemsOf(
      keys,
      "service: {extensions: [door]}",
      "extensions: {door: {auth: {authenticator: key}}}",
    );
    expect(problems.join()).toContain(
      'names the authenticator "key", which is missing in service.extensions and therefore would not run. Add it there.',
    );
  });

  test("a name whose own section is wrong is reported once, there", () => {
    const problems = problemsOf(
      "extensions: {key: {sides: [both]}, door: {auth: {authenticator: key}}}",
      "service: {extensions: [key, door]}",
    );
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("extensions.key.sides[0]");
  });

  for (const { type, authKeys, schema } of components) {
    for (const { path } of authKeys ?? []) {
      test(`is an option that the type ${type} really has at ${path.join(".")}`, () => {
        const [option] = schemasAt(writtenSchemaOf(schema), path);
        expect(option).toMatchObject({ type: "string" });
      });
    }
  }
});

test("an authenticator that nobody names is noticed, because it protects nothing", () => {
  const result = checked(keys, "service: {extensions: [key]}");
  const notices = result.ok ? result.config.notices.map(({ message }) => message) : [];
  expect(notices).toContain(
    'names "key", but no component names it in auth.authenticator, so it protects nothing.',
  );
});

test("an authenticator starts before the extensions that use it and stops after them", async () => {
  done.length = 0;
  const result = checked(
    "extensions: {key: {sides: [server]}, door: {auth: {authenticator: key}}}",
    "service: {extensions: [door, key]}",
  );
  if (!result.ok) {
    throw new Error(result.problems.map(formatProblem).join("\n"));
  }
  const clock = new FakeClock();
  const service = createService({
    plan: result.config,
    factories: all,
    version: "1",
    env: {},
    clock,
    random: () => 0,
    randomBytes: (length) => new Uint8Array(length),
    memory: fakeMemory(),
    logger: createLogger({ level: "error", encoding: "json", clock, write: () => {} }),
  });
  await service.start();
  await service.shutdown();
  expect(done).toEqual(["start key", "start door true", "shutdown door", "shutdown key"]);
});
