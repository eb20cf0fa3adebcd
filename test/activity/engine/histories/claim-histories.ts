import type { HistoryCase } from "./history-text.ts";

/** Complaints of a gateway about its sessions, and their verdicts. */
export const claimHistories: readonly HistoryCase[] = [
  {
    name: "stale marker by name",
    rule: "a claim that names work of an ended run is of a stale marker, at once",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      5.5 start run B/R2 s=S
      6 claim tool A/x s=S claim=stalled`,
    diagnosed: ["6 stalled stale_marker A/x"],
  },
  {
    name: "stale marker that was evicted",
    rule: "a claim that names evicted work is of a stale marker",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      5.5 start run B/R2 s=S
      8 claim tool A/x s=S claim=stuck`,
    diagnosed: ["8 stuck stale_marker A/x"],
  },
  {
    name: "stale marker by kind",
    rule: "a claim that names a tool by its name is of an open one whose own run has ended",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 tool=3
      5 end run A/R1
      5.5 start run B/R2 s=S
      6 claim tool s=S claim=stalled tool=3`,
    // The claim is of that tool, also when it has been evicted.
    diagnosed: ["6 stalled stale_marker A/x"],
  },
  {
    name: "stale marker among others of its name",
    rule: "of tools of one name the one whose own run has ended is what a claim names",
    // R2 overlaps R1 and holds x, so it is open still.
    lines: `
      0 start run B/R2 s=S
      0.5 start tool B/y B/R2 tool=3
      0.6 start run A/R1 s=S
      1 start tool A/x A/R1 tool=3
      5 end run A/R1
      6 claim tool s=S claim=stalled tool=3`,
    diagnosed: ["6 stalled stale_marker A/x"],
  },
  {
    name: "another tool by kind",
    rule: "a stale tool of another name is not what a claim names",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 tool=3
      5 end run A/R1
      5.5 start run B/R2 s=S
      6 claim tool s=S claim=stalled tool=4`,
    diagnosed: ["6 stalled progressing"],
  },
  {
    name: "progressing, then silent",
    rule: "a claim is answered again when its verdict changes",
    lines: `
      0 start run A/R1 s=S
      1 start model A/m A/R1
      60 claim model A/m s=S claim=long_running`,
    settleS: 200,
    diagnosed: ["60 long_running progressing", "121 long_running silent_model_call A/m"],
  },
  {
    name: "silent tool",
    rule: "a claim of an open run has the verdict of that run",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      130 claim run A/R1 s=S claim=stuck`,
    diagnosed: ["130 stuck silent_tool A/x"],
  },
  {
    name: "own run before the session",
    rule: "a claim that names work has the verdict of that work's own run, not of the session",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      100 start run B/R2 s=S
      130 claim tool A/x s=S claim=stalled`,
    diagnosed: ["130 stalled silent_tool A/x"],
  },
  {
    name: "waits for a person",
    rule: "a claim about a session that waits for a person gets that verdict",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 pause tool A/x key=1
      130 claim session s=S claim=stuck`,
    diagnosed: ["130 stuck waiting_for_person"],
  },
  {
    name: "repeated claim",
    rule: "a repeated claim is not a new one, another type is",
    lines: `
      0 start run A/R1 s=S
      130 claim session s=S claim=stalled
      140 claim session s=S claim=stalled
      150 claim session s=S claim=stuck`,
    diagnosed: ["130 stalled wedged_run", "150 stuck wedged_run"],
  },
  {
    name: "claim and progress",
    rule: "a claim stands until progress; after that it is a new one",
    lines: `
      0 start run A/R1 s=S
      130 claim session s=S claim=stalled
      140 progress run A/R1 s=S
      150 claim session s=S claim=stalled`,
    diagnosed: ["130 stalled wedged_run", "150 stalled progressing"],
  },
  {
    name: "claim and progress of a sub-agent",
    rule: "progress below is progress of the session above, so a claim of that is over",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/z A/R1
      2 start run A/R2 A/z s=SUB
      60 claim session s=S claim=stalled
      70 progress run A/R2
      80 claim session s=S claim=stalled`,
    diagnosed: ["60 stalled progressing", "80 stalled progressing"],
  },
  {
    name: "claim and recovery",
    rule: "a claim stands until the gateway has recovered; after that it is a new one",
    lines: `
      0 start run A/R1 s=S
      130 claim session s=S claim=stalled
      140 recovered session s=S
      150 claim session s=S claim=stalled`,
    diagnosed: ["130 stalled wedged_run", "150 stalled wedged_run"],
  },
  {
    name: "claim and time",
    rule: "a claim stands for 15 min",
    lines: `
      0 start run A/R1 s=S
      130 claim session s=S claim=stalled
      1000 claim session s=S claim=stalled
      1031 claim session s=S claim=stalled`,
    diagnosed: ["130 stalled wedged_run", "1031 stalled wedged_run"],
  },
  {
    name: "queued only",
    rule: "without an open run and with messages that wait there is only a queue",
    lines: `
      0 start run A/R1 s=S
      1 end run A/R1
      10 queued session s=S queue=2
      20 claim session s=S claim=stuck`,
    diagnosed: ["20 stuck queued_only"],
  },
  {
    name: "queued by the claim itself",
    rule: "the queue depth of a claim counts",
    lines: `
      0 start run A/R1 s=S
      1 end run A/R1
      20 claim session s=S claim=stuck queue=1`,
    diagnosed: ["20 stuck queued_only"],
  },
  {
    name: "nothing known",
    rule: "a claim that matches nothing is unknown",
    lines: `
      0 start run A/R1 s=S
      1 end run A/R1
      20 claim session s=S claim=recovery queue=0`,
    diagnosed: ["20 recovery unknown"],
  },
  {
    name: "stale, then the next",
    rule: "a stale marker that is evicted stays one",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      6 claim tool A/x s=S claim=stalled`,
    diagnosed: ["6 stalled stale_marker A/x"],
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "evicted there",
    rule: "what the gateway evicted itself is its word: closed and counted once",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      5.5 evictedBySender session s=S tools=1`,
    evicted: ["5.5 orphaned_no_owner confirmed: A/x"],
    open: 0,
  },
];
