import type { HistoryCase } from "./history-text.ts";

/** How a session comes to stall and recovers, waits for a person, and runs long. */
export const changeHistories: readonly HistoryCase[] = [
  {
    name: "approval",
    rule: "a session all of whose deepest work waits for a person is paused; the end of the wait is progress",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 pause tool A/x key=1
      250 resume tool A/x key=1`,
    settleS: 130,
    states: [
      "3: paused/none",
      "200: paused/none",
      "251: active/none",
      "370: blocked_tool_call/tool",
    ],
    changes: ["370 blocked_tool_call tool silent_tool A/x 120"],
    diagnosed: [],
  },
  {
    name: "approval beside a hung tool",
    rule: "a tool that waits for a person is passed over",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 pause tool A/x key=1
      3 start tool A/y A/R1`,
    settleS: 130,
    states: ["123: blocked_tool_call/tool"],
    changes: ["123 blocked_tool_call tool silent_tool A/y 120"],
    diagnosed: [],
  },
  {
    name: "approval that ends with its tool",
    rule: "a pause ends with what it names",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 pause tool A/x key=1
      10 end tool A/x
      11 start tool A/y A/R1`,
    settleS: 130,
    states: ["5: paused/none", "12: active/none", "131: blocked_tool_call/tool"],
  },
  {
    name: "session-level pause",
    rule: "a session-level pause is one of the runs that were open when it began",
    lines: `
      0 start run A/R1 s=S
      2 pause session s=S key=1
      5 start run B/R2 s=S`,
    settleS: 130,
    states: ["3: paused/none", "6: active/none", "125: stalled/run"],
    changes: ["125 stalled run wedged_run"],
  },
  {
    name: "pause of a sub-agent",
    rule: "what is above work that waits for a person waits",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/z A/R1
      2 start run A/R2 A/z s=SUB
      3 start tool A/w A/R2
      4 pause tool A/w key=1`,
    settleS: 200,
    states: ["150: paused/none, paused/none"],
    changes: [],
  },
  {
    name: "no open run any more",
    rule: "a session that was stalled has recovered when its last run ends",
    lines: `
      0 start run A/R1 s=S
      130 end run A/R1`,
    states: ["125: stalled/run", "131: "],
    changes: ["120 stalled run wedged_run", "130 recovered progress"],
  },
  {
    name: "recovered by progress",
    rule: "progress ends a stall",
    lines: `
      0 start run A/R1 s=S
      1 start model A/m A/R1
      130 progress run A/R1`,
    settleS: 130,
    changes: [
      "121 stalled model_call silent_model_call A/m 120",
      "130 recovered progress",
      "250 stalled model_call silent_model_call A/m 120",
    ],
  },
  {
    name: "recovered by eviction",
    rule: "a stall ends as evicted when what was silent was evicted",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      200 sessionEnd session s=S`,
    changes: ["121 blocked_tool_call tool silent_tool A/x 120", "202 recovered evicted"],
    evicted: ["202 session_ended confirmed: A/x"],
  },
  {
    name: "another culprit",
    rule: "a stall is reported again when what blocks changes",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 every=60
      1 start model A/m A/R1
      170 start run Z/R9 s=Z p=2`,
    evicted: ["181 lease_expired probable: A/x"],
    changes: [
      "121 blocked_tool_call tool silent_tool A/x 120",
      "181 stalled model_call silent_model_call A/m 180",
    ],
  },
  {
    name: "long running without a break",
    rule: "a session is long_running when it has had an open run without a break",
    lines: `
      0 start run A/R1 s=S
      90 start run B/R2 s=S
      100 end run A/R1
      190 start run C/R3 s=S
      200 end run B/R2
      290 progress run C/R3
      310 end run C/R3
      311 start run D/R4 s=S`,
    settleS: 10,
    states: ["299: active/none", "300: long_running/none", "310.5: ", "312: active/none"],
  },
];
