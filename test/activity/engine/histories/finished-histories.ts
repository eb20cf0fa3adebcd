import type { HistoryCase } from "./history-text.ts";

/** What comes finished, and ends that come late. */
export const finishedHistories: readonly HistoryCase[] = [
  {
    name: "h10-2",
    rule: "a finished tool that outlived its owner alone is ended, late",
    lines: `
      1 end run A/R1 s=S ts=0 end=1
      30 end tool A/x A/R1 s=S ts=0.5 end=30`,
    evicted: [],
    open: 0,
  },
  {
    name: "finished together",
    rule: "finished tools that outlived their owner and ended together were closed by a stop",
    lines: `
      1 end run A/R1 s=S ts=0 end=1
      30 end tool A/x A/R1 s=S ts=0.5 end=30
      30 end tool A/y A/R1 s=S ts=0.6 end=30.2`,
    evicted: ["32 orphaned_no_owner probable: A/x A/y"],
    open: 0,
  },
  {
    name: "finished one after the other",
    rule: "ends more than a second apart are no stop",
    lines: `
      1 end run A/R1 s=S ts=0 end=1
      30 end tool A/x A/R1 s=S ts=0.5 end=30
      31.5 end tool A/y A/R1 s=S ts=0.6 end=31.5`,
    evicted: [],
  },
  {
    name: "finished together with an outcome",
    rule: "a finished tool with an outcome of its own was not closed from outside",
    lines: `
      1 end run A/R1 s=S ts=0 end=1
      30 end tool A/x A/R1 s=S ts=0.5 end=30 failed
      30 end tool A/y A/R1 s=S ts=0.6 end=30`,
    evicted: [],
  },
  {
    name: "finished together within the lateness",
    rule: "a finished tool that outlived its owner by no more than the lateness is no orphan",
    lines: `
      1 end run A/R1 s=S ts=0 end=1
      3 end tool A/x A/R1 s=S ts=0.5 end=3
      3 end tool A/y A/R1 s=S ts=0.6 end=3`,
    evicted: [],
  },
  {
    name: "closed by its run",
    rule: "an end that reports that the run closed the marker makes it an orphan",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      5 end tool A/x closed`,
    evicted: ["5 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "end within the lateness",
    rule: "a tool's end after its run's end is normal within the lateness",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      6.9 end tool A/x`,
    evicted: [],
    open: 0,
  },
  {
    name: "end after the eviction",
    rule: "an end that comes after the eviction changes nothing of it",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      7.1 end tool A/x`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
    open: 0,
  },
  {
    name: "items left open",
    rule: "items that a harness run left open and no span explains are presumed orphans, two of them to a tool at most",
    lines: `
      5 end harness A/H s=S ts=0 end=5 items=3 queue=0
      5.5 end tool A/x A/H ts=1 end=4`,
    evicted: ["7 orphaned_no_owner presumed: 2 more"],
  },
];
