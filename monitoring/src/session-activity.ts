import { evictionReasons, reasons as reasonRows } from "../../src/activity/model/reasons.ts";
import type { Dashboard, Panel, Query, Row } from "./grafana.ts";

const reasonsText = evictionReasons
  .map((name) => `${name}: ${reasonRows[name].description}`)
  .join(" ");

/** Every query is about the chosen collectors only. */
const own = `job=~"$job", instance=~"$instance"`;
const markers = `${own}, kind!="run"`;
const reasons = `${own}, reason=~"$reason"`;
const prefix = "openclaw_session_activity";

const isAnythingStuck: Row = {
  id: 100,
  title: "Is anything stuck?",
  height: 4,
  panels: [
    stat({
      id: 1,
      title: "Collectors answering",
      description:
        "Share of collectors whose last scrape succeeded. Below 100 %, a collector is down or Prometheus cannot reach it, and its values on this page are old.",
      expr: `avg(up{${own}})`,
      unit: "percentunit",
      thresholds: { critical: 1 },
      isLowBad: true,
    }),
    stat({
      id: 2,
      title: "Evicted in range",
      description:
        "Markers (tools and model calls) that were evicted in the time range because they had no owner any more. Zero is healthy. A number that grows with every turn means that a tool of the gateway does not report its end.",
      expr: `sum(increase(${prefix}_evicted_total{${reasons}}[$__range]))`,
      unit: "short",
      decimals: 0,
      thresholds: { warning: 1 },
    }),
    stat({
      id: 3,
      title: "Open markers",
      description:
        "Tools and model calls that started and have not ended. The number follows the load. If it only grows, tools do not report their end and their runs do not end either.",
      expr: `sum(${prefix}_open{${markers}})`,
      unit: "short",
      decimals: 0,
    }),
    stat({
      id: 4,
      title: "Oldest open marker",
      description:
        "Age of the oldest tool or model call that is still open. Minutes are normal for long tools. Check the tool after an hour; after max_age (12 h) without a signal it is evicted.",
      expr: `max(${prefix}_oldest_age_seconds{${markers}})`,
      unit: "s",
      thresholds: { warning: 3_600, critical: 21_600 },
    }),
    stat({
      id: 5,
      title: "False evictions",
      description:
        "Share of the evicted markers whose end arrived after all. Above 5 %, the collector evicts too early: raise allowed_lateness.",
      expr: `sum(increase(${prefix}_reconciled_total{${markers}}[$__range])) / clamp_min(sum(increase(${prefix}_evicted_total{${own}}[$__range])), 1)`,
      unit: "percentunit",
      decimals: 1,
      thresholds: { warning: 0.05, critical: 0.2 },
    }),
    stat({
      id: 6,
      title: "Sessions with an open run",
      description:
        "Sessions with an open run. If a sender names no sessions, each tree of runs counts as one. The number follows the load. If it does not fall while the gateway is idle, a run never ends.",
      expr: `sum(${prefix}_sessions{${own}})`,
      unit: "short",
      decimals: 0,
    }),
  ],
};

