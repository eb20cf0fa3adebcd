import { describe, expect, test } from "vitest";
import type { ComponentStatus, ServiceStatus, Status } from "../../../src/component/status.ts";
import { schema } from "../../../src/extensions/health_check/config.ts";
import { pagesOf } from "../../../src/extensions/health_check/pages.ts";

const startedUnixMs = Date.UTC(2026, 7, 1, 8, 0, 0);

function component(
  id: string,
  status: Status,
  ageMs = 0,
  message?: string,
  kind: ComponentStatus["kind"] = "extension",
): ComponentStatus {
  return {
    kind,
    id,
    status,
    ...(message === undefined ? {} : { message }),
    sinceUnixMs: startedUnixMs + 1_000,
    ageMs,
  };
}

function service(
  status: Status,
  components: readonly ComponentStatus[] = [],
  pipelines: ServiceStatus["pipelines"] = [],
): ServiceStatus {
  const [worst] = components.filter((each) => each.status === status);
  return {
    status,
    startedUnixMs,
    sinceUnixMs: startedUnixMs + 1_000,
    ageMs: worst?.ageMs ?? 0,
    ...(worst?.message === undefined ? {} : { message: worst.message }),
    components,
    pipelines,
  };
}

/** What the page answers with these options. */
function answerOf(
  page: "health" | "status" | "ready",
  status: ServiceStatus,
  { section = {}, query = "" }: { readonly section?: object; readonly query?: string } = {},
) {
  const found = pagesOf(schema.parse(section)).find(({ name }) => name === page)!;
  const answer = found.answer(status, new URLSearchParams(query));
  if (answer === "unknown_pipeline") {
    throw new Error(answer);
  }
  return answer;
}

const codeOf = (status: ServiceStatus, component_health?: object) =>
  answerOf("health", status, { section: { component_health } }).statusCode;

describe("the health page answers", () => {
  for (const [status, code] of [
    ["starting", 503],
    ["ok", 200],
    ["recoverable_error", 200],
    ["permanent_error", 200],
    ["stopping", 503],
    ["stopped", 503],
  ] as const) {
    test(`${code} while the status is ${status}, however long`, () => {
      const one = service(status, [component("a", status, 3_600_000)]);
      expect(codeOf(one)).toBe(code);
      expect(codeOf(one, {})).toBe(code);
    });
  }

  test("503 on a permanent error only when it is included", () => {
    const one = service("permanent_error", [component("a", "permanent_error")]);
    expect(codeOf(one, { include_permanent_errors: true })).toBe(503);
  });

  test("503 on a recoverable error only when included, and only when it had its time to recover", () => {
    const lasting = (ageMs: number) =>
      service("recoverable_error", [component("a", "recoverable_error", ageMs)]);
    const included = { include_recoverable_errors: true, recovery_duration: "1m" };
    expect(codeOf(lasting(59_999), included)).toBe(200);
    expect(codeOf(lasting(60_000), included)).toBe(503);
    expect(codeOf(lasting(600_000), {})).toBe(200);
  });

  test("503 on a recoverable error that lasts beside a permanent one that does not count", () => {
    const both = service("permanent_error", [
      component("a", "permanent_error"),
      component("b", "recoverable_error", 600_000),
    ]);
    expect(codeOf(both, { include_recoverable_errors: true })).toBe(503);
  });

  test("503 while it starts, however well its components are", () => {
    expect(codeOf(service("starting", [component("a", "ok")]), {})).toBe(503);
  });
});

