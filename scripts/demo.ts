// Starts the real collector, plays a gateway that leaves a tool behind, and shows what an operator would see. Run it
// with: npm run demo
import { type RunningCollector, startCollector } from "../test/support/process.ts";
import { beginTurn } from "./demo/gateway.ts";
import { metricOf, until } from "./demo/look.ts";

const lateness = "2s";
const bold = (text: string) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
const print = (...lines: readonly string[]) => process.stdout.write(`${lines.join("\n")}\n`);

let collector: RunningCollector | undefined;
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => interruption.abort());
}
try {
  collector = await startCollector({
    overrides: [
      `processors::session_activity::allowed_lateness: ${lateness}`,
      "exporters::debug/events::verbosity: detailed",
    ],
  });
  interruption.signal.throwIfAborted();
  await showOrphan(collector);
} catch (error) {
  if (!interruption.signal.aborted) {
    print(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  process.exitCode = 1;
} finally {
  await collector?.stop();
}
if (interruption.signal.aborted) {
  print("Interrupted. The collector was stopped.");
  process.exitCode = 130;
}

async function showOrphan(running: RunningCollector): Promise<void> {
  const { otlp } = running.endpoints;
  print(
    bold("A collector runs beside an agent gateway. One turn ends well, one leaves a tool open."),
    `Config: deploy/config.yaml on free ports, with allowed_lateness ${lateness} instead of 10s to keep this short.`,
    "",
  );

  print(
    bold(
      "1  A healthy turn: the run calls a model and the tool read. Both end, then the run ends.",
    ),
  );
  const healthy = beginTurn(otlp, "read");
  await healthy.start("harness", "run", "model");
  await healthy.end(["model"]);
  await healthy.start("tool");
  await healthy.end(["tool"]);
  await healthy.end(["run", "harness"], "completed");
  print(...(await activityOf(running)), "");

  print(
    bold("2  A turn whose tool exec never reports its end: the run times out and ends without it."),
  );
  const broken = beginTurn(otlp, "exec");
  await broken.start("harness", "run", "model");
  await broken.end(["model"]);
  await broken.start("tool");
  await broken.end(["run", "harness"], "timed_out");
  print(
    ...(await activityOf(running)),
    "   One tool is open and its run has ended. No trace shows this: a span that never ends is never exported.",
    "",
  );

  await until(
    "the tool is evicted",
    () => running.stdout().includes("Flags:"),
    interruption.signal,
  );
  print(
    bold(
      `3  ${lateness} later the collector evicts the tool and emits an event, as an OTLP log record:`,
    ),
  );
  print(...eventOf(running.stdout()));
  print(...(await activityOf(running)), "");

  print(bold("4  The collector's own metrics, on a page of their own (port 8888 by default):"));
  print(
    ...(await ownMetricsOf(running)),
    "   15 spans arrived. 8 were start signals, which the collector consumes; it forwarded the other 7.",
  );
  const pages = [
    await pageOf(running.endpoints.prometheus),
    await pageOf(running.endpoints.telemetry),
  ];
  const output = [...pages, running.stdout(), running.stderr()].join("\n");
  const leaks = [...healthy.secrets, ...broken.secrets].filter((secret) => output.includes(secret));
  if (leaks.length > 0) {
    throw new Error(`${leaks.length} of the session keys and tool-call ids appear in the output.`);
  }
  print(
    "   Session keys and tool-call ids in metrics, events and logs: none.",
    "",
    bold("Next: run npm start, then"),
    "   export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318     in your gateway's environment",
    "   curl -s http://127.0.0.1:9464/metrics | grep evicted_total   evictions by reason",
    "   curl -s http://127.0.0.1:8888/metrics | grep ^otelcol_       the collector's own metrics",
    "   monitoring/dashboards/session-activity.json                  import it into Grafana",
    "   README.md                                                    how to connect a gateway",
  );
}

async function activityOf({ endpoints }: RunningCollector): Promise<readonly string[]> {
  const page = await pageOf(endpoints.prometheus);
  return [
    `openclaw_session_activity_open{kind="run"}`,
    `openclaw_session_activity_open{kind="tool"}`,
    `openclaw_session_activity_ended_total{kind="tool"}`,
    `openclaw_session_activity_evicted_total{reason="orphaned_no_owner"}`,
  ].map((series) => `   ${metricOf(page, series)}`);
}

async function ownMetricsOf({ endpoints }: RunningCollector): Promise<readonly string[]> {
  const page = await pageOf(endpoints.telemetry);
  return [
    `otelcol_receiver_accepted_spans{receiver="otlp",transport="http"}`,
    `otelcol_receiver_refused_spans{receiver="otlp",transport="http"}`,
    `otelcol_exporter_sent_spans{exporter="debug"}`,
    `otelcol_exporter_sent_log_records{exporter="debug/events"}`,
  ].map((series) => `   ${metricOf(page, series)}`);
}

async function pageOf(url: string): Promise<string> {
  return (await fetch(url)).text();
}

/** The relevant lines of the debug exporter: the event and its attributes. */
function eventOf(stdout: string): readonly string[] {
  return stdout
    .split("\n")
    .filter((line) =>
      /^(SeverityText|EventName|Body): | -> (openclaw\.|gen_ai\.|log\.record\.)/.test(line),
    )
    .map((line) => `   ${line.replace(/^ +->/, "  ")}`);
}
