import type { HistoryCase } from "./history-text.ts";

/** Starts that do not say what they are: what names and finished spans say instead, and how that is corrected. */
export const guessHistories: readonly HistoryCase[] = [
  {
    name: "named after an operation",
    rule: "a start is what its name says; that it is an orphan is presumed",
    lines: `
      0 start run A/R1 undecided shape=1
      1 start model A/m A/R1 undecided shape=2
      9 end run A/R1 shape=1`,
    evicted: ["11 orphaned_no_owner presumed: A/m"],
  },
  {
    name: "a run that is only taken for one",
    rule: "what a guessed run leaves behind is presumed to be an orphan",
    lines: `
      0 start run A/R1 undecided shape=1
      1 start tool A/x A/R1
      9 end other A/R1 undecided`,
    evicted: ["11 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "a guess that is confirmed",
    rule: "a run that says at its end that it is one is as good as any",
    lines: `
      0 start run A/R1 undecided shape=1
      1 start tool A/x A/R1
      9 end run A/R1 shape=1`,
    evicted: ["11 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "a repeat that says what it is",
    rule: "a repeated start with the deciding attribute makes a guess sure",
    lines: `
      0 start run A/R1
      1 start tool A/x A/R1 undecided
      2 start tool A/x A/R1 tool=7
      9 end run A/R1`,
    evicted: ["11 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "learned from the first turn",
    rule: "from the second time on a span of the same name is what the first one was in the end",
    lines: `
      0 start other A/R1 undecided shape=1
      1 start other A/x A/R1 undecided shape=2
      2 end tool A/x A/R1 shape=2
      3 end run A/R1 shape=1
      10 start other B/R2 undecided shape=1
      11 start other B/y B/R2 undecided shape=2
      19 end run B/R2 shape=1`,
    evicted: ["21 orphaned_no_owner presumed: B/y"],
  },
  {
    name: "a name that changes at the end",
    rule: "what a span was in the end is learned of the name that it started with, too",
    lines: `
      0 start run A/R1
      1 start other A/x A/R1 undecided shape=2
      2 end tool A/x A/R1 shape=3
      3 end run A/R1
      10 start run B/R2
      11 start other B/y B/R2 undecided shape=2
      19 end run B/R2`,
    evicted: ["21 orphaned_no_owner presumed: B/y"],
  },
  {
    name: "nothing is known in the first turn",
    rule: "a start that nothing says anything of is a link",
    lines: `
      0 start other A/R1 undecided shape=1
      1 start other A/x A/R1 undecided shape=2
      9 end run A/R1 shape=1`,
    evicted: [],
  },
  {
    name: "learned from another process",
    rule: "what is learned counts for the process that it was learned from",
    lines: `
      0 start run A/R1 p=2
      1 end tool A/x A/R1 shape=2 p=2
      3 end run A/R1 p=2
      10 start run B/R2
      11 start other B/y B/R2 undecided shape=2
      19 end run B/R2`,
    evicted: [],
  },
  {
    name: "one name for two kinds",
    rule: "where spans of one name were of two kinds, nothing follows from the name, not even from an operation in it",
    lines: `
      0 start run A/R1
      1 end tool A/x A/R1 shape=2
      2 end other A/y A/R1 shape=2
      3 start tool A/z A/R1 undecided shape=2
      9 end run A/R1`,
    evicted: [],
  },
  {
    name: "a name that has never been work",
    rule: "what finished spans were comes before what the name says",
    lines: `
      0 start run A/R1
      1 end other A/x A/R1 undecided shape=2
      2 start model A/y A/R1 undecided shape=2
      9 end run A/R1`,
    evicted: [],
  },
  {
    name: "learned while the work is open",
    rule: "a repeat of an open link is work, when its kind has been learned meanwhile",
    lines: `
      0 start run A/R1
      1 start other A/x A/R1 undecided shape=2
      2 end tool A/y A/R1 shape=2
      3 start other A/x A/R1 undecided shape=2
      9 end run A/R1`,
    evicted: ["11 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "a late start of a link that has ended",
    rule: "a span that has ended is not opened by its late start, whatever is learned",
    lines: `
      0 start run A/R1
      1 end tool A/y A/R1 shape=2
      2 end other A/x A/R1
      3 start other A/x A/R1 undecided shape=2
      9 end run A/R1`,
    evicted: [],
    open: 0,
  },
  {
    name: "a wrong guess that ends",
    rule: "a guessed marker that is no work after all leaves no marker",
    lines: `
      0 start run A/R1
      1 start tool A/x A/R1 undecided
      8 end other A/x A/R1 undecided
      9 end run A/R1`,
    evicted: [],
    open: 0,
  },
  {
    name: "a wrong guess that is corrected while it is open",
    rule: "a repeated start that says it is no work makes a link of a guessed marker",
    lines: `
      0 start run A/R1
      1 start tool A/x A/R1 undecided
      2 start other A/x A/R1
      9 end run A/R1`,
    evicted: [],
    open: 0,
  },
  {
    name: "another kind at the end",
    rule: "an end of another kind ends the work that started, and is no second marker",
    lines: `
      0 start run A/R1
      1 start tool A/x A/R1
      2 end model A/x A/R1
      9 end run A/R1`,
    evicted: [],
    open: 0,
  },
  {
    name: "a tool that is a run in the end",
    rule: "what is below a marker that turns out to be a run belongs to that run",
    lines: `
      0 start tool A/R1 s=S undecided
      1 start tool A/x A/R1
      9 end run A/R1 s=S`,
    evicted: ["11 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "a run that is a tool in the end",
    rule: "a guessed run that is none after all ends as what it is",
    lines: `
      0 start run A/R1
      1 start run A/x A/R1 undecided
      2 end tool A/x A/R1
      9 end run A/R1`,
    evicted: [],
    open: 0,
  },
  {
    name: "a guessed marker for which its process is gone",
    rule: "a guess is presumed, whatever the reason",
    lines: `
      0 start run A/R1 every=5 by=partialLog
      1 start tool A/x A/R1 undecided every=5 by=partialLog`,
    evicted: ["33 lease_expired presumed: A/x"],
    settleS: 40,
  },
];
