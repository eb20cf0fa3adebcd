// Starts the real collector, plays a gateway that leaves a tool behind, and shows what an operator would see. Run it
// with: npm run demo
import { type RunningCollector, startCollector } from "../test/support/process.ts";
import { beginTurn } from "./demo/gateway.ts";
import { metricOf, until } from "./demo/look.ts";

const lateness = "2s";
const bold = (text: string) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);
const say = (...lines: readonly string[]) => process.stdout.write(`${lines.join("\n")}\n`);

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
  await tell(collector);
} catch (error) {
  if (!interruption.signal.aborted) {
    say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  process.exitCode = 1;
} finally {
  await collector?.stop();
}
if (interruption.signal.aborted) {
  say("Interrupted. The collector was stopped.");
  process.exitCode = 130;
}

async function tell(running: RunningCollector): Promise<void> {
  const { otlp } = running.endpoints;
  say(
    bold("A collector beside an agent gateway, one good turn, and one that leaves a tool behind."),
    `deploy/config.yaml on free ports, with allowed_lateness ${lateness} instead of 10s to keep this short.`,
    "",
  );

  say(bold("1  A healthy turn: the run calls a model and the tool read, both end, the run ends."));
  const healthy = beginTurn(otlp, "read");
  await healthy.start("harness", "run", "model");
  await healthy.end(["model"]);
  await healthy.start("tool");
  await healthy.end(["tool"]);
  await healthy.end(["run", "harness"], "completed");
  say(...(await activityOf(running)), "");

  say(bold("2  A turn whose tool exec never reports: the run times out and ends without it."));
  const broken = beginTurn(otlp, "exec");
  await broken.start("harness", "run", "model");
  await broken.end(["model"]);
  await broken.start("tool");
  await broken.end(["run", "harness"], "timed_out");
  say(
    ...(await activityOf(running)),
    "   One tool is open and nobody owns it. No trace shows that: a span that never ends is never exported.",
    "",
  );

  await until(
    "the tool is evicted",
    () => running.stdout().includes("Flags:"),
    interruption.signal,
  );
  say(bold(`3  ${lateness} later the collector gives it up and says so, as an OTLP log record:`));
  say(...eventOf(running.stdout()));
  say(...(await activityOf(running)), "");

  say(bold("4  What the collector says of itself, on its own page (port 8888 by default):"));
  say(
    ...(await ownMetricsOf(running)),
    "   15 spans came in. 8 only told that work had begun and went no further; 7 were passed on.",
  );
  const pages = [
    await pageOf(running.endpoints.prometheus),
    await pageOf(running.endpoints.telemetry),
  ];
  const said = [...pages, running.stdout(), running.stderr()].join("\n");
  const leaks = [...healthy.secrets, ...broken.secrets].filter((secret) => said.includes(secret));
  if (leaks.length > 0) {
    throw new Error(`${leaks.length} of the session keys and tool-call ids came out.`);
  }
  say(
    "   Session keys and tool-call ids in all that was said, metrics, events and logs: none.",
    "",
    bold("Look further: npm start, then"),
    "   export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318     for your gateway",
    "   curl -s http://127.0.0.1:9464/metrics | grep evicted_total   what was evicted, and why",
    "   curl -s http://127.0.0.1:8888/metrics | grep ^otelcol_       the collector itself",
    "   monitoring/dashboards/session-activity.json                  import it into Grafana",
    "   README.md                                                    how a gateway tells that work began",
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

/** The lines of the debug exporter that matter: what happened and its attributes. */
function eventOf(stdout: string): readonly string[] {
  return stdout
    .split("\n")
    .filter((line) =>
      /^(SeverityText|EventName|Body): | -> (openclaw\.|gen_ai\.|log\.record\.)/.test(line),
    )
    .map((line) => `   ${line.replace(/^ +->/, "  ")}`);
}
