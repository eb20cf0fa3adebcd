import type { HistoryCase } from "./history-text.ts";

/** Runs of a session that overlap: retries, queues, and such that fall silent. */
export const overlapHistories: readonly HistoryCase[] = [
  {
    name: "chain",
    rule: "a run that overlaps only with another holder holds nothing",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 start run B/R2 s=S
      3 end run A/R1
      4 start run C/R3 s=S
      5 end run B/R2
      60 end run C/R3`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "queue of turns",
    rule: "queued turns 50 ms apart hold nothing of each other",
    // Each turn leaves a tool; the last turn goes on.
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x1 A/R1
      5 end run A/R1
      5.05 start run B/R2 s=S
      5.5 start tool B/x2 B/R2
      6 end run B/R2
      6.05 start run C/R3 s=S
      6.5 start tool C/x3 C/R3
      7 end run C/R3
      7.05 start run D/R4 s=S`,
    evicted: [
      "7 orphaned_no_owner confirmed: A/x1",
      "8 orphaned_no_owner confirmed: B/x2",
      "9 orphaned_no_owner confirmed: C/x3",
    ],
    open: 1,
  },
  {
    name: "overlapping retry",
    rule: "a run of the same session that began before the own run ended holds until it ends",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      4 start run B/R2 s=S
      5 end run A/R1
      10 end run B/R2`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "overlap of another session",
    rule: "a run of another session holds nothing",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      4 start run B/R2 s=T
      5 end run A/R1
      10 end run B/R2`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "retry beside a sub-agent",
    rule: "a run of the session that is no sub-agent, and not what the sub-agent is below, holds what it overlaps",
    // R9 overlaps R2 and R1, so it holds x and z until 6.
    lines: `
      0 start run A/R1 s=S
      0.1 start tool A/z A/R1
      0.2 start run A/R2 A/z
      0.5 start tool A/x A/R2
      0.8 start run B/R9 s=S
      1 end run A/R2
      3 end run A/R1
      6 end run B/R9`,
    evicted: ["8 orphaned_no_owner confirmed: A/x", "8 orphaned_no_owner confirmed: A/z"],
  },
  {
    name: "overlapping run falls silent",
    rule: "an overlapping run without progress for stalled_after holds no longer: probable, stamped with that moment",
    // R2's last progress is its start at 4.
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      4 start run B/R2 s=S
      5 end run A/R1`,
    settleS: 300,
    evicted: ["124 orphaned_no_owner probable: A/x"],
    states: ["123: active/none", "200: stalled/run"],
    changes: ["124 stalled run wedged_run"],
  },
  {
    name: "overlapping run that lives",
    rule: "a heartbeat is no progress: it keeps no overlapping run a holder",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      4 start run B/R2 s=S
      5 end run A/R1
      100 start run B/R2 s=S`,
    settleS: 300,
    evicted: ["124 orphaned_no_owner probable: A/x"],
  },
  {
    name: "overlapping run that makes progress",
    rule: "progress of an overlapping run counts from anew",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      4 start run B/R2 s=S
      5 end run A/R1
      100 progress run B/R2 s=S`,
    settleS: 300,
    evicted: ["220 orphaned_no_owner probable: A/x"],
  },
  {
    name: "overlapping run with work below",
    rule: "progress below an overlapping run is its progress",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      4 start run B/R2 s=S
      5 end run A/R1
      6 start tool B/z B/R2
      7 start run B/R3 B/z s=SUB
      90 start model B/m B/R3`,
    settleS: 300,
    evicted: ["210 orphaned_no_owner probable: A/x"],
  },
  {
    name: "overlapping run that waits for a person",
    rule: "an overlapping run that waits for a person holds on; the end of the wait is progress",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      4 start run B/R2 s=S
      5 end run A/R1
      10 pause run B/R2 key=1
      200 resume run B/R2 key=1`,
    settleS: 300,
    evicted: ["320 orphaned_no_owner probable: A/x"],
    states: ["150: paused/none"],
  },
  {
    name: "own run falls silent",
    rule: "the own run and the runs directly above hold however silent they are",
    lines: `
      0 start run A/R1 s=S
      1 start run A/R2 A/R1
      2 start tool A/x A/R2
      5 end run A/R2`,
    settleS: 600,
    evicted: [],
    // The own run of x has ended, so x decides nothing: nothing is open in R1.
    states: ["600: stalled/run"],
  },
  {
    name: "sessions that turn out to be one",
    rule: "when sessions merge, holders are looked at anew",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      3 start run B/R2 s=T
      5 end run A/R1
      6 start run B/R2 s=S,T
      10 end run B/R2`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "sessions that turn out to be one too late",
    rule: "what was evicted stays evicted",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      3 start run B/R2 s=T
      5 end run A/R1
      8 start run B/R2 s=S,T
      10 end run B/R2`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
];
