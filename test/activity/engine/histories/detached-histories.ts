import type { HistoryCase } from "./history-text.ts";

/** Tools that may outlive their run: they go on in the background. */
export const detachedHistories: readonly HistoryCase[] = [
  {
    name: "background tool",
    rule: "a tool that may outlive its run is no orphan when that ends, and ends by itself",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      2 start tool A/y A/R1
      5 end run A/R1
      600 end tool A/x`,
    evicted: ["7 orphaned_no_owner confirmed: A/y"],
    late: 0,
    open: 0,
  },
  {
    name: "background tool of a run that is not known",
    rule: "a tool that may outlive its run needs no run to be known",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R9 detached
      5 end run A/R1`,
    settleS: 100,
    evicted: [],
    open: 1,
  },
  {
    name: "background tool that a heartbeat marks",
    rule: "a repeat of its start may be the first signal that a tool may outlive its run",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 start tool A/y A/x
      3 start tool A/y A/x detached
      5 end run A/R1`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
    open: 1,
  },
  {
    name: "background tool that starts late",
    rule: "a start that arrives when the run has been decided is not fenced where the tool may outlive it",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/y A/R1
      5 end run A/R1
      20 start tool A/x A/R1 detached ts=2
      21 start tool A/z A/x ts=3`,
    settleS: 100,
    evicted: ["7 orphaned_no_owner confirmed: A/y"],
    late: 0,
    open: 2,
  },
  {
    name: "background tool with a lease",
    rule: "a tool that outlives its run is given up when it misses heartbeats that it promised",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached every=10
      5 end run A/R1
      11 start tool A/x detached every=10`,
    settleS: 60,
    evicted: ["43 lease_expired probable: A/x"],
    open: 0,
  },
  {
    name: "background tool of max_age",
    rule: "a tool that outlives its run and of which nothing comes is given up after max_age",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      5 end run A/R1`,
    limits: { maxAgeMs: 60_000 },
    settleS: 60,
    evicted: ["61 max_age presumed: A/x"],
  },
  {
    name: "background tool and the end of its session",
    rule: "the end of its session is that of a tool that outlives its run",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      5 end run A/R1
      40 sessionEnd session s=S ts=0 end=40`,
    evicted: ["42 session_ended confirmed: A/x"],
    open: 0,
  },
  {
    name: "background tool and the end of its process",
    rule: "the end of its process is that of a tool that outlives its run",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      5 end run A/R1
      40 gone other A/p`,
    evicted: ["42 process_gone confirmed: A/x"],
    open: 0,
  },
  {
    name: "background tool that is not watched any more",
    rule: "a tool that outlives its run and is not watched any more is untracked",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      5 end run A/R1
      40 unwatched other A/p by=liveSpan`,
    evicted: [],
    open: 0,
  },
  {
    name: "inside a background tool",
    rule: "what is open in a tool that outlives its run is held by it, and has a lateness when it ends",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      2 start tool A/y A/x
      5 end run A/R1
      60 end tool A/x`,
    evicted: ["62 orphaned_no_owner confirmed: A/y"],
    open: 0,
  },
  {
    name: "inside a background tool that is given up",
    rule: "what was in a tool that was given up is no more surely an orphan than that",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached every=10
      2 start tool A/y A/x
      5 end run A/R1`,
    settleS: 60,
    evicted: ["33 lease_expired probable: A/x", "35 orphaned_no_owner probable: A/y"],
    open: 0,
  },
  {
    name: "background tool inside another one",
    rule: "a tool is not held by one inside it that may outlive its run, nor by a sub-agent of that one",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 start tool A/y A/x detached
      3 start run A/R2 A/y s=S
      4 start tool A/z A/R2
      5 end run A/R1
      60 end run A/R2`,
    evicted: ["7 orphaned_no_owner confirmed: A/x", "62 orphaned_no_owner confirmed: A/z"],
    open: 1,
  },
  {
    name: "background tool beside the next turn",
    rule: "a tool that outlives its run decides no state",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      5 end run A/R1
      200 start run B/R2 s=S
      201 start model B/m B/R2`,
    settleS: 150,
    states: ["150: ", "250: active/none", "321: stalled/model_call"],
    changes: ["321 stalled model_call silent_model_call B/m 120"],
    diagnosed: [],
    evicted: [],
  },
  {
    name: "silent background tool of an open run",
    rule: "an open run that is silent beside its background tool is itself to blame",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      2 start model A/m A/R1
      3 end model A/m`,
    settleS: 150,
    states: ["122.9: active/none", "123: stalled/run"],
    changes: ["123 stalled run wedged_run"],
  },
  {
    name: "progress in a background tool",
    rule: "what goes on in a background tool is progress of its open run",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      100 progress tool A/x A/R1 detached`,
    settleS: 130,
    states: ["219: active/none", "220: stalled/run"],
  },
  {
    name: "silent background tool beside busy siblings",
    rule: "a background tool that is silent beside others that are not is not reported",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      60 start tool A/y A/R1
      110 end tool A/y
      130 start tool A/v A/R1
      180 end tool A/v`,
    settleS: 60,
    states: ["122: active/none", "200: active/none"],
    changes: [],
    diagnosed: [],
  },
  {
    name: "background tool that waits for a person",
    rule: "a run whose background tool waits for a person waits too",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      2 pause tool A/x`,
    settleS: 150,
    states: ["130: paused/none"],
    changes: [],
  },
  {
    name: "claim about a background tool",
    rule: "a claim that names a tool that outlives its run names no stale marker",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      5 end run A/R1
      20 claim tool A/x s=S claim=stuck`,
    diagnosed: ["20 stuck unknown"],
    evicted: [],
  },
  {
    name: "finished background tools",
    rule: "finished tools that may outlive their run ended by themselves, and are no witnesses of a stop",
    lines: `
      1 end run A/R1 s=S ts=0 end=1
      30 end tool A/x A/R1 s=S ts=0.5 end=30 detached
      30 end tool A/y A/R1 s=S ts=0.6 end=30.2 detached
      30 end tool A/z A/R1 s=S ts=0.7 end=30.1`,
    evicted: [],
    open: 0,
  },
  {
    name: "background tool closed by its run",
    rule: "when a run closes the span of a tool that may outlive it, that is an end and no more",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      5 end run A/R1
      6 end tool A/x closed`,
    evicted: [],
    open: 0,
  },
  {
    name: "background tool and the items of its run",
    rule: "a tool that outlives its run is one of the items that were open when that ended",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 detached
      5 end harness A/H s=S ts=0 items=2
      5 end run A/R1
      60 end tool A/x`,
    evicted: [],
  },
];
