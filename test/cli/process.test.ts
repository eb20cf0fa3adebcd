import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { runCli, startCollector } from "../support/process.ts";

describe("the collector as a process", () => {
  test("starts from deploy/config.yaml, serves its pages, and SIGTERM ends it with 0", async () => {
    const collector = await startCollector();
    const page = async (url: string) => {
      const response = await fetch(url);
      return { status: response.status, text: await response.text() };
    };
    const activity = await page(collector.endpoints.prometheus);
    expect(activity.status).toBe(200);
    expect(activity.text).toContain(
      'openclaw_session_activity_evicted_total{reason="orphaned_no_owner"} 0\n',
    );
    const own = await page(collector.endpoints.telemetry);
    expect(own.status).toBe(200);
    for (const transport of ["http", "grpc"]) {
      expect(own.text).toContain(
        `otelcol_receiver_accepted_spans{receiver="otlp",transport="${transport}"} 0\n`,
      );
    }
    // A series of a transport that does not exist would suggest that it does.
    expect(own.text).not.toContain('transport="file"');
    const answer = await fetch(`${collector.endpoints.otlp}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        resourceSpans: [
          {
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: "0af7651916cd43dd8448eb211c80319c",
                    spanId: "b7ad6b7169203331",
                    name: "openclaw.run",
                    startTimeUnixNano: "1795000000000000000",
                    endTimeUnixNano: "1795000001000000000",
                  },
                ],
              },
            ],
          },
        ],
      }),
    });
    expect(answer.status).toBe(200);
    expect((await page(collector.endpoints.telemetry)).text).toContain(
      'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 1\n',
    );
    const { exitCode, signal, stderr } = await collector.stop();
    expect({ exitCode, signal }).toEqual({ exitCode: 0, signal: null });
    expect(stderr).toContain("Shutdown complete.");
    // Within a screenful: the lines of the start, one for the debug exporter, those of the end.
    expect(stderr.split("\n").length).toBeLessThan(20);
  });

  test("a second signal ends it at once although a request is still under way", async () => {
    const collector = await startCollector({ overrides: ["service::shutdown_timeout: 60s"] });
    const { hostname, port } = new URL(collector.endpoints.otlp);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    await new Promise<void>((resolve) =>
      socket.write(
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nabc",
        () => resolve(),
      ),
    );
    // An answer to a later request says that the one above has reached the receiver.
    await fetch(`${collector.endpoints.otlp}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf" },
      body: new Uint8Array(),
    });
    collector.kill("SIGTERM");
    await collector.waitForLog("Received a stop signal");
    collector.kill("SIGINT");
    const { exitCode, stderr } = await collector.ended(5_000);
    socket.destroy();
    expect(exitCode).toBe(130);
    expect(stderr).toContain(
      "Stopped at once by a second SIGINT. What was neither sent nor stored is lost.\n",
    );
  });

  test("a wrong config ends it with 1 and every problem, one a line", async () => {
    const { exitCode, stderr } = await runCli([
      "--config",
      "deploy/config.yaml",
      "--config",
      "yaml:exporters::prometheus::endpoint: 9464",
      "--config",
      "yaml:processors::session_activity::allowed_latenes: 1s",
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("exporters.prometheus.endpoint");
    expect(stderr).toContain("allowed_lateness");
    expect(stderr).toContain("The configuration has 2 problems.");
  });

  test("a port in use ends it with 1 and the name of the component", async () => {
    const first = await startCollector();
    const taken = new URL(first.endpoints.prometheus).host;
    await expect(
      startCollector({ overrides: [`exporters::prometheus::endpoint: ${taken}`] }),
    ).rejects.toThrow(`Cannot start exporter "prometheus": Cannot listen on ${taken}`);
    expect((await first.stop()).exitCode).toBe(0);
  });
});
