/** The prose of `docs/accuracy.md`. */
const waitsForRestart = `Evictions that are due while the collector is away, and during the \`restart_grace\` of 30 s after that, wait. They are the tail of the delays: with eight
restarts, a little more than one in a hundred.`;

export const pageText: {
  readonly introduction: string;
  readonly words: string;
  readonly limits: string;
  /** Per scenario: the reasons for its figures. */
  readonly notes: Readonly<Record<string, readonly string[]>>;
} = {
  introduction: `This page measures how often the collector is right. A simulator invents gateways, so it knows what really happened: which tool never ended, which process was killed,
who waited for a person, what made progress. The processor receives only what such a gateway would send, as OTLP requests, through a network that
delays, repeats and loses requests. The page compares its evictions, states and verdicts with the truth. The truth is computed only from the invented runs, by
code that shares nothing with the processor.

A gateway has sessions with up to six turns. A turn is a harness run and the run in it. The run calls models (0.4 to 40 s; one call in
twenty fails and is retried) and, between these calls, tools; four times in ten it calls two to five tools in parallel. Tools take 1 ms to 3 h: six in ten less than 2 s, one in
two hundred more than ten minutes. Each tool has its own typical duration, and one of the two models takes four times as long as the other. One tool in a hundred never ends; its run goes on after 2 to 120 s.

- **Next turns.** One turn in ten is followed by the next within ten seconds, one in fifty by up to eight queued messages 50 ms apart, and one in fifty overlaps with the next.
- **Runs in runs.** One turn in 25 contains another turn; half of these inner turns do not name their session. One tool in 25 starts a sub-agent; four in five sub-agents have a session of their own, and a third of them outlive
  their tool. Three tools in a hundred call another tool, which may go on after its caller has given up.
- **Silence.** In one step of a hundred, a tool takes minutes or never ends while parallel tools come and go. Model calls stream for one to eight minutes, and one in five of those falls silent for minutes;
  calls think, and runs wait after a failure or stand still, for two to seven minutes.
- **Late ends.** In a quarter of all turns a tool or model call ends up to 50 ms after its run, as in OpenClaw.
- **OpenClaw's reports about its sessions.** The relay reports a session as idle at the end of its last run, and sometimes, as real gateways do, in the middle of a run, when a message that arrived meanwhile is done. It sends
  the gateway's complaints: silent work with and without cause, markers of turns that are over, queues, long runs. It also sends repeats.

Some scenarios add more:

- **Siblings.** Two to six processes of one service share each host. Half of them promise heartbeats. A successor starts 5 s to two minutes before its predecessor has stopped, or after it was killed; some processes fork.
  Of three hosts, one has processes that only their instance id distinguishes, because each is pid 1 on the same host name; another has processes without instance ids. Some sessions of two processes have the same name,
  and one of them ends while the other is still working.
- **Clocks.** Clocks of senders are stepped by a minute to five hours, drift, or begin in 1970. Some spans have a time that is 0, a year ahead, or 2^64−1, or both times in milliseconds or seconds.
- **Requests.** Models request tools that never run: the response is discarded, or the call is refused, left to the client, waiting for approval, or part of a final answer. A requested tool that never ran is not an
  orphan; a tool that was cancelled while it ran is one.
- **Background.** Tools go on for minutes after their run has ended.
- **Stops.** The collector is stopped for longer than the lateness, and then continued. Requests that arrive meanwhile wait in its sockets.

All scenarios but the two \`-http\` ones run the processor's code on a simulated clock: twelve hours of turns, and then thirteen hours in which work whose
end is never reported reaches \`max_age\`. The real plugin's encoder produces the bytes of the relay. Of the processes that send spans, half name the session: half of these on every
span and half on runs only. The others are OpenClaw processes, which name no session.

Faults, in scenarios that have them: one request in ten takes up to 8 s, independently, so requests overtake each other; 1 % fail and are sent again; 1 % arrive
twice; the end of one turn in 500 is never reported; clocks of hosts are wrong by up to 10 minutes; processes live for two hours on average, and half of them are killed; exporters restart every three
hours and lose their queue; the collector is killed or stopped eight times, for up to 30 s, with its state in a journal.`,
  words: `- A **marker** is a tool or a model call. An **orphan** is a marker that never ends although all its possible holders have ended: its own run, the runs directly above that run and below the marker, and the runs
  of its session that were open at the same time and made progress. A marker whose process was killed is an orphan too.
- **Unknowable** is a marker whose start or end never reached the collector, because it was sampled away or because its sender lost it permanently. It counts
  neither as right nor as wrong. Data of a failed request that a later request delivered is knowable. Two kinds of evictions are also unknowable: of a marker that never ends, while a run beside its own still holds it of which nothing, or no progress, has arrived yet;
  and of a marker that had no holder left according to everything that had arrived, because a request took longer than the lateness.
- **Finished spans** can reveal an orphan that has no span in four ways: a harness run of OpenClaw counts it; its run closes it; OpenClaw closes it when it stops, or another process closes several
  together; or a model call requested it, a parallel call ran, a requested tool of that name has arrived from its process before, and its run then failed, or went on to a model call that does not show its input. An orphan that none of these reveals is unknowable; so is
  a refused call that looks the same. Requests and tools are remembered for 15 minutes after their end (\`tombstone_ttl\`).
- **Orphans** counts the knowable orphans. A marker whose gateway closed its span before the lateness had passed is not an orphan.
- **Precision** is the share of evictions that were right: the first eviction of an orphan, made when it was one (or at \`max_age\`, for a marker that never ends). **Recall** is the share of the orphans that were found. The
  **false-eviction rate** is the share of the markers that ended by themselves but were evicted.
- **Late** is the time from the moment when an orphan was due until its eviction was emitted, for \`orphaned_no_owner\`. It is due \`allowed_lateness\` (10 s) after the end of its last holder, or its own start, was delivered.
- **States right** is the share of sessions, sampled every 17.3 s, for which the collector had the true state, the true \`blocked_by\` and the true verdict on each open run. Two kinds of samples are left out:
  those **near a change**, within the lateness and the longest delivery delay after it (the table shows their share of all samples), and those in which the delivered data cannot show the truth: a wait for a person that no gateway
  reports, a stream without progress on the wire, the lost end of a run. Each scenario below also counts both kinds, and how often the collector's answer matched the delivered data.
- **Claims right** counts the complaints of the gateways that got, when they arrived, the verdict that was true at that moment.
- **Alerts** are evictions and reports of a stalled session. The **unknowable** ones are about work that is unknowable, as above.
- **Reconciled** counts evictions that the collector itself took back or found closed later: spans of orphans that their gateway closed when it stopped, and wrong evictions.
- **Confirmed** requires that the sender reported the ends of all holders, of the session, or of the process. Conclusions from silence, or from the start of another process, must be \`probable\` or \`presumed\`. Every scenario
  checks that no eviction has a higher confidence than that.
- Every scenario also checks that no work whose end has arrived is evicted, and that no work is evicted or reported as stalled while it waits for a person.`,
  limits: `## What this does not show

- The gateways are invented. Tests with real OpenClaw, and with recordings of real libraries, show that real ones behave as assumed.
- States are read from the processor itself, once a process has reported its open work. They are not sampled for finished spans and for the real process.
- If the lateness is shorter than the delay of the slowest request, an end can arrive too late. \`late-batches\` shows the remedy. A wrong eviction is
  reconciled when the end arrives.
- With fewer than 50 open markers, a cut of the whole network looks like any silence: leases are held back once, for one lateness, and then
  markers that go on are evicted. They are tracked again when a signal of their process arrives.
- Two live processes without instance ids but with equal host names and pids are one process to the collector. The simulator does not create such processes.
- The \`-http\` scenarios run in real time, so their figures vary a little between runs. All others are the same for the same seed.
`,
  notes: {
    "relay-faults": [waitsForRestart],
    "live-faults": [waitsForRestart],
    "partial-logs-faults": [waitsForRestart],
    "plain-otlp": [
      `A tool that never ends has no span while its process lives. Tools that a model requested under a name which their process had not reported before are unknowable. So is every
second one that a harness run counts as open, because a command is two items. Orphans that are found only when the gateway stops are hours late.`,
    ],
    lossy: [
      `This scenario does not promise the precision of the other faults, 0.999. The reason is this case: the request with the start of a run is lost permanently, and another run below it,
of a sub-agent or of a turn inside the turn, has arrived and ended. The tools beside that inner run are below a run of which nothing has arrived, in a trace or session in which
all known runs have ended, and they began before those ended. Orphans look exactly the same if a framework reports the starts of runs and tools, but not of the steps between them. To find these orphans,
such tools are evicted. The end of the tool reconciles the eviction.`,
      `If the end of a run is lost permanently, its session keeps an owner. Its orphans are found when their process is replaced, or by \`max_age\`.`,
    ],
    "host-cut": [
      `There is no target, because a host that is cut off for four minutes looks like a dead one: only the network between could show the difference. Evictions wait for one more \`allowed_lateness\` when a whole host
falls silent, so cuts of up to 40 s (a lease of 30 s and a lateness of 10 s) evict nothing. After that, all open work on the host is evicted as \`lease_expired\` with the confidence
\`probable\`, and is reconciled when the network is back. The precision therefore shows the share of this host's open work in all evictions of the hour.`,
    ],
    "next-turn-plain": [
      `A finished span arrives when its run is over. A run that overlaps with the previous run holds that run's orphans, but the collector does not know of it until it ends. It evicts them
while that run is still open, which counts as unknowable.`,
    ],
    "next-turn-live": [
      `If the end of a run is lost, and no report of an idle session replaces it, the run stays open until its process is replaced. Its own orphans are found then, or by \`max_age\`. It holds the orphans of later turns
only until it has been silent for two minutes.`,
    ],
    "streaming-live": [
      `If only starts and ends are reported, a stream looks like silence. Alerts about this are the unknowable ones.`,
    ],
    approvals: [
      `A wait that no interface of the gateway exposes is a silent tool to the collector, and is reported as one: these are the unknowable alerts.`,
    ],
    siblings: [
      `A killed process that had not promised heartbeats looks like a process with a long tool: its open work is found by \`max_age\`, here four hours. A killed fork whose parent lives on looks the same.`,
    ],
    "siblings-plain": [`The open work of a killed process is never found, because it has no span.`],
    requests: [
      `Two calls look the same if the model requested both in one response and the run was aborted before it called the model again: one that was refused at once, and one that never ended. The eviction of the refused call counts as unknowable.`,
    ],
    "clock-steps-plain": [
      `Markers that a stop closes are recognized only by the sender's clock at both ends. A clock that was set in between makes a late end look early, or like no late end. So the collector misses some orphans that the truth
counts as known: two tools that one stop closes and that belong to runs before and after such a step.`,
    ],
    "late-exports": [
      `An end that takes longer than the lateness always arrives too late. The marker is evicted, and reconciled when its end arrives: these evictions are the unknowable ones.`,
    ],
    "own-pauses": [
      `Evictions that are due while the collector is stopped wait until it continues. They are the tail of the delays.`,
    ],
    "relay-http": [
      `The same story, thirty times faster. Evictions that are due while the collector is away, and during the grace after that, wait. They are the tail of the delays.`,
    ],
  },
};
