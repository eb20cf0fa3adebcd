import type { HistoryCase } from "./history-text.ts";

/** Ends of sessions, idleness, pauses, processes. */
export const endHistories: readonly HistoryCase[] = [
  {
    name: "h5-x",
    rule: "session.end comes at its own deadline even if the run ends meanwhile",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 sessionEnd session s=S
      3 end run A/R1`,
    evicted: ["4 session_ended confirmed: A/x"],
    open: 0,
  },
  {
    name: "session.end while a run is open",
    rule: "a session.end ends the runs of its session at its deadline, their real ends come late",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 sessionEnd session s=S
      9 end run A/R1`,
    evicted: ["4 session_ended confirmed: A/x"],
    states: ["3.9: active/none", "4: "],
    open: 0,
  },
  {
    name: "session.end and an end",
    rule: "what ends before the deadline has ended normally",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 sessionEnd session s=S
      3 end tool A/x`,
    evicted: [],
    open: 0,
  },
  {
    name: "session.end after the run",
    rule: "an orphan whose deadline comes earlier is evicted at that one",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      1.5 end run A/R1
      2 sessionEnd session s=S`,
    evicted: ["3.5 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "session.end with the run",
    rule: "of reasons at one moment the first of the list counts",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 end run A/R1
      2 sessionEnd session s=S`,
    evicted: ["4 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "session.end and later work",
    rule: "what began after a session.end stays, and with it what is above",
    // y began after it and stays; R1 has y below, so it stays too.
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 sessionEnd session s=S
      2.5 start tool A/y A/R1
      10 end run A/R1`,
    evicted: ["4 session_ended confirmed: A/x", "12 orphaned_no_owner confirmed: A/y"],
    open: 0,
  },
  {
    name: "session.end and a start that arrives late",
    rule: "a start that arrives after the deadline of a session.end gives its work a lateness, whatever else is decided meanwhile",
    // z waits for the sub-agent below it, whose end has the session decided again, at 10.
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      1 start tool A/z A/R1 seq=2 by=relay
      1 start run A/R2 A/z s=T seq=3 by=relay
      2 sessionEnd session s=S seq=9
      8 end run A/R2 seq=10 by=relay
      9 start tool A/x A/R1 seq=4 by=relay
      10.5 end tool A/x seq=11 by=relay`,
    evicted: ["10 session_ended confirmed: A/z"],
    open: 0,
  },
  {
    name: "session.end and a start that arrives late and never ends",
    rule: "a start that arrives after the deadline of a session.end is evicted a lateness later, though nothing else is due",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      1 start tool A/z A/R1 seq=2 by=relay
      1 start run A/R2 A/z s=T seq=3 by=relay
      2 sessionEnd session s=S seq=9
      9 start tool A/x A/R1 seq=4 by=relay`,
    evicted: ["11 session_ended confirmed: A/x"],
  },
  {
    name: "session.end by sequence",
    rule: "what began before a session.end in the sender's order goes, though it arrives after",
    lines: `
      0 start run A/R1 s=S seq=1 by=relay
      2 sessionEnd session s=S seq=4
      2.5 start tool A/x A/R1 seq=3 by=relay`,
    evicted: ["4 session_ended confirmed: A/x"],
    open: 0,
  },
  {
    name: "session.end and a sub-agent of another session",
    rule: "a tool with a run of another session below stays, and with it its run",
    lines: `
      0 start run A/R1 s=S
      0.5 start tool A/z A/R1
      0.6 start run A/R2 A/z s=SUB
      0.7 start tool A/x A/R1
      2 sessionEnd session s=S
      8 end run A/R2`,
    // At 8 nothing is below z any more: it goes, long after the deadline.
    evicted: ["4 session_ended confirmed: A/x", "10 session_ended confirmed: A/z"],
    open: 0,
  },
  {
    name: "idle",
    rule: "an idle session ends a run whose end was lost, at the moment it was idle",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 idle session s=S
      6 start run B/R2 s=S`,
    evicted: ["7 orphaned_no_owner probable: A/x"],
    open: 1,
  },
  {
    name: "idle and work that goes on",
    rule: "a run in which something started later in order is not ended by idleness",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 idle session s=S
      6 start tool A/y A/R1`,
    evicted: [],
    open: 3,
  },
  {
    name: "idle and work at the same moment",
    rule: "of idleness and a start that are equal the idleness comes first, so the run goes on",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 start tool A/y A/R1
      5 idle session s=S`,
    evicted: [],
    open: 3,
  },
  {
    name: "idle and an end that is late",
    rule: "a real end within the lateness counts instead of idleness",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 idle session s=S
      6 end run A/R1`,
    evicted: ["8 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "idle before a run",
    rule: "a run that starts later in order than idleness goes on",
    lines: `
      0 start run A/R1 s=S seq=5 by=relay
      1 start tool A/x A/R1 seq=6 by=relay
      1.5 idle session s=S seq=4`,
    evicted: [],
    open: 2,
  },
  {
    name: "idle and a sub-agent that ends",
    rule: "work that ended below a run later in order is no evidence against its idleness, for ends overtake",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/z A/R1
      2 start run A/R2 A/z s=SUB
      5 idle session s=S
      6 end run A/R2`,
    evicted: ["8 orphaned_no_owner probable: A/z"],
  },
  {
    name: "pause of an orphan",
    rule: "a pause never postpones an orphan",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      2 pause tool A/x key=1
      5 end run A/R1`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "pause of a session",
    rule: "a pause of a session holds its open runs, never markers of ended ones",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      5 end run A/R1
      5.5 start run B/R2 s=S
      6 pause session s=S key=1`,
    evicted: ["7 orphaned_no_owner confirmed: A/x"],
    states: ["8: paused/none"],
  },
  {
    name: "age while paused",
    rule: "max_age stops for what a pause names and for what is above, and begins anew after it",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      1 start tool A/y A/R1
      10 pause tool A/x key=1
      200 resume tool A/x key=1`,
    settleS: 150,
    limits: { maxAgeMs: 100_000 },
    // y is not named: it is 100 s old at 101. x and R1 begin anew at 200.
    evicted: ["101 max_age presumed: A/y", "300 max_age presumed: A/x"],
    open: 0,
  },
  {
    name: "missed heartbeats",
    rule: "a marker that promised heartbeats and missed them has an expired lease",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1 every=5
      25 start run Z/R9 s=Z p=2`,
    evicted: ["31 lease_expired probable: A/x"],
  },
  {
    name: "process gone with the run's end",
    rule: "of an orphan and a process that is gone at one moment the orphan counts",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      3 end run A/R1
      3 gone other`,
    evicted: ["5 orphaned_no_owner confirmed: A/x"],
  },
  {
    name: "process gone",
    rule: "open work of a process that reported its end is evicted after the lateness",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      3 gone other`,
    evicted: ["5 process_gone confirmed: A/x"],
    open: 0,
  },
  {
    name: "process gone and heard of again",
    rule: "work of a process that reported its end stays if its start is repeated more than a second later",
    lines: `
      0 start run A/R1 s=S
      1 start tool A/x A/R1
      3 gone other
      4.5 start tool A/x A/R1`,
    evicted: [],
    open: 2,
  },
  {
    name: "process gone and a heartbeat delivered twice",
    rule: "a repeat that was sent before the process reported its end proves nothing",
    lines: `
      0 start run A/R1 s=S by=partialLog
      1 start tool A/x A/R1 by=partialLog
      3 gone other
      4.5 start tool A/x A/R1 by=partialLog sent=2.8`,
    evicted: ["5 process_gone confirmed: A/x"],
    open: 0,
  },
  {
    name: "run evicted",
    rule: "what an evicted run held has lost it at that moment",
    // The lease of R1 ends at 30; R2 has none and x goes a lateness later.
    lines: `
      0 start run A/R1 s=S every=5
      1 start tool A/x A/R1
      25 start run Z/R9 s=Z p=2`,
    evicted: ["32 orphaned_no_owner probable: A/x"],
  },
];
