import type { HistoryCase } from "./history-text.ts";

/** Markers whose own run is not known, and what starts late. */
export const unknownRunHistories: readonly HistoryCase[] = [
  {
    name: "late start by sequence",
    rule: "a start from before the end of its own run, which is over, is late",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      5 end run A/R1 seq=9 by=relay
      20 start tool A/x A/R1 seq=4 by=relay`,
    evicted: [],
    late: 1,
    open: 0,
  },
  {
    name: "late start by arrival",
    rule: "without a sequence a start that arrives more than a lateness after the end is after it: tracked",
    lines: `
      0 start run A/R1 s=S
      5 end run A/R1
      20 start tool A/x A/R1 ts=3`,
    evicted: ["22 orphaned_no_owner confirmed: A/x"],
    late: 0,
  },
  {
    name: "starts without a time",
    rule: "a start of 0 is neither late nor early: arrival orders it",
    lines: `
      0 start run A/R1 s=S ts=unset
      1 start tool A/x A/R1 ts=unset
      5 end run A/R1 ts=unset
      20 start tool A/y A/R1 ts=unset`,
    evicted: ["7 orphaned_no_owner confirmed: A/x", "22 orphaned_no_owner confirmed: A/y"],
    late: 0,
  },
  {
    name: "late start within the lateness",
    rule: "before its own run is over no start is late",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      5 end run A/R1 seq=9 by=relay
      6.5 start tool A/x A/R1 seq=4 by=relay`,
    evicted: ["8.5 orphaned_no_owner confirmed: A/x"],
    late: 0,
  },
  {
    name: "start that is very late",
    rule: "a cutoff is forgotten 15 min after the end that set it",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      5 end run A/R1 seq=9 by=relay
      906 start tool A/x A/R1 seq=4 by=relay`,
    evicted: ["908 orphaned_no_owner confirmed: A/x"],
    late: 0,
  },
  {
    name: "late start beside an open holder",
    rule: "while another run holds what the own run left, no start is late",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      4 start run B/R2 s=S seq=6 by=relay
      5 end run A/R1 seq=9 by=relay
      20 start tool A/x A/R1 seq=4 by=relay
      30 end run B/R2 seq=12 by=relay`,
    evicted: ["32 orphaned_no_owner confirmed: A/x"],
    late: 0,
  },
  {
    name: "late start beside a silent holder",
    rule: "while a run that held is open no start is late, though its silence has let go",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      4 start run B/R2 s=S seq=6 by=relay
      5 end run A/R1 seq=9 by=relay
      130 start tool A/x A/R1 seq=4 by=relay`,
    evicted: ["132 orphaned_no_owner probable: A/x"],
    late: 0,
  },
  {
    name: "unknown run",
    rule: "a marker whose own run is not known is held by the runs of its trace that were open: presumed",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/P
      5 end run A/R1`,
    evicted: ["7 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "unknown run of a session",
    rule: "a marker whose own run is not known is held by the runs of its session that were open",
    lines: `
      0 start run A/R1 s=S
      0.5 start run B/R9 s=T
      1 start tool B/x B/P s=S
      5 end run A/R1
      9 end run B/R9`,
    evicted: ["7 orphaned_no_owner presumed: B/x"],
  },
  {
    name: "unknown run that arrives",
    rule: "it is decided anew when its own run arrives",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/P
      3 start run A/P s=T
      5 end run A/R1
      10 end run A/P`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "unknown run, the next one starts",
    rule: "else the next run that starts within the lateness holds it",
    lines: `
      0 start run A/R1 s=S
      1 end run A/R1
      2 start tool A/x A/P
      3 start run A/R2 s=S
      10 end run A/R2`,
    evicted: ["12 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "unknown run, the next one starts too late",
    rule: "a run that starts after the lateness holds nothing; a run that is still to come may own the marker",
    lines: `
      0 start run A/R1 s=S
      1 end run A/R1
      2 start tool A/x A/P
      4.5 start run A/R2 s=S
      10 end run A/R2`,
    evicted: [],
  },
  {
    name: "unknown run, never any",
    rule: "where no run was ever known a marker stays until max_age",
    lines: `
      0 start tool A/x A/P`,
    settleS: 43_300,
    evicted: ["43200 max_age presumed: A/x"],
  },
  {
    name: "parent run in another process",
    rule: "a parent run that is known in another process of the same trace is the own run: it holds, no run of the marker's process does",
    lines: `
      0 start run A/R1 s=S p=1
      1 start tool A/x A/R1 p=2
      3 start run A/R3 s=S p=2
      5 end run A/R1 p=1`,
    evicted: ["7 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "retry beside a parent run in another process",
    rule: "what holds the work of the parent run holds its work in another process too: a run that was open at the same time",
    lines: `
      0 start run A/R1 s=S p=1
      1 start tool A/x A/R1 p=2
      3 start run A/R2 s=S p=1
      5 end run A/R1 p=1
      9 end run A/R2 p=1`,
    evicted: ["11 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "run below a run of another process",
    rule: "the run directly above the own run holds, also from another process",
    lines: `
      0 start run A/R s=S p=1
      1 start run A/Q A/R p=2
      2 start tool A/x A/Q p=2
      4 end run A/Q p=2
      10 end run A/R p=1`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "run below a tool of another process",
    rule: "only a parent that is a run crosses a process: a sub-agent there does not keep the tool above it",
    lines: `
      0 start run A/R s=S p=1
      0 start tool A/t A/R p=1
      1 start run A/Q A/t p=2
      2 start tool A/x A/Q p=2
      4 end run A/R p=1
      10 end run A/Q p=2`,
    evicted: ["6 orphaned_no_owner confirmed: A/t", "12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "parent run open in another process",
    rule: "a parent run that is open in another process holds",
    lines: `
      0 start run A/R1 s=S p=1
      1 start run A/R3 s=S p=2
      2 start tool A/x A/R1 p=2
      5 end run A/R3 p=2`,
    evicted: [],
    open: 2,
  },
  {
    name: "the trace of another client",
    rule: "a run of another client holds nothing, and its end ends nothing, whatever ids it has",
    lines: `
      0 start run A/R1 s=S p=1
      1 start tool A/x A/R1 p=101
      3 start run A/R3 s=S p=101
      5 end run A/R1 p=1`,
    evicted: [],
    open: 2,
  },
  {
    name: "signals of another client",
    rule: "no signal of another client changes anything: an end, an end of the session, a pause, a claim, the end of the process",
    lines: `
      0 start run A/R s=S p=1
      1 start tool A/x A/R s=S p=1
      2 end tool A/x A/R s=S p=101
      2 end run A/R s=S p=101
      3 sessionEnd session s=S p=101
      3 pause tool A/x p=101 key=1
      4 evictedBySender session s=S p=101 tools=1
      4 idle session s=S p=101
      5 gone session p=101
      6 end run A/R s=S p=1`,
    evicted: ["8 orphaned_no_owner confirmed: A/x"],
    open: 0,
  },
];
