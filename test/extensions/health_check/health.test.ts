import { describe, expect, test } from "vitest";
import type { ComponentStatus, ServiceStatus, Status } from "../../../src/component/status.ts";
import { schema } from "../../../src/extensions/health_check/config.ts";
import { healthOf } from "../../../src/extensions/health_check/health.ts";

const startedUnixMs = Date.UTC(2026, 7, 1, 8, 0, 0);

function component(id: string, status: Status, ageMs = 0, message?: string): ComponentStatus {
  return {
    kind: "extension",
    id,
    status,
    ...(message === undefined ? {} : { message }),
    sinceUnixMs: startedUnixMs + 1_000,
    ageMs,
  };
}

function service(status: Status, components: readonly ComponentStatus[] = []): ServiceStatus {
  const [worst] = components.filter((each) => each.status === status);
  return {
    status,
    startedUnixMs,
    sinceUnixMs: startedUnixMs + 1_000,
    ageMs: worst?.ageMs ?? 0,
    ...(worst?.message === undefined ? {} : { message: worst.message }),
    components,
  };
}

const rulesOf = (section: unknown) => schema.parse({ component_health: section }).component_health;
const codeOf = (status: ServiceStatus, section?: object) =>
  healthOf(status, section === undefined ? undefined : rulesOf(section)).statusCode;

describe("a probe is answered", () => {
  for (const [status, code] of [
    ["starting", 503],
    ["ok", 200],
    ["recoverable_error", 200],
    ["permanent_error", 503],
    ["stopping", 503],
    ["stopped", 503],
  ] as const) {
    test(`${code} while the status is ${status}`, () => {
      const one = service(status, [component("a", status)]);
      expect(codeOf(one)).toBe(code);
      expect(codeOf(one, {})).toBe(code);
    });
  }

  test("200 on a permanent error when it is not to be included", () => {
    const one = service("permanent_error", [component("a", "permanent_error")]);
    expect(codeOf(one, { include_permanent_errors: false })).toBe(200);
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
    expect(
      codeOf(both, { include_permanent_errors: false, include_recoverable_errors: true }),
    ).toBe(503);
  });

  test("503 while it starts, however well its components are", () => {
    expect(codeOf(service("starting", [component("a", "ok")]), {})).toBe(503);
  });
});

describe("the body", () => {
  const troubled = service("recoverable_error", [
    component("health_check", "ok"),
    component("file_storage", "recoverable_error", 5_000, "State is not stored."),
  ]);

  test("tells the overall status in the Collector's words", () => {
    expect(healthOf(troubled, undefined).health).toEqual({
      start_time: "2026-08-01T08:00:00.000Z",
      healthy: true,
      status: "StatusRecoverableError",
      error: "State is not stored.",
      status_time: "2026-08-01T08:00:01.000Z",
    });
  });

  test("tells the health of every component when component_health asks for it", () => {
    const { health } = healthOf(
      troubled,
      rulesOf({ include_recoverable_errors: true, recovery_duration: "5s" }),
    );
    expect(health.healthy).toBe(false);
    expect(health.components).toEqual({
      "extension:health_check": {
        healthy: true,
        status: "StatusOK",
        status_time: "2026-08-01T08:00:01.000Z",
      },
      "extension:file_storage": {
        healthy: false,
        status: "StatusRecoverableError",
        error: "State is not stored.",
        status_time: "2026-08-01T08:00:01.000Z",
      },
    });
  });
});

describe("the options", () => {
  test("have the Collector's endpoint and path for defaults", () => {
    expect(schema.parse({})).toEqual({
      endpoint: { host: "127.0.0.1", port: 13133 },
      path: "/",
    });
  });

  test("of component_health count permanent errors at once, and recoverable ones not at all", () => {
    expect(rulesOf({})).toEqual({
      include_permanent_errors: true,
      include_recoverable_errors: false,
      recovery_duration: 300_000,
    });
  });

  for (const path of ["health", "/a?b", "/a#b", "/a b", ""]) {
    test(`refuse ${JSON.stringify(path)} for a path`, () => {
      expect(schema.safeParse({ path }).error?.issues[0]?.message).toContain("must begin with /");
    });
  }
});
