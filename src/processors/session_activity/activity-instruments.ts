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

const prefix = "openclaw.session.activity";
const kinds = kindNames.slice(1);
const markerKinds = kinds.filter((kind) => kind !== "run");

export const specs = {
  evicted: {
    name: `${prefix}.evicted`,
    kind: "counter",
    unit: "{marker}",
    description: "Tools and model calls that were given up, by reason.",
    attributes: { "openclaw.reason": evictionReasons },
  },
  evictedWork: {
    name: `${prefix}.evicted_work`,
    kind: "counter",
    unit: "{work}",
    description:
      "Work that was given up, runs included. Its tools and model calls add up to evicted.",
    attributes: { "openclaw.kind": kinds, "openclaw.reason": evictionReasons },
  },
  started: {
    name: `${prefix}.started`,
    kind: "counter",
    unit: "{work}",
    description:
      "Work seen to start. For each kind it equals ended + evicted_work + open + untracked.",
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
      "Work that was counted as started and is not followed: a limit was reached, it has neither parent nor session, or its source no longer watches it. Never reported as an orphan.",
    attributes: { "openclaw.kind": kinds },
  },
  reconciled: {
    name: `${prefix}.reconciled`,
    kind: "counter",
    unit: "{work}",
    description:
      "Evicted work whose end arrived after all. Divided by evictions: the false-eviction ratio.",
    attributes: { "openclaw.kind": kinds },
  },
  lateStarts: {
    name: `${prefix}.late_starts`,
    kind: "counter",
    unit: "{work}",
    description:
      "Starts of tools and model calls that were ignored because their run had ended, and was judged, before they arrived.",
    attributes: { "openclaw.kind": markerKinds },
  },
  signals: {
    name: `${prefix}.signals`,
    kind: "counter",
    unit: "{signal}",
    description: "Signals of work and what became of them.",
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
      "Sessions with an open run, by what they do and what blocks them; without a session reference, owner trees. blocked_tool_call is blocked by a tool, stalled by a model call or a run, any other state by none.",
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
      "What complaints of a gateway turned out to be; with the claim none, tools that are silent beside work that is not.",
    attributes: { "openclaw.verdict": verdictNames, "openclaw.claim": claimNames },
  },
  held: {
    name: `${prefix}.held`,
    kind: "up_down_counter",
    unit: "{marker}",
    description:
      "Open markers whose eviction is held back: too many would go at once, or nothing arrives at all or from their host.",
    attributes: {},
  },
  implied: {
    name: `${prefix}.implied`,
    kind: "up_down_counter",
    unit: "{work}",
    description:
      "Work that is open because something names it as its parent, and that has not arrived itself. It counts while something below it is open, and for allowed_lateness after that arrived.",
    attributes: {},
  },
  oldestAge: {
    name: `${prefix}.oldest_age`,
    kind: "gauge",
    unit: "s",
    description: "Age of the oldest open work since it arrived; 0 when none is open.",
    attributes: { "openclaw.kind": kinds },
  },
  duration: {
    name: `${prefix}.duration`,
    kind: "histogram",
    unit: "s",
    description:
      "How long work lasted; for evicted work, its age at the eviction. Work of which the times are not set, or cannot be, is left out.",
    attributes: { "openclaw.kind": kinds, "openclaw.outcome": outcomes },
  },
} as const satisfies Record<string, InstrumentSpec>;

/** The one registry of what `session_activity` publishes. */
export const activityInstruments: readonly InstrumentSpec[] = Object.values(specs);