describe("the body of the health page", () => {
  const troubled = service("recoverable_error", [
    component("health_check", "ok"),
    component("file_storage", "recoverable_error", 5_000, "State is not stored."),
  ]);

  test("tells the overall status in the Collector's words", () => {
    expect(answerOf("health", troubled).health).toEqual({
      start_time: "2026-08-01T08:00:00.000Z",
      healthy: true,
      status: "StatusRecoverableError",
      error: "State is not stored.",
      errors: { "extension:file_storage": "State is not stored." },
      status_time: "2026-08-01T08:00:01.000Z",
      status_age_seconds: 5,
    });
  });

  test("names every component that is in error, the worst first, up to twenty of them", () => {
    const inError = [
      component("a", "recoverable_error", 0, "The disk is full.", "processor"),
      component("b", "ok"),
      component("c", "permanent_error", 0, "It is broken.", "exporter"),
    ];
    for (const page of ["health", "ready", "status"] as const) {
      const { health } = answerOf(page, service("permanent_error", inError));
      expect([health.error, Object.entries(health.errors!), health.errors_left_out]).toEqual([
        "It is broken.",
        [
          ["exporter:c", "It is broken."],
          ["processor:a", "The disk is full."],
        ],
        undefined,
      ]);
    }
    const many = Array.from({ length: 23 }, (_, index) =>
      component(`otlp_http/${index}`, "recoverable_error", 0, "It is down.", "exporter"),
    );
    const { health } = answerOf("ready", service("recoverable_error", many));
    expect([Object.keys(health.errors!).length, health.errors_left_out]).toEqual([20, 3]);
  });

  test("names no error while there is none", () => {
    const { health } = answerOf("ready", service("ok", [component("a", "ok")]));
    expect(Object.keys(health).filter((key) => key.startsWith("error"))).toEqual([]);
  });

  test("tells the health of every component when component_health asks for it", () => {
    const component_health = { include_recoverable_errors: true, recovery_duration: "5s" };
    const { health } = answerOf("health", troubled, { section: { component_health } });
    expect(health.healthy).toBe(false);
    expect(health.components).toEqual({
      "extension:health_check": {
        healthy: true,
        status: "StatusOK",
        status_time: "2026-08-01T08:00:01.000Z",
        status_age_seconds: 0,
      },
      "extension:file_storage": {
        healthy: false,
        status: "StatusRecoverableError",
        error: "State is not stored.",
        status_time: "2026-08-01T08:00:01.000Z",
        status_age_seconds: 5,
      },
    });
  });
});

/** A service with two pipelines, of which one has an exporter that has been failing. */
function withFailingExporter(ageMs: number): ServiceStatus {
  const receiver = component("otlp", "ok", 90_000, undefined, "receiver");
  const failing = component("otlp_http", "recoverable_error", ageMs, "It is down.", "exporter");
  const debug = component("debug", "ok", 90_000, undefined, "exporter");
  const { status, message = "", sinceUnixMs } = failing;
  return service(
    "recoverable_error",
    [component("health_check", "ok", 90_000), receiver, failing, debug],
    [
      { id: "traces", status, message, sinceUnixMs, ageMs, components: [receiver, failing] },
      { id: "logs/x", status: "ok", sinceUnixMs, ageMs: 90_000, components: [receiver, debug] },
    ],
  );
}

const well = {
  healthy: true,
  status: "StatusOK",
  status_time: "2026-08-01T08:00:01.000Z",
  status_age_seconds: 90,
};
const down = {
  healthy: true,
  status: "StatusRecoverableError",
  error: "It is down.",
  status_time: "2026-08-01T08:00:01.000Z",
  status_age_seconds: 60,
};

describe("the status page", () => {
  test("shows each pipeline and its components: status, since when, how long, and why", () => {
    const { statusCode, health } = answerOf("status", withFailingExporter(60_000));
    expect(statusCode).toBe(200);
    expect(health).toEqual({
      start_time: "2026-08-01T08:00:00.000Z",
      ...down,
      errors: { "exporter:otlp_http": "It is down." },
      components: {
        extensions: { ...well, components: { "extension:health_check": well } },
        "pipeline:traces": {
          ...down,
          components: { "receiver:otlp": well, "exporter:otlp_http": down },
        },
        "pipeline:logs/x": {
          ...well,
          components: { "receiver:otlp": well, "exporter:debug": well },
        },
      },
    });
  });

  test("shows one pipeline when it is asked for it", () => {
    const { health } = answerOf("status", withFailingExporter(60_000), {
      query: "pipeline=logs/x",
    });
    expect(health).toEqual({
      start_time: "2026-08-01T08:00:00.000Z",
      ...well,
      components: { "receiver:otlp": well, "exporter:debug": well },
    });
  });

  test("counts the errors that component_health includes", () => {
    const component_health = { include_recoverable_errors: true, recovery_duration: "1m" };
    const options = { section: { component_health } };
    expect(answerOf("status", withFailingExporter(59_999), options).statusCode).toBe(200);
    expect(answerOf("status", withFailingExporter(60_000), options).statusCode).toBe(503);
    const logs = { ...options, query: "pipeline=logs/x" };
    expect(answerOf("status", withFailingExporter(60_000), logs).statusCode).toBe(200);
  });
});

