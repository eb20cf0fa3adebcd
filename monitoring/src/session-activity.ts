import type { Dashboard, Panel, Query, Row } from "./grafana.ts";

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
        "Share of scrapes of the collectors that succeeded last time. Below 100 % a collector is down or Prometheus cannot reach it, and the rest of this page is old.",
      expr: `avg(up{${own}})`,
      unit: "percentunit",
      thresholds: { critical: 1 },
      isLowBad: true,
    }),
    stat({
      id: 2,
      title: "Evicted in range",
      description:
        "Markers (tools and model calls) that were given up in the time range because nobody owned them any more. Zero is healthy; a number that grows with every turn means that a tool of the gateway does not report its end.",
      expr: `sum(increase(${prefix}_evicted_total{${reasons}}[$__range]))`,
      unit: "short",
      decimals: 0,
      thresholds: { warning: 1 },
    }),
    stat({
      id: 3,
      title: "Open markers",
      description:
        "Tools and model calls that started and have not ended. It follows the load; a number that only ever grows is a leak that no owner's end has released yet.",
      expr: `sum(${prefix}_open{${markers}})`,
      unit: "short",
      decimals: 0,
    }),
    stat({
      id: 4,
      title: "Oldest open marker",
      description:
        "Age of the oldest tool or model call that is still open. Minutes are normal for long tools; past an hour somebody should look, past max_age (12 h) it is evicted whatever its owner says.",
      expr: `max(${prefix}_oldest_age_seconds{${markers}})`,
      unit: "s",
      thresholds: { warning: 3_600, critical: 21_600 },
    }),
    stat({
      id: 5,
      title: "False evictions",
      description:
        "Evicted markers whose end arrived after all, as a share of the evicted ones. Above 5 % the collector judges too early: raise allowed_lateness.",
      expr: `sum(increase(${prefix}_reconciled_total{${markers}}[$__range])) / clamp_min(sum(increase(${prefix}_evicted_total{${own}}[$__range])), 1)`,
      unit: "percentunit",
      decimals: 1,
      thresholds: { warning: 0.05, critical: 0.2 },
    }),
    stat({
      id: 6,
      title: "Sessions with an open run",
      description:
        "Sessions with an open run; where a sender names no sessions, trees of runs. It follows the load; one that stays up while nobody uses the gateway has a run that never ends.",
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
        "Sessions with an open run. blocked_tool_call, stalled: no run of the session has made progress for stalled_after, and a tool, a model call or the run itself blocks it; that is what users notice as a hanging assistant. The events session.stalled name the tool. paused: a person is awaited, nothing is wrong.",
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
        "What a gateway's own complaints about its sessions turned out to be. stale_marker: the work is over and only its marker is left. progressing: the turn is healthy, do not abort it. silent_tool, silent_model_call, retrying, wedged_run: it hangs there. Empty without the relay.",
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
      description:
        "Markers evicted per second. orphaned_no_owner: every run that could own it has ended. session_ended, process_gone: what it belonged to is over. lease_expired: heartbeats were missed. max_age: nothing arrived for 12 h. A step at a gateway release points at the release; only the chosen reasons are shown.",
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
        "Tools that have made no progress for stalled_after while the rest of their run goes on. They block no session yet, but the run will wait for them in the end; a steady rate points at a tool that hangs. The events session.diagnosed with the claim none name it.",
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
      title: "Started, ended, evicted, untracked",
      description:
        "What comes in must go out: started = ended + evicted + untracked + what is still open. Ended staying below started for long means that work piles up. Untracked above zero: a bound was met, or a sender's starts name no session.",
      width: 12,
      unit: "cps",
      queries: [
        ...(["started", "ended", "untracked"] as const).map((flow) => ({
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
        "Runs, tools and model calls that are open now. Tools open while no run is open are about to be evicted; a line that never comes back to its floor is a leak.",
      width: 12,
      unit: "short",
      queries: [{ expr: `sum by (kind) (${prefix}_open{${own}})`, legend: "{{kind}}" }],
    }),
    timeseries({
      id: 13,
      title: "Oldest open work by kind",
      description:
        "A saw-tooth is healthy: work ages, then ends. A straight line upwards is one piece of work that never ends; a run that never ends also keeps its own orphaned tools from being evicted.",
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
        "How long work took that ended by itself, as 50th, 95th and 99th percentile; evicted work is left out. A percentile that sits at a round number is a timeout; one that climbs warns of tools that will hang.",
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
  title: "What the decisions rest on",
  height: 8,
  panels: [
    timeseries({
      id: 20,
      title: "Signals by dialect and result",
      description:
        "What senders tell about starting and ending work. A dialect that falls silent while the gateway works leaves the collector blind; a growing share of rejected ones means that a sender's format changed.",
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
        "Starts that arrived after their owner's markers had been evicted; they are ignored, so that nothing is armed again that nobody owns. A steady rate means that the sender delivers later than allowed_lateness.",
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
        "Ends of work that had already been evicted, so those evictions were early or false. Anything steady asks for a larger allowed_lateness.",
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
        "Markers whose eviction waits, because too many would go at once or nothing is heard at all. Anything but zero: look at the network and at the senders before you look at tools.",
      width: 12,
      unit: "short",
      queries: [{ expr: `sum(${prefix}_held{${own}})`, legend: "held back" }],
    }),
    timeseries({
      id: 24,
      title: "Implied work",
      description:
        "Work that something below it shows to be open, or showed within allowed_lateness, and that has not arrived itself. Where only finished spans arrive that is all that is known of it before it ends; elsewhere a line that grows means that starts get lost.",
      width: 12,
      unit: "short",
      queries: [{ expr: `sum(${prefix}_implied{${own}})`, legend: "implied" }],
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
        "Spans accepted and refused at the receivers. Refused spans were answered with an error the sender may retry; a steady rate means lost data at the sender.",
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
        "Spans the exporters delivered and failed to deliver. Failed above zero is data lost on the way to the backend. Start signals are taken out on the way, so less may go out than came in.",
      width: 12,
      unit: "cps",
      queries: (["sent", "send_failed"] as const).map((outcome) => ({
        expr: `sum by (exporter) (rate(otelcol_exporter_${outcome}_spans{${own}}[$__rate_interval]))`,
        legend: `${outcome} {{exporter}}`,
      })),
    }),
    timeseries({
      id: 32,
      title: "Memory",
      description:
        "Resident memory of the collector. It should level off; steady growth, or closeness to the container's limit, ends in a restart that forgets open work.",
      width: 8,
      unit: "bytes",
      queries: [{ expr: `otelcol_process_memory_rss{${own}}`, legend: "{{instance}}" }],
    }),
    timeseries({
      id: 33,
      title: "CPU",
      description:
        "Processor time per second; 1 is one core. The collector works on one thread, so near 100 % it falls behind and senders see timeouts.",
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
        "Time since the collector started. Every drop to zero is a restart, which starts all counters again; several in an hour are a crash loop.",
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
        "One line per collector. One that differs much from the others sits beside a gateway with a problem; a line without memory and uptime is not scraped at :8888.",
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
    "Which sessions of agents hang and on what, whether their gateway's complaints are right, and what was evicted because nobody owned it any more.",
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
