import type { HistoryCase } from "./history-text.ts";

/** Histories that random play against the naive engine found. */
export const foundHistories: readonly HistoryCase[] = [
  {
    name: "claim after a late end",
    rule: "the late end of a marker is progress of its session, so that a claim after it is a new one",
    lines: `
      0 start run A/R s=S
      1 start tool A/x A/R
      2 end run A/R
      3 claim session s=S claim=stalled
      3.5 end tool A/x
      5 claim session s=S claim=stalled`,
    evicted: [],
    diagnosed: ["3 stalled unknown", "5 stalled unknown"],
  },
  {
    name: "claim after a short run",
    rule: "a run that began and ended is progress also when it is over long ago",
    lines: `
      0 start run A/R1 s=S
      1 claim session s=S claim=stalled
      2 start run B/R2 s=S
      3 end run B/R2`,
    diagnosed: ["1 stalled progressing"],
    settleS: 200,
  },
  {
    name: "claim on a session that comes to be known",
    rule: "a claim is about the session that a run turns out to be of",
    lines: `
      0 claim session s=S claim=stuck
      1 start run A/R
      2 start run A/R s=S`,
    diagnosed: ["0 stuck unknown", "2 stuck progressing"],
    open: 1,
  },
  {
    name: "claim on a session in which one run is silent",
    rule: "of several runs the one that decides the state of the session is the answer to a claim",
    lines: `
      0 start run A/R1 s=S
      100 start run B/R2 s=S
      130 claim session s=S claim=stalled`,
    diagnosed: ["130 stalled progressing"],
    settleS: 60,
  },
  {
    name: "silent run beside one that ends",
    rule: "a session is stalled as soon as the last run of it that made progress has ended",
    lines: `
      0 start run A/R1 s=S
      100 start run B/R2 s=S
      130 end run B/R2`,
    changes: ["130 stalled run wedged_run"],
    states: ["129: active/none", "131: stalled/run"],
  },
  {
    name: "inner run of a harness run that was given up",
    rule: "an owner that is over is open again with a run that begins in it",
    lines: `
      0 start harness A/H every=10
      100 start inner A/R A/H`,
    changes: ["220 stalled run wedged_run"],
    settleS: 150,
  },
  {
    name: "resumption of one wait",
    rule: "the end of a wait is progress of what waited, not of other runs of its session",
    lines: `
      0 start run A/R1 s=S
      1 start run B/R2 s=S
      10 pause run A/R1 s=S key=1
      50 resume run A/R1 s=S
      60 end run A/R1`,
    changes: ["121 stalled run wedged_run"],
    settleS: 100,
  },
  {
    name: "wait of ended work",
    rule: "ended work waits for no person, and its wait is no progress",
    lines: `
      0 start run A/R s=S
      1 start tool A/x A/R
      2 end tool A/x
      50 pause tool A/x key=1`,
    changes: ["122 stalled run wedged_run"],
    settleS: 100,
  },
  {
    name: "session end reported twice",
    rule: "a session end that arrives again postpones nothing",
    lines: `
      0 start run A/R s=S
      1 start tool A/x A/R
      5 sessionEnd session s=S end=5
      6 sessionEnd session s=S end=5`,
    evicted: ["7 session_ended confirmed: A/x"],
  },
  {
    name: "session end and work from after it",
    rule: "a run that only later work kept goes when that has ended",
    lines: `
      0 start run A/R s=S
      5 sessionEnd session s=S
      6 start tool A/x A/R
      9 end tool A/x`,
    evicted: [],
    open: 0,
  },
  {
    name: "unknown run and a holder that was decided",
    rule: "a marker without a known run is held by the run of its trace that was open then, also when another began since",
    lines: `
      0 start run A/R1
      0.5 start tool A/x A/gone
      1 end run A/R1
      2.9 start run A/R2
      2.95 end run A/R2`,
    evicted: ["3 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "parent in another process and a session of its own",
    rule: "a marker that names a session is held by the run of another process that is its parent, too",
    lines: `
      0 start tool A/x A/R s=S p=2
      1 start run A/R
      5 end run A/R`,
    evicted: ["7 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "harness run ends last and a marker elsewhere",
    rule: "the parent in another process is the owner, whichever of its runs ends last",
    lines: `
      0 start harness A/H
      1 start inner A/R A/H
      2 start tool A/x A/R p=2
      5 end inner A/R
      6 end harness A/H`,
    evicted: ["8 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "no run until later",
    rule: "a run that becomes known more than a lateness after a marker started is no evidence of who owns that",
    lines: `
      0 start tool A/x s=S
      10 start run A/R`,
    evicted: [],
  },
  {
    name: "finished together with what it is in",
    rule: "a tool that ends with the tool it runs in was not closed from outside",
    lines: `
      1 end run A/R ts=0 end=1
      30 end tool A/x A/R ts=0.5 end=30
      30 end tool A/y A/x ts=0.6 end=30`,
    evicted: [],
  },
  {
    name: "sub-agent beside what waits for its run",
    rule: "a run below a tool stands in for no run above or beside that tool",
    lines: `
      1 start tool A/z A/gone
      1.5 start tool A/x A/gone
      1.6 start run A/R1 A/z
      2 end run A/R1`,
    evicted: [],
  },
  {
    name: "session.end and an older orphan below its run",
    rule: "a session.end ends its runs, also those that another session's older work stands below",
    lines: `
      0 start run A/R0 s=S
      0.5 start run A/R1 A/R0 s=U
      0.6 start tool A/y A/R1
      0.7 end run A/R1
      1 sessionEnd session s=S`,
    evicted: ["5 orphaned_no_owner confirmed: A/y"],
  },
];
