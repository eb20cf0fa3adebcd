import { expect, test } from "vitest";
import { runProgram } from "../../src/cli/program.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { fakeHost } from "../cli/fake-host.ts";
import { openGrpcSink } from "../support/grpc-sink.ts";
import { openSink } from "../support/otlp-sink.ts";

function argsWith(telemetry: unknown): readonly string[] {
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
    exporters: { debug: {} },
    service: { telemetry, pipelines: { traces: { receivers: ["otlp"], exporters: ["debug"] } } },
  };
  return ["--config", `yaml:${JSON.stringify(config)}`];
}

/** The resource and, by name, the sum of the points of each metric. */
function decoded(bytes: Uint8Array) {
  const [resourceMetrics] = otlp.ExportMetricsServiceRequest.decode(bytes).resourceMetrics;
  const resource = Object.fromEntries(
    (resourceMetrics?.resource?.attributes ?? []).map(({ key, value }) => [
      key ?? "",
      value?.stringValue ?? "",
    ]),
  );
  const values = new Map<string, number>();
  for (const metric of (resourceMetrics?.scopeMetrics ?? []).flatMap(
    ({ metrics }) => metrics ?? [],
  )) {
    for (const point of metric.sum?.dataPoints ?? metric.gauge?.dataPoints ?? []) {
      const value = Number(point.asDouble ?? point.asInt ?? 0);
      values.set(metric.name ?? "", (values.get(metric.name ?? "") ?? 0) + value);
    }
  }
  return { resource, values };
}

test("the collector pushes its own metrics over both protocols, at each interval and at the end", async () => {
  const http = await openSink();
  const grpc = await openGrpcSink();
  const headers = { authorization: "Bearer hunter2" };
  const host = fakeHost(
    argsWith({
      resource: { "service.name": "mine", "service.version": null, region: "eu" },
      metrics: {
        level: "Normal",
        readers: [
          { pull: { exporter: { prometheus: { host: "127.0.0.1", port: 0 } } } },
          {
            periodic: {
              interval: 1_000,
              exporter: {
                otlp: {
                  protocol: "http/protobuf",
                  endpoint: http.url,
                  headers,
                  compression: "gzip",
                },
              },
            },
          },
          {
            periodic: {
              interval: 3_000,
              exporter: {
                otlp: {
                  protocol: "grpc",
                  endpoint: grpc.endpoint,
                  insecure: true,
                  headers: [{ name: "authorization", value: "Bearer hunter3" }],
                },
              },
            },
          },
        ],
      },
    }),
  );
  const exitCode = runProgram(host);
  await host.said("Everything is ready.");
  expect(host.written.stderr).toContain("Serving the collector's own metrics.");
  host.clock.advance(1_000);
  const first = await http.until("the first push", ([request]) => request);
  expect(first.path).toBe("/v1/metrics");
  expect(first.headers).toMatchObject({
    authorization: "Bearer hunter2",
    "content-encoding": "gzip",
  });
  const { resource, values } = decoded(first.bytes);
  expect(resource).toEqual({
    "service.name": "mine",
    "service.instance.id": expect.stringMatching(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    ),
    region: "eu",
  });
  expect(values.get("otelcol_process_uptime")).toBeGreaterThanOrEqual(1);
  expect(values.get("otelcol_receiver_accepted_spans")).toBe(0);
  expect(grpc.requests).toHaveLength(0);

  host.clock.advance(2_000);
  await grpc.arrived(1);
  expect(grpc.requests[0]?.metadata.get("authorization")).toEqual(["Bearer hunter3"]);
  expect(decoded(grpc.requests[0]?.bytes ?? new Uint8Array()).resource).toEqual(resource);

  const before = http.requests.length;
  host.signal("SIGTERM");
  expect(await exitCode).toBe(0);
  expect(http.requests.length).toBeGreaterThan(before);
  expect(grpc.requests.length).toBe(2);
  // What was pushed is counted under the reader's name, and no secret is in the log.
  const last = decoded(http.requests.at(-1)?.bytes ?? new Uint8Array());
  expect(last.values.get("otelcol_exporter_sent_metric_points")).toBeGreaterThan(0);
  expect(host.written.stderr).not.toContain("hunter");
  await http.close();
  grpc.close();
});

test("a backend that refuses or is down is logged and counted, and stops nothing", async () => {
  const http = await openSink();
  http.answer = { status: 400 };
  const reader = (endpoint: string) => ({
    periodic: {
      interval: 1_000,
      timeout: 500,
      exporter: { otlp: { protocol: "http/protobuf", endpoint } },
    },
  });
  const host = fakeHost(
    argsWith({ metrics: { readers: [reader(http.url), reader("http://127.0.0.1:1")] } }),
  );
  const exitCode = runProgram(host);
  await host.said("Everything is ready.");
  expect(host.written.stderr).not.toContain("Serving the collector's own metrics.");
  host.clock.advance(1_000);
  await host.said("service.telemetry.metrics.readers/0");
  // The next push may begin only when the first has ended, which the test cannot see.
  await expect
    .poll(() => {
      host.clock.advance(1_000);
      return http.requests.map(
        ({ bytes }) =>
          (decoded(bytes).values.get("otelcol_exporter_send_failed_metric_points") ?? 0) > 0,
      );
    })
    .toContain(true);
  host.signal("SIGTERM");
  await exitCode;
  expect(host.written.stderr).toContain("Shutdown complete");
  await http.close();
});