const culprits: Row = {
  id: 105,
  title: "What blocks the sessions, and is the gateway right?",
  height: 8,
  panels: [
    timeseries({
      id: 14,
      title: "Sessions by state and by what blocks them",
      description:
        "Sessions with an open run. blocked_tool_call, stalled: no run of the session has made progress for stalled_after, and a tool, a model call or the run itself blocks it. Users see a hanging assistant. The events session.stalled name the tool. paused: the session waits for a person; nothing is wrong.",
      width: 12,
      unit: "short",
      isStacked: true,
      queries: [
        {
          expr: `sum by (state, blocked_by) (${prefix}_sessions{${own}})`,
          legend: "{{state}} {{blocked_by}}",
        },
      ],
    }),
    timeseries({
      id: 50,
      title: "Complaints of gateways by verdict",
      description:
        "Verdicts on a gateway's complaints about its sessions. stale_marker: the work is over and only its marker is left. progressing: the turn is healthy, do not abort it. silent_tool, silent_model_call, retrying, wedged_run: the turn hangs there. Empty without the relay.",
      width: 12,
      unit: "cps",
      isStacked: true,
      queries: [
        {
          expr: `sum by (claim, verdict) (rate(openclaw_session_diagnosed_total{${own}, claim!="none"}[$__rate_interval]))`,
          legend: "{{claim}}: {{verdict}}",
        },
      ],
    }),
    timeseries({
      id: 10,
      title: "Evictions by reason",
      description: `Markers evicted per second. ${reasonsText} A step at a gateway release points to that release. The panel shows only the selected reasons.`,
      width: 12,
      unit: "cps",
      isStacked: true,
      queries: [
        {
          expr: `sum by (reason) (rate(${prefix}_evicted_total{${reasons}}[$__rate_interval]))`,
          legend: "{{reason}}",
        },
      ],
    }),
    timeseries({
      id: 51,
      title: "Silent tools beside other work",
      description:
        "Tools that have made no progress for stalled_after while the rest of their run makes progress. They do not block a session yet, but the run will have to wait for them. A steady rate points to a tool that hangs. The events session.diagnosed with the claim none name the tool.",
      width: 12,
      unit: "cps",
      queries: [
        {
          expr: `sum by (verdict) (rate(openclaw_session_diagnosed_total{${own}, claim="none"}[$__rate_interval]))`,
          legend: "{{verdict}}",
        },
      ],
    }),
  ],
};

