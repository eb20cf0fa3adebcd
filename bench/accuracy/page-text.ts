/** The prose of `docs/accuracy.md`. */
const waitsForRestart = `What falls due while the collector is away, and in the \`restart_grace\` of 30 s after that, waits: that is the tail of the delays, and with eight
restarts a little more than one in a hundred.`;

export const pageText: {
  readonly introduction: string;
  readonly words: string;
  readonly limits: string;
  /** Of a scenario: why its figures are what they are. */
  readonly notes: Readonly<Record<string, readonly string[]>>;
} = {
  introduction: `A simulator makes up gateways, and so it knows what really happened: which tool never ended, which process was killed,
who waited for a person, what made progress. The processor receives only what such a gateway would send, as OTLP requests, through a network that
delays, repeats and loses. Its evictions, its states and its answers are then compared with the truth. The truth is computed from the made-up runs alone, by
code that shares nothing with the processor.

A gateway has sessions with up to six turns. A turn is a harness run and the run in it; the run calls models (0.4 to 40 s, one call in
twenty fails and is tried again) and between that tools, four times in ten two to five side by side. Tools take 1 ms to 3 h: six in ten less than 2 s, one in
two hundred more than ten minutes; each tool has a length of its own, and one of the two models takes four times as long as the other. One tool in a hundred never ends; its run goes on after 2 to 120 s.

- **Next turns.** One turn in ten is followed by the next within ten seconds, one in fifty by up to eight queued messages 50 ms apart, and one in fifty overlaps with the next.
- **Runs in runs.** One turn in 25 has another turn inside, half of which don't name their session. One tool in 25 starts a sub-agent, four in five with a session of their own; a third of them outlive
  their tool. Three tools in a hundred call another tool, which may go on when they have given up.
- **Silence.** One step in a hundred has a tool that takes minutes, or never ends, while others come and go beside it. Model calls stream for one to eight minutes, and one in five of those falls silent for minutes;
  calls think, and runs wait after a failure or stand still, for two to seven minutes.
- **Late ends.** In a quarter of all turns a tool or model call ends up to 50 ms after its run, as in OpenClaw.
- **What OpenClaw says of its sessions.** The relay sends that a session is idle, at its last run's end, and now and then, as real gateways do, in the middle of a run when a message that came meanwhile is done. It sends
  what the gateway complains of: silent work with and without reason, markers of turns that are over, queues, long runs; and it repeats itself.

Some scenarios have more:

- **Siblings.** Two to six processes of one service share each host. Half of them promise heartbeats. A successor starts 5 s to two minutes before its predecessor has stopped, or after it was killed; some fork.
  Of three hosts the processes of one have only their instance id to tell them apart, because each is pid 1 on the same host name; those of another have no instance id. Sessions of two processes have the same name,
  and a session ends in one of them while the other works.
- **Clocks.** Clocks of senders are stepped by a minute to five hours, drift, or begin in 1970; a time of a span is 0, a year ahead, 2^64−1, or both are in milliseconds or seconds.
- **Requests.** Models ask for tools that never run: the response is thrown away, or the call is refused, left to the client, waits for approval, or stands beside a final answer. What was requested and never ran is no
  orphan; what was cancelled while it ran is.
- **Background.** Tools go on for minutes when their run has ended.
- **Stops.** The collector is stopped for longer than the lateness, and continued. What arrives meanwhile waits in its sockets.

All but the two \`-http\` scenarios run in the processor's own code on a clock of their own: twelve hours of turns and thirteen more, in which work whose
end is never reported reaches \`max_age\`. What the relay sends is in the bytes of the real plugin's encoder. Of the processes that send spans half name the session, of these half on every
span and half on runs only; the others are OpenClaw's, which name none.

Faults, where a scenario has them: one request in ten takes up to 8 s, each its own, so that they overtake each other; 1 % fail and are sent again; 1 % arrive
twice; the end of one turn in 500 is never reported; clocks of hosts are wrong by up to 10 minutes; processes live for two hours on average, and half of them are killed; exporters begin anew every three
hours and lose what waited in them; the collector is killed or stopped eight times, for up to 30 s, with its state in a journal.`,
  words: `- A **marker** is a tool or a model call. An **orphan** is one that never ends though everything that could hold it has: its own run, the runs directly above that and below the marker, and those
  of its session that were open at the same time and made progress; or whose process was killed.
- **Unknowable** is a marker of which the start or the end never reached the collector, because it was sampled away, or lost by its sender for good. It counts
  neither as right nor as wrong. What a failed request held, and a second one brought, is not. So is the eviction of what never ends while a run beside its own still holds it of which nothing has arrived yet, or no progress;
  and of what had no holder left by all that had arrived, because a request took longer than the lateness.
- **Finished spans** can speak of an orphan that has no span in four ways: a harness run of OpenClaw counts it; its run closes it; OpenClaw closes it as it stops, or another process closes several
  together; or a model call asked for it, a call beside it ran, its process has reported a tool of that name, and its run then failed, or went on to a model call that does not show its input. What none of these says is unknowable, as is
  a refused call that looks the same. Requests and tools are known for 15 minutes after their end (\`tombstone_ttl\`).
- **Orphans** are those that can be known. One whose gateway closed its span before the lateness had passed is none.
- **Precision** is the part of all evictions that were right: of an orphan, when it was one, for the first time (or of what never ends, at its \`max_age\`). **Recall** is the part of the orphans that were found. The
  **false-eviction rate** is the part of the markers that ended by themselves which were evicted.
- **Late** is the time from when an orphan was due until its eviction was emitted, for \`orphaned_no_owner\`. It is due \`allowed_lateness\` (10 s) after the end of its last holder was delivered, or its own start.
- **States right** is the part of the sessions, at moments 17.3 s apart, of which the collector had the state, what blocks it and the verdict on each open run as they truly were. Two kinds of moments are left out:
  those **near a change**, within the lateness and the longest delay of delivery after it (their part of all is shown), and those at which what was delivered can't say what was: a wait for a person that no gateway
  reports, a stream without progress on the wire, the lost end of a run. Such are also shown below each scenario, with how often the collector said what was delivered.
- **Claims right** counts the complaints of the gateways that were answered, as they arrived, with the verdict that was true then.
- **Alerts** are evictions and reports of a stalled session; the **unknowable** ones are about what can't be known, as above.
- **Reconciled** is what the collector itself took back or found closed later: spans of orphans that their gateway closed when it stopped, and wrong evictions.
- **Confirmed** may only be called what was reported: the ends of all holders, of the session, or of the process. What follows from silence, or from the birth of another process, is \`probable\` or \`presumed\`. In every scenario no eviction
  may say more than that.
- In every scenario nothing may be evicted whose end has arrived, and nothing be evicted or called stalled while it waits for a person.`,
  limits: `## What this does not show

- The gateways are made up. That real ones speak as assumed is shown by the tests with real OpenClaw and with recordings of real libraries.
- States are read from the processor itself, once a process has reported what is open; finished spans and the real process are not asked.
- Where the lateness is shorter than the delay of the slowest request, an end can come too late for it. \`late-batches\` shows the remedy; a wrong eviction is
  reconciled when the end comes.
- With fewer than 50 open markers a cut of the whole network looks like any silence: leases are held back once, for a lateness, and then
  markers are evicted that go on. They are taken back when their process is heard again.
- Two live processes without instance ids but with equal host names and pids are one to the collector, and were not made up.
- The \`-http\` scenarios run in real time, so that their figures differ a little from run to run. All others are the same for the same seed.
`,
  notes: {
    "relay-faults": [waitsForRestart],
    "live-faults": [waitsForRestart],
    "partial-logs-faults": [waitsForRestart],
    "plain-otlp": [
      `A tool that never ends has no span while its process lives. Tools that a model asked for under a name which their process had not reported before are unknowable, and so is every
second one that a harness run counts as open: a command is two items. What is found only when the gateway stops is hours late.`,
    ],
    lossy: [
      `The precision of the other faults, 0.999, is not promised here. The case: the request with the start of a run is lost for good, and below that run another one,
of a sub-agent or a turn inside the turn, has come and ended. The tools beside it stand below a run of which nothing has arrived, in a trace or session of which
all known runs have ended, and had begun before those did. So do the orphans of a framework that tells of runs and tools as they start but not of the steps between them; for their sake such
tools are evicted. The end of the tool reconciles it.`,
      `Where the end of a run is lost for good its session stays owned, and its orphans are found when their process is replaced, or by \`max_age\`.`,
    ],
    "host-cut": [
      `No target, for a host that is cut off for four minutes looks like one that died: only the network between could tell. Evictions wait for one more \`allowed_lateness\` when a whole host
falls silent, so cuts of up to 40 s (a lease of 30 s and a lateness of 10 s) evict nothing. After that all that is open on the host is evicted as \`lease_expired\` with the confidence
\`probable\`, and comes back as reconciled when the network does: the precision is what the host's open work is among all that was evicted in the hour.`,
    ],
    "next-turn-plain": [
      `A finished span comes when its run is over. A run that overlaps with the one before it holds that one's orphans, but it is not known until it ends: they are evicted
while it goes on, which counts as unknowable.`,
    ],
    "next-turn-live": [
      `Where the end of a run is lost, and no report that the session is idle stands for it, the run stays open until its process is replaced. Its own orphans are found then, or by \`max_age\`; those of the turns after it are held
only until it has been silent for two minutes.`,
    ],
    "streaming-live": [
      `Where only starts and ends are reported, a stream looks like silence. The alerts of that are the unknowable ones.`,
    ],
    approvals: [
      `A wait that no interface of the gateway exposes is a silent tool to the collector, and is reported as that: these are the unknowable alerts.`,
    ],
    siblings: [
      `A process that is killed without having promised heartbeats looks like one with a long tool: what it leaves is found by \`max_age\`, here four hours. So does a fork, whose parent lives on.`,
    ],
    "siblings-plain": [`Nothing is found of what a killed process leaves: it has no span.`],
    requests: [
      `A call that was refused at once in the same response as one that never ended, in a run that was broken off before it called the model again, looks the same. Its eviction counts as unknowable.`,
    ],
    "clock-steps-plain": [
      `What a stop closes is known only where the clock says so at both ends: one that was set meanwhile makes a late end look like an early one, or like none. Some of what the truth
counts as known is missed, where two tools that a stop closes belong to runs before and after such a step.`,
    ],
    "late-exports": [
      `An end that takes longer than the lateness comes too late for it, whoever waits. The marker is evicted, and reconciled when its end arrives: these evictions are the unknowable ones.`,
    ],
    "own-pauses": [
      `What is due while the collector is stopped waits until it goes on, which is the tail of the delays.`,
    ],
    "relay-http": [
      `The same story thirty times faster. What falls due while the collector is away, and for the grace after that, waits: that is the tail of the delays.`,
    ],
  },
};
