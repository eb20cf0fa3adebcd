import type { HistoryCase } from "./history-text.ts";

/** Work whose run is in another process of the trace. `allowed_lateness` is 2 s. */
export const crossProcessHistories: readonly HistoryCase[] = [
  {
    name: "model call in another process",
    rule: "a model call belongs to its run in another process as a tool does",
    lines: `
      0 start run A/R p=1
      1 start model A/m A/R p=2
      5 end run A/R p=1`,
    evicted: ["7 orphaned_no_owner presumed: A/m"],
  },
  {
    name: "tool below a tool of another process",
    rule: "only a parent that is a run crosses a process: a tool below a tool elsewhere is decided by nothing there",
    lines: `
      0 start run A/R p=1
      1 start tool A/t A/R p=1
      2 start tool A/x A/t p=2
      4 end tool A/t p=1
      5 end run A/R p=1`,
    evicted: [],
    open: 1,
  },
  {
    name: "run of another process that is known later",
    rule: "a run elsewhere that is known only after its tool is its owner from then on",
    lines: `
      1 start tool A/x A/R p=2
      9 start run A/R p=1 ts=0
      12 end run A/R p=1`,
    evicted: ["14 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "run of another process that is known only by its end",
    rule: "the end of a run elsewhere is enough, a lateness after it",
    lines: `
      1 start tool A/x A/R p=2
      12 end run A/R p=1 ts=0`,
    evicted: ["14 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "guessed run of another process",
    rule: "what belongs to a run that is only a guess is presumed, whichever process it is in",
    lines: `
      0 start run A/R p=1 undecided shape=1
      1 start tool A/x A/R p=2
      3 end other A/R p=1 undecided shape=1`,
    evicted: ["5 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "guessed run of another process that is one",
    rule: "the end of a run elsewhere is no sure end of this work, guessed or not",
    lines: `
      0 start run A/R p=1 undecided shape=1
      1 start tool A/x A/R p=2
      5 end run A/R p=1 shape=1`,
    evicted: ["7 orphaned_no_owner presumed: A/x"],
  },
  {
    name: "chain of three processes",
    rule: "runs directly below each other in three processes hold what is below the last",
    lines: `
      0 start run A/R p=1
      1 start run A/Q A/R p=2
      2 start run A/P A/Q p=3
      3 start tool A/x A/P p=3
      5 end run A/P p=3
      7 end run A/Q p=2
      10 end run A/R p=1`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "chain of three processes without runs below the first",
    rule: "the tool of the last process belongs to the run that is its parent, not to one above that parent's tool",
    lines: `
      0 start run A/R p=1
      1 start tool A/t A/R p=1
      2 start run A/Q A/t p=2
      3 start model A/m A/Q p=2
      4 start run A/P A/Q p=3
      5 start tool A/x A/P p=3
      6 end run A/R p=1
      7 end run A/Q p=2
      9 end run A/P p=3`,
    evicted: [
      "8 orphaned_no_owner confirmed: A/t",
      "9 orphaned_no_owner confirmed: A/m",
      "11 orphaned_no_owner confirmed: A/x",
    ],
  },
  {
    name: "server span between",
    rule: "nor does a span that is no work cross it: below the span of a server, of gRPC, MCP or Temporal, a tool without a run in its process waits for max_age",
    lines: `
      0 start run A/R p=1
      1 end other A/c A/R p=1 ts=1 end=2
      2 end other A/s A/c p=2 ts=1 end=2
      3 start tool A/x A/s p=2
      5 end run A/R p=1`,
    evicted: [],
    open: 1,
  },
  {
    name: "server span between and a run below it",
    rule: "the run of a caller holds what is below a run behind the span of a server, as that of an agent of A2A, if it is the parent of that span itself",
    lines: `
      0 start run A/R p=1
      1 end other A/s A/R p=2 ts=1 end=2
      2 start run A/Q A/s p=2
      3 start tool A/x A/Q p=2
      5 end run A/Q p=2
      20 end run A/R p=1`,
    evicted: ["22 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "server span between, below a tool",
    rule: "the tool of a remote server, below the tool of the client that calls it, is decided by nothing of the client",
    lines: `
      0 start run A/R p=1
      1 start tool A/t A/R p=1
      1 end other A/s A/t p=2 ts=1 end=2
      2 start tool A/x A/s p=2
      4 end tool A/t p=1
      5 end run A/R p=1`,
    evicted: [],
    open: 1,
  },
];