const openWork: Row = {
  id: 101,
  title: "Open work",
  height: 8,
  panels: [
    timeseries({
      id: 11,
      title: "Started, ended, evicted, untracked, corrected",
      description:
        "started = ended + evicted + untracked + open. If ended stays below started for long, open work accumulates. Untracked above zero: a limit was reached, or a sender's starts name no session. Corrected: work was of another kind than its start said, or was guessed to be.",
      width: 12,
      unit: "cps",
      queries: [
        ...(["started", "ended", "untracked", "corrected"] as const).map((flow) => ({
          expr: `sum(rate(${prefix}_${flow}_total{${own}}[$__rate_interval]))`,
          legend: flow,
        })),
        {
          expr: `sum(rate(${prefix}_evicted_work_total{${own}}[$__rate_interval]))`,
          legend: "evicted",
        },
      ],
    }),
    timeseries({
      id: 12,
      title: "Open work by kind",
      description:
        "Runs, tools and model calls that are open now. Tools that are open while no run is open will be evicted soon. If a line never returns to its minimum, work does not end.",
      width: 12,
      unit: "short",
      queries: [{ expr: `sum by (kind) (${prefix}_open{${own}})`, legend: "{{kind}}" }],
    }),
    timeseries({
      id: 13,
      title: "Oldest open work by kind",
      description:
        "A saw-tooth is healthy: work ages, then ends. A straight rising line is a run, tool or model call that never ends. A run that never ends also keeps its orphaned tools from being evicted.",
      width: 12,
      unit: "s",
      queries: [
        { expr: `max by (kind) (${prefix}_oldest_age_seconds{${own}})`, legend: "{{kind}}" },
      ],
    }),
    timeseries({
      id: 15,
      title: "Duration by kind",
      description:
        "Duration of work that ended by itself, as 50th, 95th and 99th percentile, without evicted work. A percentile that stays at a round number is a timeout. A rising percentile is an early sign of tools that will hang.",
      width: 12,
      unit: "s",
      queries: [0.5, 0.95, 0.99].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le, kind) (rate(${prefix}_duration_seconds_bucket{${own}, outcome!="evicted"}[$__rate_interval])))`,
        legend: `{{kind}} p${quantile * 100}`,
      })),
    }),
  ],
};

const signals: Row = {
  id: 102,
  title: "Signals behind the decisions",
  height: 8,
  panels: [
    timeseries({
      id: 20,
      title: "Signals by dialect and result",
      description:
        "Signals about starts and ends of work, by source format (dialect) and result. If a dialect stops while the gateway works, the collector no longer sees its work. A growing share of rejected signals means that a sender's format changed.",
      width: 12,
      unit: "cps",
      queries: [
        {
          expr: `sum by (dialect, result) (rate(${prefix}_signals_total{${own}}[$__rate_interval]))`,
          legend: "{{dialect}} {{result}}",
        },
      ],
    }),
    timeseries({
      id: 21,
      title: "Late starts",
      description:
        "Starts that arrived after their run had ended and allowed_lateness had passed. They are ignored, so they do not open a marker without an owner. A steady rate means that the sender delivers later than allowed_lateness.",
      width: 6,
      unit: "cps",
      queries: [
        {
          expr: `sum by (kind) (rate(${prefix}_late_starts_total{${own}}[$__rate_interval]))`,
          legend: "{{kind}}",
        },
      ],
    }),
    timeseries({
      id: 22,
      title: "Ends after the eviction",
      description:
        "Ends of work that had already been evicted: those evictions were early or false. If the rate is steady, raise allowed_lateness.",
      width: 6,
      unit: "cps",
      queries: [
        {
          expr: `sum by (kind) (rate(${prefix}_reconciled_total{${own}}[$__rate_interval]))`,
          legend: "{{kind}}",
        },
      ],
    }),
    timeseries({
      id: 23,
      title: "Evictions held back",
      description:
        "Markers whose eviction waits, because too many are due at once or because no signals arrive. If it is not zero, check the network and the senders before the tools.",
      width: 12,
      unit: "short",
      queries: [{ expr: `sum(${prefix}_held{${own}})`, legend: "held back" }],
    }),
    timeseries({
      id: 24,
      title: "Implied work, services without work",
      description:
        "Parents that have not arrived, but are open because work below them is open, or was within allowed_lateness. If only finished spans arrive, this is normal. Otherwise a rising line means that starts get lost. Services without work send spans, none of which is a run, a tool or a model call: an ordinary web service, or an agent whose spans need a rule in work_spans.",
      width: 12,
      unit: "short",
      queries: [
        { expr: `sum(${prefix}_implied{${own}})`, legend: "implied" },
        {
          expr: `sum(${prefix}_unrecognized_services{${own}})`,
          legend: "services without work",
        },
      ],
    }),
  ],
};

const pipeline: Row = {
  id: 103,
  title: "Pipeline and process (needs the scrape of :8888)",
  height: 7,
  panels: [
    timeseries({
      id: 30,
      title: "Spans in",
      description:
        "Spans that the receivers accepted and refused. For refused spans the sender got an error and may retry; a steady rate means that the sender loses data.",
      width: 12,
      unit: "cps",
      queries: (["accepted", "refused"] as const).map((outcome) => ({
        expr: `sum by (receiver, transport) (rate(otelcol_receiver_${outcome}_spans{${own}}[$__rate_interval]))`,
        legend: `${outcome} {{receiver}} {{transport}}`,
      })),
    }),
    timeseries({
      id: 31,
      title: "Spans out",
      description:
        "Spans that the exporters sent, gave up (send_failed) and did not take, e.g. because a queue was full (enqueue_failed). Failed above zero means that the backend does not get all data. The collector removes start signals, so fewer spans can leave than arrive.",
      width: 12,
      unit: "cps",
      queries: (["sent", "send_failed", "enqueue_failed"] as const).map((outcome) => ({
        expr: `sum by (exporter) (rate(otelcol_exporter_${outcome}_spans{${own}}[$__rate_interval]))`,
        legend: `${outcome} {{exporter}}`,
      })),
    }),
    timeseries({
      id: 35,
      title: "Waiting for the backend",
      description:
        "How full the sending queue of each exporter is. It should be near zero. At 100 % senders are asked to retry; if another exporter has taken the data they are not, and it is lost for this one.",
      width: 12,
      unit: "percentunit",
      queries: [
        {
          expr: `otelcol_exporter_queue_size{${own}} / otelcol_exporter_queue_capacity{${own}}`,
          legend: "{{exporter}} {{data_type}}",
        },
      ],
    }),
    timeseries({
      id: 36,
      title: "Events waiting and dropped",
      description:
        "Events of the collector that not every exporter has delivered yet, and those that were dropped. Dropped above zero means that a backend does not know of some evictions; the log has the reason.",
      width: 12,
      unit: "short",
      queries: [
        { expr: `sum(${prefix}_events_pending{${own}})`, legend: "waiting" },
        {
          expr: `sum by (reason) (increase(${prefix}_events_dropped_total{${own}}[$__rate_interval]))`,
          legend: "dropped: {{reason}}",
        },
      ],
    }),
    timeseries({
      id: 32,
      title: "Memory",
      description:
        "Resident memory of the collector. It should level off. If it grows steadily, or comes close to the container's limit, the collector will be restarted; without storage it then loses its open work.",
      width: 8,
      unit: "bytes",
      queries: [{ expr: `otelcol_process_memory_rss{${own}}`, legend: "{{instance}}" }],
    }),
    timeseries({
      id: 33,
      title: "CPU",
      description:
        "CPU time per second; 1 is one core. The collector works on one thread, so near 100 % it falls behind and senders get timeouts.",
      width: 8,
      unit: "percentunit",
      queries: [
        {
          expr: `rate(otelcol_process_cpu_seconds{${own}}[$__rate_interval])`,
          legend: "{{instance}}",
        },
      ],
    }),
    timeseries({
      id: 34,
      title: "Uptime",
      description:
        "Time since the collector started. Every drop to zero is a restart. Several in an hour are a crash loop.",
      width: 8,
      unit: "s",
      queries: [{ expr: `otelcol_process_uptime{${own}}`, legend: "{{instance}}" }],
    }),
  ],
};

const instances: Row = {
  id: 104,
  title: "Instances",
  height: 8,
  panels: [
    {
      id: 40,
      type: "table",
      title: "Collectors",
      description:
        "One line per collector. If one line differs much from the others, the gateway of that collector has a problem. A line without memory and uptime belongs to a collector whose port 8888 is not scraped.",
      width: 24,
      unit: "short",
      queries: [
        { expr: `sum by (instance) (${prefix}_open{${markers}})`, legend: "" },
        { expr: `max by (instance) (${prefix}_oldest_age_seconds{${markers}})`, legend: "" },
        {
          expr: `sum by (instance) (increase(${prefix}_evicted_total{${reasons}}[$__range]))`,
          legend: "",
        },
        { expr: `sum by (instance) (${prefix}_sessions{${own}})`, legend: "" },
        { expr: `max by (instance) (otelcol_process_memory_rss{${own}})`, legend: "" },
        { expr: `max by (instance) (otelcol_process_uptime{${own}})`, legend: "" },
      ],
      columns: [
        { title: "Open markers", unit: "short" },
        { title: "Oldest marker", unit: "s" },
        { title: "Evicted in range", unit: "short" },
        { title: "Sessions", unit: "short" },
        { title: "Memory", unit: "bytes" },
        { title: "Uptime", unit: "s" },
      ],
    },
  ],
};

export const sessionActivity: Dashboard = {
  uid: "openclaw-session-activity",
  title: "OpenClaw session activity",
  description:
    "Which agent sessions hang and on which work, whether their gateway's complaints are right, and which work was evicted because it had no owner any more.",
  tags: ["openclaw", "openclaw-activity-collector"],
  variables: [
    { name: "job", title: "Job", metric: `${prefix}_open`, label: "job" },
    {
      name: "instance",
      title: "Instance",
      metric: `${prefix}_open{job=~"$job"}`,
      label: "instance",
    },
    {
      name: "reason",
      title: "Reason",
      metric: `${prefix}_evicted_total{${own}}`,
      label: "reason",
    },
  ],
  annotations: [
    {
      name: "Collector restarted",
      expr: `resets(otelcol_process_uptime{${own}}[$__rate_interval]) > 0`,
    },
  ],
  rows: [isAnythingStuck, culprits, openWork, signals, pipeline, instances],
};

function stat(panel: Omit<Panel, "type" | "width" | "queries"> & { readonly expr: string }): Panel {
  const { expr, ...rest } = panel;
  return { ...rest, type: "stat", width: 4, queries: [{ expr, legend: "" }] };
}

function timeseries(panel: Omit<Panel, "type"> & { readonly queries: readonly Query[] }): Panel {
  return { ...panel, type: "timeseries" };
}
