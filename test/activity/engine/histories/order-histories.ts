import type { HistoryCase } from "./history-text.ts";

/** The order of events: by sequence, by arrival, by the sender's times. */
export const orderHistories: readonly HistoryCase[] = [
  {
    name: "h2-1",
    rule: "two levels out of order",
    // R3's cluster is a sub-agent below R2 below R1: nothing above z holds y. x and z have open runs below.
    lines: `
      0 start run A/R1 s=S
      0.2 start run A/R2 A/x
      0.25 start tool A/x A/R1 ts=0.1
      0.4 start run A/R3 A/z
      0.5 start tool A/y A/R3
      0.6 start tool A/z A/R2 ts=0.3
      1 end run A/R3 A/z`,
    settleS: 20,
    evicted: ["3 orphaned_no_owner confirmed: A/y"],
    open: 4,
  },
  {
    name: "h2-2",
    rule: "the same, only the lower level out of order",
    lines: `
      0 start run A/R1 s=S
      0.15 start tool A/x A/R1 ts=0.1
      0.2 start run A/R2 A/x
      0.4 start run A/R3 A/z
      0.5 start tool A/y A/R3
      0.6 start tool A/z A/R2 ts=0.3
      1 end run A/R3 A/z`,
    settleS: 20,
    evicted: ["3 orphaned_no_owner confirmed: A/y"],
    open: 4,
  },
  {
    name: "h4-1",
    rule: "what starts below an open run is tracked, whatever was evicted beside it",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 s=S
      5 end run A/R1 s=S
      8 start run B/R2 s=S ts=4.5
      8.1 start tool B/y B/R2 s=S ts=4.9
      9 start tool B/z B/R2 s=S`,
    settleS: 1,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
    late: 0,
    open: 3,
  },
  {
    name: "clock",
    rule: "arrivals further apart than the lateness order things, whatever the sender's clock shows",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      60 start run B/R2 s=S ts=3
      62 start model B/m B/R2 s=S ts=4.5`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
    open: 2,
  },
  {
    name: "late retry by time",
    rule: "within the lateness the sender's times order: R2 overlaps though its start arrives after R1's end",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      6 start run B/R2 s=S ts=4.5
      10 end run B/R2`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "late retry with a stepped clock",
    rule: "times whose offsets differ by more than the lateness order nothing: arrival does",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      6 start run B/R2 s=S ts=3.5
      10 end run B/R2`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "late retry without a time",
    rule: "a time that is not set orders nothing: arrival does",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      6 start run B/R2 s=S ts=unset
      10 end run B/R2`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "next turn before the end by arrival only",
    rule: "within the lateness the sender's times order: R2 began after R1's end though it arrives before",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 start run B/R2 s=S
      5.5 end run A/R1 end=4.8`,
    evicted: ["7.5 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "late retry, nothing timed",
    rule: "where neither has a time arrival orders them: R2 overlaps",
    lines: `
      0 start run A/R1 s=S ts=unset
      1 start tool A/x A/R1 ts=unset
      4.5 start run B/R2 s=S ts=unset
      5 end run A/R1 ts=unset
      10 end run B/R2 ts=unset`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "end of the turn before that arrives late",
    rule: "a run that ended before the own run began overlaps with nothing, however late its end arrives",
    lines: `
      0 start run A/R1 s=S
      3 start run B/R2 s=S
      3.5 start tool B/x B/R2
      4 end run B/R2
      4.5 end run A/R1 end=2.9`,
    evicted: ["6 orphaned_no_owner confirmed: B/x"],
  },
  {
    name: "next turn at the same moment",
    rule: "of an end and a start that are equal the end comes first",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      5 start run B/R2 s=S`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "next turn at the same moment, the start first",
    rule: "of an end and a start that are equal the end comes first, whichever arrived first",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 start run B/R2 s=S
      5 end run A/R1`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "late retry by sequence",
    rule: "the sender's order counts before arrival and times",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      1 start tool A/x A/R1 seq=2 by=relay
      5 end run A/R1 seq=9 by=relay
      9 start run B/R2 s=S seq=5 ts=8 by=relay
      10 end run B/R2 seq=11 by=relay`,
    // At 7 nothing else was known; R2 arrives too late to change that.
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "late retry by sequence within the lateness",
    rule: "the sender's order counts before arrival and times: R2 overlaps",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      1 start tool A/x A/R1 seq=2 by=relay
      5 end run A/R1 seq=9 by=relay
      6 start run B/R2 s=S seq=5 ts=6 by=relay
      10 end run B/R2 seq=11 by=relay`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "next turn by sequence",
    rule: "the sender's order counts before arrival and times: R2 began after R1's end",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      1 start tool A/x A/R1 seq=2 by=relay
      4.5 start run B/R2 s=S seq=10 by=relay
      5 end run A/R1 seq=9 by=relay`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "sequence on one side",
    rule: "a sequence that only one has orders nothing",
    lines: `
      0 start run A/R1 s=S seq=1
      1 start tool A/x A/R1 seq=2
      5 end run A/R1 seq=9
      6 start run B/R2 s=S ts=4.5
      10 end run B/R2`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
];
