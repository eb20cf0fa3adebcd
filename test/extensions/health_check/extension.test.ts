import { afterEach, describe, expect, test } from "vitest";
import type { Component } from "../../../src/component/component.ts";
import type { ServiceStatus } from "../../../src/component/status.ts";
import { factory } from "../../../src/extensions/health_check/factory.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { wellService } from "../../support/service-status.ts";

const started: Component[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((component) => component.shutdown(noDeadline())));
});

async function start(section: object, serviceStatus: () => ServiceStatus = () => wellService) {
  const test = testSettings("health_check");
  const component = factory.create(
    { ...test.settings, serviceStatus },
    { endpoint: "127.0.0.1:0", ...section },
  );
  started.push(component);
  await component.start();
  return { ...test, component, endpoint: `http://${test.log[0]?.fields?.["endpoint"]}` };
}

describe("the health check", () => {
  test("answers on its path with the status of the service, as JSON that nobody keeps", async () => {
    const { endpoint, log } = await start({ path: "/health" });
    const response = await fetch(`${endpoint}/health?verbose`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({
      start_time: new Date(wellService.startedUnixMs).toISOString(),
      healthy: true,
      status: "StatusOK",
      status_time: new Date(wellService.sinceUnixMs).toISOString(),
      status_age_seconds: 0,
    });
    expect(log).toEqual([
      {
        level: "info",
        message: "Serving health checks.",
        fields: { endpoint: endpoint.slice("http://".length), path: "/health" },
      },
    ]);
  });

  test("looks at the status anew for every probe", async () => {
    let status: ServiceStatus = { ...wellService, status: "starting" };
    const { endpoint } = await start({}, () => status);
    const codes = [(await fetch(endpoint)).status];
    status = wellService;
    codes.push((await fetch(endpoint)).status);
    status = { ...wellService, status: "stopping" };
    codes.push((await fetch(endpoint)).status);
    expect(codes).toEqual([503, 200, 503]);
  });

  test("answers HEAD without a body, other methods with 405 and other paths with 404", async () => {
    const { endpoint } = await start({});
    const head = await fetch(endpoint, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const post = await fetch(endpoint, { method: "POST", body: "x" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    const other = await fetch(`${endpoint}/health`);
    expect([other.status, await other.text()]).toEqual([
      404,
      "Not found. Use one of /, /ready, /status\n",
    ]);
  });

  test("serves the pages that are enabled, on their paths", async () => {
    const { endpoint } = await start({
      http: { status: { enabled: false }, ready: { path: "/readyz" } },
    });
    const codes = await Promise.all(
      ["/readyz", "/ready", "/status"].map(async (path) => (await fetch(endpoint + path)).status),
    );
    expect(codes).toEqual([200, 404, 404]);
  });

  test("answers 404 with the names of the pipelines when it is asked for one that does not exist", async () => {
    const pipeline = {
      id: "traces",
      status: "ok",
      sinceUnixMs: 0,
      ageMs: 0,
      components: [],
    } as const;
    const { endpoint } = await start({}, () => ({ ...wellService, pipelines: [pipeline] }));
    const response = await fetch(`${endpoint}/status?pipeline=metrics`);
    expect([response.status, await response.text()]).toEqual([
      404,
      "There is no such pipeline. The pipelines are traces\n",
    ]);
    const verbose = await fetch(`${endpoint}/status?verbose&pipeline=traces`);
    expect(verbose.status).toBe(200);
  });

  test("serves the health page on its path as before when another page has the same one, and warns", async () => {
    const { endpoint, log } = await start({ path: "/ready" });
    const page = await (await fetch(`${endpoint}/ready`)).json();
    expect(page).not.toHaveProperty("components");
    expect(log[1]).toEqual({
      level: "warn",
      message:
        "Two pages of the health check have the same path, so the second is not served. Change one of the paths.",
      fields: { path: "/ready", served: "health", not_served: "ready" },
    });
  });

  test("cannot start where something else listens, and says so", async () => {
    const first = await start({});
    const { port } = new URL(first.endpoint);
    const second = factory.create(testSettings("health_check/2").settings, {
      endpoint: `127.0.0.1:${port}`,
    });
    await expect(second.start()).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}`);
  });

  test("may be shut down before its start", async () => {
    await factory.create(testSettings("health_check").settings, {}).shutdown(noDeadline());
  });
});
