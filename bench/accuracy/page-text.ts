/** The prose of `docs/accuracy.md`. */
export const pageText: {
  readonly introduction: string;
  readonly words: string;
  readonly limits: string;
  /** Of a scenario: why its figures are what they are. */
  readonly notes: Readonly<Record<string, readonly string[]>>;
} = {
  introduction: `A simulator makes up gateways, and so it knows what really happened: which tool never ended, which process was killed,
who waited for a person. The processor hears of that only what such a gateway would send, as OTLP requests, through a network that
delays, repeats and loses. Its evictions are then held against the truth.

A gateway has sessions with up to six turns. A turn is a harness run and the run in it; the run calls models (0.4 to 40 s, one call in
twenty fails and is tried again) and between that tools, four times in ten two to five side by side. Tools take 1 ms to 3 h: six in ten less than 2 s, one in
two hundred more than ten minutes. One tool in a hundred never ends; its run goes on after 2 to 120 s. One tool in 25 starts a sub-agent with a
session of its own, which in four of ten cases outlives it. One turn in 25 has another turn inside. In a quarter of all turns a tool or model call
ends up to 50 ms after its run, as in OpenClaw. One turn in twenty is tried again at once, before the markers of the last one are gone.

All but \`relay-http\` run in the processor's own code on a clock of their own: twelve hours of turns and thirteen more, in which what nobody ever
told of reaches \`max_age\`. The relay speaks in the bytes of the real plugin's encoder. Of the processes that send spans half name the session, of these half on every
span and half on runs only; the others are OpenClaw's, which name none.

Faults, where a scenario has them: one request in ten takes up to 8 s, each its own, so that they overtake each other; 1 % fail and are sent again; 1 % arrive
twice; clocks of hosts are wrong by up to 10 minutes; processes live for two hours on average, and half of them are killed; exporters begin anew every three
hours and lose what waited in them; the collector is killed or stopped eight times, for up to 30 s, with its state in a journal.`,
  words: `- A **marker** is a tool or a model call. An **orphan** is one that never ends though its run has, or whose process was killed.
- **Unknowable** is a marker of which the start or the end never reached the collector, because it was sampled away, or lost by its sender for good. It counts
  neither as right nor as wrong. What a failed request held, and a second one brought, is not.
- **Orphans** are those that can be known. One whose gateway closed its span before the lateness had passed is none.
- **Precision** is the part of all evictions that were right: of an orphan, when it was one, for the first time. **Recall** is the part of the orphans that were found. The
  **false-eviction rate** is the part of the markers that ended by themselves which were evicted.
- **Delay** is the time from when it could be known until it was told, for \`orphaned_no_owner\`: from the arrival of the last word that left the marker
  without an owner (the end of the last run of its session, its own late start) until the event. It holds the lateness of 10 s.
- **Reconciled** is what the collector itself took back or found closed later: spans of orphans that their gateway closed when it stopped, and wrong evictions.
- In every scenario nothing may be evicted whose end has arrived, and nothing be evicted or called stalled while its session waits for a person.`,
  limits: `## What this does not show

- The gateways are made up. That real ones speak as assumed is shown by the tests with real OpenClaw and with recordings of real libraries.
- A session that waits for its sub-agent, which waits for a person, may be called stalled, though nothing of it is evicted.
- Where the lateness is shorter than the delay of the slowest request, an end can come too late for it. \`late-batches\` shows the remedy; a wrong eviction is
  reconciled when the end comes.
- With fewer than 50 open markers a cut of the whole network looks like any silence: leases are held back once, for a lateness, and then
  markers are evicted that go on. They are taken back when their process is heard again.
- \`relay-http\` runs in real time, so that its figures differ a little from run to run. All others are the same for the same seed.
`,
  notes: {
    "plain-otlp": [
      `Recall is what finished spans can say. A tool that never ends has no span while its process lives: a harness run of OpenClaw counts it
as open at its end, its run or the stop of its process may close it, or a model call had asked for it. Missed are tools that a model
asked for under a name which their process had not reported before, and those counted by a harness run of which a model call ended a moment after the run: the
count is then taken to speak of that. What is found only when the gateway stops is hours late.`,
    ],
    lossy: [
      `The precision of the other faults, 0.999, is not promised here. The case: the request with the start of a run is lost for good, and below that run another one,
of a sub-agent or a turn inside the turn, has come and ended. The tools beside it stand below a run that nobody has heard of, in a trace or session of which
all known runs have ended, and had begun before those did. So do the orphans of a framework that tells of runs and tools as they start but not of the steps between them; for their sake such
tools are evicted. The end of the tool reconciles it.`,
      `Where the end of a run is lost for good its session stays owned, and its orphans are found when their process is replaced, or by \`max_age\`.`,
    ],
    "host-cut": [
      `No target, for the case can't be told from a dead host: its leases end while all others are heard. The markers are evicted after 30 s as \`lease_expired\`,
with the confidence \`probable\`, and come back as reconciled when the network does. One that was evicted, taken back, and then lost its run is evicted
a second time, which counts as wrong here.`,
    ],
    "relay-http": [
      `The same story thirty times faster. What falls due while the collector is away, and for the grace after that, waits: that is the tail of the delays.`,
    ],
  },
};
