import { outcomes } from "../../activity/engine/store/activity-counters.ts";
import {
  blockedByNames,
  claimNames,
  sessionStateNames,
  verdictNames,
} from "../../activity/model/diagnosis.ts";
import { dialectNames, signalResults } from "../../activity/model/dialects.ts";
import { evictionReasons } from "../../activity/model/reasons.ts";
import { kindNames } from "../../activity/model/work.ts";
import type { InstrumentSpec } from "../../metrics/instrument.ts";
import { dropReasons } from "./outbox.ts";

const prefix = "openclaw.session.activity";
const kinds = kindNames.slice(1);
const markerKinds = kinds.filter((kind) => kind !== "run");

/** The instruments by name. docs/metrics.md is generated from them. */
export const specs = {
  evicted: {
    name: `${prefix}.evicted`,
    kind: "counter",
    unit: "{marker}",
    description: "Evicted tools and model calls, by reason.",
    attributes: { "openclaw.reason": evictionReasons },
  },
  evictedWork: {
    name: `${prefix}.evicted_work`,
    kind: "counter",
    unit: "{work}",
    description: "Evicted work, runs included. Its tools and model calls add up to evicted.",
    attributes: { "openclaw.kind": kinds, "openclaw.reason": evictionReasons },
  },
  started: {
    name: `${prefix}.started`,
    kind: "counter",
    unit: "{work}",
    description:
      "Work whose start the collector saw. A tool or model call that arrives finished is counted here and in ended up to one allowed_lateness after it arrived, when it is decided whether it ended by itself. For each kind, started and what was corrected to it = ended + evicted_work + open + untracked and what was corrected from it.",
    attributes: { "openclaw.kind": kinds },
  },
  ended: {
    name: `${prefix}.ended`,
    kind: "counter",
    unit: "{work}",
    description: "Work whose sender reported its end before it was evicted.",
    attributes: { "openclaw.kind": kinds },
  },
  untracked: {
    name: `${prefix}.untracked`,
    kind: "counter",
    unit: "{work}",
    description:
      "Work that was counted as started but is not tracked: a limit was reached, the work has neither parent nor session, or its source no longer watches it, or it was open in a stored state of which the end is missing. It is never reported as an orphan. Of work that was never tracked nothing is remembered, so its end counts as work that arrives finished: started and ended once more.",
    attributes: { "openclaw.kind": kinds },
  },
  reconciled: {
    name: `${prefix}.reconciled`,
    kind: "counter",
    unit: "{work}",
    description:
      "Evicted work whose end arrived after all, or that turned out to go on. Divided by evicted_work, it is the false-eviction ratio.",
    attributes: { "openclaw.kind": kinds },
  },
  corrected: {
    name: `${prefix}.corrected`,
    kind: "counter",
    unit: "{work}",
    description:
      "Work that turned out to be of another kind than it was counted as when it started; none: it is no work. Started, plus corrected to a kind, minus corrected from it, is ended plus evicted plus open plus untracked.",
    attributes: { "openclaw.from": kinds, "openclaw.to": [...kinds, "none"] },
  },
  lateStarts: {
    name: `${prefix}.late_starts`,
    kind: "counter",
    unit: "{work}",
    description:
      "Starts of tools and model calls that were ignored because they arrived after their run had ended and allowed_lateness had passed.",
    attributes: { "openclaw.kind": markerKinds },
  },
  signals: {
    name: `${prefix}.signals`,
    kind: "counter",
    unit: "{signal}",
    description: "Signals about work, by source format (dialect) and result.",
    attributes: {
      "openclaw.dialect": dialectNames,
      "openclaw.result": signalResults,
    },
  },
  open: {
    name: `${prefix}.open`,
    kind: "up_down_counter",
    unit: "{work}",
    description: "Work that is open now.",
    attributes: { "openclaw.kind": kinds },
  },
  sessions: {
    name: `${prefix}.sessions`,
    kind: "up_down_counter",
    unit: "{session}",
    description:
      "Sessions with an open run, by state and by what blocks them. Runs without a session reference count as one session per tree of runs. A session in the state blocked_tool_call is blocked by a tool, one in the state stalled by a model call or a run, any other by none.",
    attributes: {
      "openclaw.state": sessionStateNames,
      "openclaw.blocked_by": blockedByNames,
    },
  },
  diagnosed: {
    name: "openclaw.session.diagnosed",
    kind: "counter",
    unit: "{diagnosis}",
    description:
      "Verdicts on complaints (claims) of a gateway about its sessions. The claim none counts silent tools whose run makes progress otherwise.",
    attributes: { "openclaw.verdict": verdictNames, "openclaw.claim": claimNames },
  },
  held: {
    name: `${prefix}.held`,
    kind: "up_down_counter",
    unit: "{marker}",
    description:
      "Open markers whose eviction is held back, because too many are due at once or because nothing arrives, at all or from their host.",
    attributes: {},
  },
  implied: {
    name: `${prefix}.implied`,
    kind: "up_down_counter",
    unit: "{work}",
    description:
      "Parents that have not arrived, but are open because other work names them. A parent counts while work below it is open, and for allowed_lateness after that work arrived.",
    attributes: {},
  },
  oldestAge: {
    name: `${prefix}.oldest_age`,
    kind: "gauge",
    unit: "s",
    description: "Age of the oldest open work since its start arrived; 0 if none is open.",
    attributes: { "openclaw.kind": kinds },
  },
  unrecognizedServices: {
    name: `${prefix}.unrecognized_services`,
    kind: "up_down_counter",
    unit: "{service}",
    description:
      "Services of which 100 spans have arrived since the start of this process, and no work: services without agents, or with a framework that no rule knows. Of the 256 services that came last.",
    attributes: {},
  },
  eventsPending: {
    name: `${prefix}.events.pending`,
    kind: "up_down_counter",
    unit: "{event}",
    description:
      "Events that are emitted, but that not every exporter of their pipeline has delivered yet.",
    attributes: {},
  },
  eventsDropped: {
    name: `${prefix}.events.dropped`,
    kind: "counter",
    unit: "{event}",
    description:
      "Events that were dropped since the start of this process: outbox_full, too many wait for delivery; refused, a backend will never take them; shutdown, the collector stopped without storage.",
    attributes: { "openclaw.reason": dropReasons },
  },
  duration: {
    name: `${prefix}.duration`,
    kind: "histogram",
    unit: "s",
    description:
      "Duration of work; for evicted work, its age at the eviction. Work with missing or impossible times is not observed.",
    attributes: { "openclaw.kind": kinds, "openclaw.outcome": outcomes },
  },
} as const satisfies Record<string, InstrumentSpec>;

/** All instruments of `session_activity`. */
export const activityInstruments: readonly InstrumentSpec[] = Object.values(specs);
