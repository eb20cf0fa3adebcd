import type { HistoryCase } from "./history-text.ts";

/** Who holds a marker. `allowed_lateness` is 2 s, `stalled_after` 2 min. */
export const holderHistories: readonly HistoryCase[] = [
  {
    name: "h3-1",
    rule: "a turn that starts within the lateness holds nothing of the turn before; it is blocked by its own model call",
    // R2 starts after R1's end, so R1 alone holds x: 5 + 2. R2's last progress is m's start at 7: silent at 127.
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 s=S
      5 end run A/R1 s=S
      6 start run B/R2 s=S
      7 start model B/m B/R2 s=S`,
    settleS: 400,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
    states: [
      "6.5: active/none",
      "126: active/none",
      "127: stalled/model_call",
      "400: stalled/model_call",
    ],
    changes: ["127 stalled model_call silent_model_call B/m 120"],
  },
  {
    name: "h3-2",
    rule: "a turn that starts after the lateness holds nothing either",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 s=S
      5 end run A/R1 s=S
      8 start run B/R2 s=S
      9 start model B/m B/R2 s=S`,
    settleS: 400,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
    states: ["400: stalled/model_call"],
    changes: ["129 stalled model_call silent_model_call B/m 120"],
  },
  {
    name: "h8-1",
    rule: "a sub-agent that goes on below another tool postpones nothing; only that tool waits",
    lines: `
      0 start run A/R1 s=S
      0.5 start tool A/x A/R1 s=S
      0.6 start tool A/z A/R1 s=S
      0.7 start run A/R2 A/z s=SUB
      1 end run A/R1 s=S
      ${Array.from({ length: 60 }, (_, turn) => {
        const at = Math.round((1.2 + turn * 1.5) * 10) / 10;
        return `${at} start tool A/w${turn} A/R2 s=SUB\n${at + 1} end tool A/w${turn} A/R2 s=SUB`;
      }).join("\n")}`,
    settleS: 1,
    evicted: ["3 orphaned_no_owner confirmed: A/x"],
    states: ["80: active/none"],
    open: 2,
  },
  {
    name: "nested-1",
    rule: "a run directly above holds, without lateness for each level",
    lines: `
      0 start run A/R1 s=S
      0.2 start run A/R2 A/R1
      0.5 start tool A/x A/R2
      1 end run A/R2
      3 end run A/R1`,
    evicted: ["5 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "nested-2",
    rule: "what a sub-agent leaves behind is held by nothing above its tool",
    lines: `
      0 start run A/R1 s=S
      0.1 start tool A/z A/R1
      0.2 start run A/R2 A/z
      0.5 start tool A/x A/R2
      1 end run A/R2
      3 end run A/R1`,
    evicted: ["3 orphaned_no_owner confirmed: A/x", "5 orphaned_no_owner confirmed: A/z"],
  },
  {
    name: "inner run beside a sub-agent",
    rule: "nor is it held by an inner run of the run above its tool, though that run is open at the same time",
    lines: `
      0 start run A/R1 s=S
      0.1 start tool A/z A/R1
      0.2 start run A/R2 A/z
      0.3 start run A/R3 A/R1
      0.5 start tool A/x A/R2
      1 end run A/R2
      3 end run A/R3
      4 end tool A/z
      4 end run A/R1`,
    evicted: ["3 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "nested below a model call",
    rule: "a model call between separates as a tool does",
    lines: `
      0 start run A/R1 s=S
      0.1 start model A/z A/R1
      0.2 start run A/R2 A/z
      0.5 start tool A/x A/R2
      1 end run A/R2
      3 end run A/R1`,
    evicted: ["3 orphaned_no_owner confirmed: A/x", "5 orphaned_no_owner confirmed: A/z"],
  },
  {
    name: "nested below a link",
    rule: "a link between two runs separates nothing",
    lines: `
      0 start run A/R1 s=S
      0.1 end other A/l A/R1
      0.2 start run A/R2 A/l
      0.5 start tool A/x A/R2
      1 end run A/R2
      3 end run A/R1`,
    evicted: ["5 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "nested with sessions",
    rule: "a run directly above holds whatever its session",
    lines: `
      0 start run A/R1 s=S
      0.2 start run A/R2 A/R1 s=T
      0.5 start tool A/x A/R2
      1 end run A/R2
      3 end run A/R1`,
    evicted: ["5 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "three levels",
    rule: "owner trees in each other add no lateness level by level",
    lines: `
      0 start run A/R1 s=S
      0.1 start tool A/z A/R1
      0.2 start run A/R2 A/z
      0.3 start tool A/y A/R2
      0.4 start run A/R3 A/y
      0.5 start tool A/x A/R3
      1 end run A/R3
      1 end run A/R2
      1 end run A/R1`,
    evicted: [
      "3 orphaned_no_owner confirmed: A/x",
      "3 orphaned_no_owner confirmed: A/y",
      "3 orphaned_no_owner confirmed: A/z",
    ],
  },
  {
    name: "inner run outlives",
    rule: "a run directly below a run holds like an overlapping one",
    lines: `
      0 start run A/R1 s=S
      0.2 start run A/R2 A/R1
      0.5 start tool A/x A/R1
      1 end run A/R1
      3 end run A/R2`,
    evicted: ["5 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "harness run",
    rule: "a harness run and the run in it are one owner: the later end counts",
    lines: `
      0 start harness A/H s=S
      0.1 start inner A/R A/H
      1 start tool A/x A/R
      5 end inner A/R
      6 end harness A/H`,
    evicted: ["8 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "harness run of a session",
    rule: "a harness run and the run in it are of one session, so what overlaps in either holds",
    lines: `
      0 start harness A/H s=S
      0.1 start inner A/R A/H s=T
      1 start tool A/x A/R
      4 start run B/R2 s=S
      5 end inner A/R
      6 end harness A/H
      10 end run B/R2`,
    evicted: ["12 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "sub-agent below its tool",
    rule: "a run below a tool holds that tool, whatever its session",
    lines: `
      0 start run A/R1 s=S
      0.5 start tool A/x A/R1
      0.6 start run A/R2 A/x s=SUB
      1 end run A/R1
      8 end run A/R2`,
    evicted: ["10 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "sub-agent two tools below",
    rule: "a run below holds every marker above it",
    lines: `
      0 start run A/R1 s=S
      0.5 start tool A/x A/R1
      0.6 start tool A/y A/x
      0.7 start run A/R2 A/y s=SUB
      1 end run A/R1
      8 end run A/R2`,
    evicted: ["10 orphaned_no_owner confirmed: A/x A/y"],
  },
  {
    name: "tool in a tool",
    rule: "open work below that is evicted at the same moment does not count",
    lines: `
      0 start run A/R1 s=S
      0.5 start tool A/x A/R1
      0.6 start tool A/y A/x
      1 end run A/R1`,
    evicted: ["3 orphaned_no_owner confirmed: A/x A/y"],
  },
  {
    name: "tool in a tool that came late",
    rule: "a marker with open work below waits for that alone, at its own deadline where that is later",
    // y is due at 2.5 + 2; x, due at 3, has y below it until then.
    lines: `
      0 start run A/R1 s=S
      0.5 start tool A/x A/R1
      0.6 start tool A/v A/R1
      1 end run A/R1
      2.5 start tool A/y A/x`,
    evicted: ["3 orphaned_no_owner confirmed: A/v", "4.5 orphaned_no_owner confirmed: A/x A/y"],
  },
  {
    name: "start after the end",
    rule: "the lateness runs from the marker's own arrival where that is later",
    lines: `
      0 start run A/R1 s=S
      5 end run A/R1
      6 start tool A/x A/R1 ts=4`,
    evicted: ["8 orphaned_no_owner confirmed: A/x"],
  },
];
