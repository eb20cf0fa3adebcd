import type { HistoryCase } from "./history-text.ts";

const streaming = (untilS: number, everyS: number): string =>
  Array.from(
    { length: Math.floor(untilS / everyS) },
    (_, beat) => `${(beat + 1) * everyS} progress run A/R1 s=S`,
  ).join("\n");

/** Verdicts, states, and what blocks. `stalled_after` is 2 min, `long_running_after` 5 min. */
export const stateHistories: readonly HistoryCase[] = [
  {
    name: "streaming",
    rule: "a repeat marked as progress is progress of the run and its open model call",
    lines: `
      0 start run A/R1 s=S
      1 start model A/m A/R1
      ${streaming(300, 30)}`,
    settleS: 150,
    states: [
      "200: active/none",
      "305: long_running/none",
      "419: long_running/none",
      "420: stalled/model_call",
    ],
    changes: ["420 stalled model_call silent_model_call A/m 120"],
    diagnosed: [],
  },
  {
    name: "heartbeats",
    rule: "heartbeats of a hung model call are no progress",
    lines: `
      0 start run A/R1 s=S
      1 start model A/m A/R1
      60 start model A/m A/R1
      100 start run A/R1 s=S`,
    settleS: 50,
    states: ["120.9: active/none", "121: stalled/model_call"],
    changes: ["121 stalled model_call silent_model_call A/m 120"],
  },
  {
    name: "silent tool beside busy siblings",
    rule: "a tool that is silent beside others that are not is diagnosed once and changes no state",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      60 start tool A/y A/R1
      110 end tool A/y
      130 start tool A/v A/R1
      180 end tool A/v`,
    settleS: 60,
    states: ["122: active/none", "200: active/none"],
    changes: [],
    diagnosed: ["121 none silent_tool A/x"],
  },
  {
    name: "silent tool that makes progress",
    rule: "progress of a silent tool re-arms its diagnosis; progress of its run does not reach it",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      60 progress run A/R1 s=S
      150 progress tool A/x A/R1
      200 progress run A/R1 s=S
      260 progress run A/R1 s=S`,
    settleS: 30,
    changes: [],
    diagnosed: ["121 none silent_tool A/x", "270 none silent_tool A/x"],
  },
  {
    name: "tool before model call",
    rule: "a silent tool decides before a silent model call, the one silent for longest",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 start model A/m A/R1
      3 start tool A/y A/R1`,
    settleS: 130,
    states: ["122.9: active/none", "123: blocked_tool_call/tool"],
    changes: ["123 blocked_tool_call tool silent_tool A/x 122"],
    // x is silent first, but nothing in its run goes on for longer than the lateness: they hang together.
    diagnosed: [],
  },
  {
    name: "sub-agent that makes progress",
    rule: "a run whose sub-agent makes progress makes progress, and its tool is no leaf",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/z A/R1
      2 start run A/R2 A/z s=SUB
      100 start tool A/w A/R2
      150 end tool A/w`,
    settleS: 100,
    states: ["200: active/none, active/none"],
    changes: [],
    diagnosed: [],
  },
  {
    name: "sub-agent that hangs",
    rule: "where only a run of a sub-agent is open below, its verdict is that of the run above too",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/z A/R1
      2 start run A/R2 A/z s=SUB`,
    settleS: 130,
    states: ["130: stalled/run, stalled/run"],
    changes: ["122 stalled run wedged_run", "122 stalled run wedged_run"],
    diagnosed: [],
  },
  {
    name: "sub-agent that retries",
    rule: "where only a run of a sub-agent is open below, the deepest silent run decides what it does",
    lines: `
      0 start run A/R1 s=S
      1 start model A/m A/R1
      2 end model A/m
      3 start tool A/z A/R1
      4 start run A/R2 A/z s=SUB
      5 start model A/n A/R2
      6 end model A/n failed`,
    settleS: 130,
    changes: ["126 stalled run retrying", "126 stalled run retrying"],
    diagnosed: [],
  },
  {
    name: "sub-agent with a hung tool beside progress",
    rule: "a tool is diagnosed beside others of its own run only: one of a silent sub-agent blocks that",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/z A/R1
      2 start run A/R2 A/z s=SUB
      3 start tool A/w A/R2
      100 start tool A/v A/R1`,
    settleS: 50,
    states: ["130: active/none, blocked_tool_call/tool"],
    changes: ["123 blocked_tool_call tool silent_tool A/w 120"],
    diagnosed: [],
  },
  {
    name: "sub-agent with a hung tool",
    rule: "a silent tool of a sub-agent blocks the sessions above too",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/z A/R1
      2 start run A/R2 A/z s=SUB
      3 start tool A/w A/R2`,
    settleS: 130,
    states: ["130: blocked_tool_call/tool, blocked_tool_call/tool"],
  },
  {
    name: "sub-agent without a session",
    rule: "a run without a session is in the session of the run above, across a tool too",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/z A/R1
      2 start run A/R2 A/z`,
    settleS: 130,
    states: ["10: active/none", "130: stalled/run"],
    changes: ["122 stalled run wedged_run"],
  },
  {
    name: "retrying",
    rule: "a silent run with nothing open whose last model call failed is retrying",
    lines: `
      0 start run A/R1 s=S
      1 start model A/m A/R1
      2 end model A/m
      3 start model A/n A/R1
      4 end model A/n failed`,
    settleS: 130,
    states: ["130: stalled/run"],
    changes: ["124 stalled run retrying"],
  },
  {
    name: "wedged",
    rule: "a silent run with nothing open whose last model call went well is wedged",
    lines: `
      0 start run A/R1 s=S
      1 start model A/m A/R1
      2 end model A/m failed
      3 start model A/n A/R1
      4 end model A/n`,
    settleS: 130,
    changes: ["124 stalled run wedged_run"],
  },
  {
    name: "two runs",
    rule: "a run that makes progress makes its session active, however silent another one is",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 start run B/R2 s=S
      100 progress run B/R2 s=S`,
    settleS: 130,
    // At 121 R1 is silent, so x is no tool beside others of its run that are not.
    states: ["130: active/none", "220: blocked_tool_call/tool"],
    changes: ["220 blocked_tool_call tool silent_tool A/x 219"],
    diagnosed: [],
  },
  {
    name: "no open run",
    rule: "a session without an open run is in no state",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1`,
    states: ["4: active/none", "5.5: ", "8: "],
    changes: [],
  },
  {
    name: "own tool of an ended run below an open one",
    rule: "a marker whose own run has ended never decides a state",
    // The own run of x has ended at 4, the last progress: of what is open below R1 only m decides.
    lines: `
      0 start run A/R1 s=S
      1 start model A/m A/R1
      2 start run A/R2 A/R1
      3 start tool A/x A/R2
      4 end run A/R2`,
    settleS: 130,
    states: ["124: stalled/model_call"],
    changes: ["124 stalled model_call silent_model_call A/m 123"],
    diagnosed: [],
  },
];