describe("the readiness page answers", () => {
  for (const [status, code] of [
    ["starting", 503],
    ["ok", 200],
    ["permanent_error", 503],
    ["stopping", 503],
    ["stopped", 503],
  ] as const) {
    test(`${code} while the status is ${status}`, () => {
      const one = service(status, [component("a", status)]);
      expect(answerOf("ready", one).statusCode).toBe(code);
    });
  }

  test("503 when an exporter has failed for a minute, and names it and its pipeline", () => {
    expect(answerOf("ready", withFailingExporter(59_999)).statusCode).toBe(200);
    const { statusCode, health } = answerOf("ready", withFailingExporter(60_000));
    expect(statusCode).toBe(503);
    const { "pipeline:traces": traces, "pipeline:logs/x": logs } = health.components!;
    expect([health.healthy, traces?.healthy, logs?.healthy]).toEqual([false, false, true]);
    expect(traces?.components?.["exporter:otlp_http"]).toEqual({ ...down, healthy: false });
  });

  test("200 for a pipeline in which nothing fails, beside one in which something does", () => {
    const status = withFailingExporter(60_000);
    const codeFor = (query: string) => answerOf("ready", status, { query }).statusCode;
    expect(codeFor("pipeline=logs/x")).toBe(200);
    expect(codeFor("pipeline=traces")).toBe(503);
  });

  test("503 after the time that its own recovery_duration gives, whatever component_health says", () => {
    const section = {
      component_health: { recovery_duration: "1s", include_recoverable_errors: false },
      http: { ready: { recovery_duration: "2m" } },
    };
    expect(answerOf("ready", withFailingExporter(119_999), { section }).statusCode).toBe(200);
    expect(answerOf("ready", withFailingExporter(120_000), { section }).statusCode).toBe(503);
  });

  test("503 when an extension is in error, which is in no pipeline", () => {
    const storage = component("file_storage", "recoverable_error", 60_000, "Full.");
    const { health } = answerOf("ready", service("recoverable_error", [storage]));
    expect(health.healthy).toBe(false);
    expect(health.components?.["extensions"]).toMatchObject({ healthy: false, error: "Full." });
  });
});

describe("the options", () => {
  test("have the Collector's endpoint and paths for defaults", () => {
    expect(schema.parse({})).toEqual({
      endpoint: { host: "127.0.0.1", port: 13133 },
      transport: "tcp",
      allowed_hosts: [],
      path: "/",
      http: {
        status: { enabled: true, path: "/status" },
        ready: { enabled: true, path: "/ready", recovery_duration: 60_000 },
      },
    });
  });

  test("of component_health count no errors unless they say so", () => {
    expect(schema.parse({ component_health: {} }).component_health).toEqual({
      include_permanent_errors: false,
      include_recoverable_errors: false,
      recovery_duration: 300_000,
    });
  });

  for (const path of ["health", "/a?b", "/a#b", "/a b", ""]) {
    test(`refuse ${JSON.stringify(path)} for a path`, () => {
      for (const section of [{ path }, { http: { ready: { path } } }]) {
        expect(schema.safeParse(section).error?.issues[0]?.message).toContain("must begin with /");
      }
    });
  }
});
