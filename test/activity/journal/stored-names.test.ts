import { expect, test } from "vitest";
import {
  anchorSchema,
  headerSchema,
  namesSchema,
  recordTypes,
  restartSchema,
  stateEndSchema,
} from "../../../src/activity/journal/journal-records.ts";
import { SignalEncoder } from "../../../src/activity/journal/signal-codec.ts";
import { claimNames, verdictNames } from "../../../src/activity/model/diagnosis.ts";
import { dialectNames, dialects } from "../../../src/activity/model/dialects.ts";
import { toStoredLimits } from "../../../src/activity/model/limits.ts";
import { reasons } from "../../../src/activity/model/reasons.ts";
import { SignalBatch, signalFlags, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { workKinds } from "../../../src/activity/model/work.ts";
import { processIdentity } from "../../../src/activity/recognition/sender-identity.ts";
import { loggedEvictionSchema } from "../../../src/processors/session_activity/logged-eviction.ts";
import { limits } from "../engine/history.ts";

// Journals contain these. A failure here means that stored journals would be misread: keep the stored name or number, or add a
// version of the journal. A new entry gets a number that was never used.
for (const [title, actual, stored] of [
  [
    "types of records",
    recordTypes,
    {
      ...{ header: 1, names: 2, state: 3, stateEnd: 4, signalsV2: 5, tick: 6, restart: 7 },
      ...{ delivered: 8, pending: 9, signals: 10, anchor: 11 },
    },
  ],
  [
    "keys of records",
    [headerSchema, namesSchema, stateEndSchema, restartSchema, anchorSchema].map(({ shape }) =>
      Object.keys(shape),
    ),
    [
      [
        ...["version", "hashKey", "refKey", "former", "instanceId", "sinceUnixMs", "limits"],
        ...["atMs", "unixMs"],
      ],
      [
        "senders",
        "toolNames",
        "channelNames",
        "forgottenTools",
        "forgottenChannels",
        "processes",
        "tools",
        "channels",
      ],
      ["told", "evictions"],
      ["atMs", "unixMs", "downtimeMs", "graceMs", "awayMs", "isIncomplete", "limits", "keys"],
      ["atMs", "unixMs", "awayMs", "pausedAtMs"],
    ],
  ],
  [
    "keys of limits",
    Object.keys(toStoredLimits(limits)),
    [
      ...["allowedLatenessMs", "maxAgeMs", "tombstoneTtlMs", "maxSessions", "maxOpenWork"],
      ...["maxTombstones", "stalledAfterMs", "longRunningAfterMs", "maxPauseMs", "stepsPerCall"],
      ...[
        "holdsAcrossProcesses",
        "boundsSearches",
        "correctsKinds",
        "presumesElsewhere",
        "tellsMarkers",
      ],
    ],
  ],
  [
    "keys of an eviction",
    Object.keys(loggedEvictionSchema.shape),
    [
      "atUnixMs",
      "reason",
      "confidence",
      "tools",
      "modelCalls",
      "oldestAgeMs",
      "toolName",
      "channel",
    ],
  ],
  [
    "the identity of a process",
    processIdentity,
    ["service.name", "host.id", "host.name", "process.pid", "service.instance.id"],
  ],
  [
    "types of signals",
    signalTypes,
    {
      ...{ start: 0, end: 1, alive: 2, gone: 3, sessionStart: 4, sessionEnd: 5, pause: 6 },
      ...{ resume: 7, request: 8, answer: 9, malformed: 10, claim: 11, recovered: 12, idle: 13 },
      ...{ queued: 14, evictedBySender: 15, unwatched: 16, foreign: 17, overlong: 18 },
    },
  ],
  [
    "dialects",
    dialectNames,
    [
      ...["span", "live_span", "datadog_partial", "logfire_pending", "partial_log"],
      ...["span_state_log", "relay", "entity_event", "session_event", "pause_event"],
      ...["implied_parent", "requested_tool", "session_claim"],
    ],
  ],
  [
    "flags",
    signalFlags,
    {
      ...{ harness: 1, innerRun: 2, failed: 4, closedByRun: 8, progress: 16, openclaw: 32 },
      ...{ hasPrompt: 64, aborted: 128, countsTwoItems: 256, noOutcome: 512, detached: 1024 },
      hasOutcome: 2048,
      undecided: 4096,
    },
  ],
  ["kinds", workKinds, { other: 0, run: 1, tool: 2, modelCall: 3 }],
  [
    "reasons",
    Object.entries(reasons).map(([name, { storedId }]) => [name, storedId]),
    [
      ["orphaned_no_owner", 0],
      ["session_ended", 1],
      ["process_gone", 2],
      ["lease_expired", 3],
      ["max_age", 4],
    ],
  ],
  ["claims", claimNames, ["none", "stalled", "stuck", "long_running", "recovery"]],
  [
    "verdicts",
    [...verdictNames].sort(),
    [
      ...["progressing", "queued_only", "retrying", "silent_model_call", "silent_tool"],
      ...["stale_marker", "unknown", "waiting_for_person", "wedged_run"],
    ],
  ],
] as const) {
  test(`${title} are stored under the same names and numbers as ever`, () => {
    expect(actual).toEqual(stored);
  });
}

test("a row is stored in the same layout as ever", () => {
  const batch = new SignalBatch();
  batch.clear();
  const row = batch.add({
    ...{ type: signalTypes.claim, dialect: dialects.sessionClaim.storedId, kind: workKinds.tool },
    ...{ flags: signalFlags.hasOutcome, process: 1, serviceHost: 2, startMs: 1.5, endMs: -2 },
  });
  batch.setTrace(row, 3, 4, 5, 6);
  batch.setSpan(row, 7, 8, 9, 10);
  batch.setKey(row, 11, 12);
  for (const [at, column] of (
    [
      "name",
      "channel",
      "reportedOpen",
      "reportedCompleted",
      "seq",
      "scopeHash",
      "nameHash",
    ] as const
  ).entries()) {
    batch[column].set(row, 13 + at);
  }
  batch.intervalMs.set(row, 4);
  batch.sentMs.set(row, 0.5);
  batch.addReference(20, 21);
  const floats = { "1.5": "000000000000f83f", "-2": "00000000000000c0", "4": "0000000000001040" };
  const words = (...numbers: readonly number[]) =>
    numbers.map((number) => `${number.toString(16).padStart(2, "0")}000000`).join("");
  expect(Buffer.from(new SignalEncoder().encode(batch, 4)).toString("hex")).toBe(
    [
      `0a${floats["4"]}${words(1)}`,
      `0b0c0220ff1f${words(7, 8)}${floats["1.5"]}`,
      words(1, 2, 3, 4, 5, 6, 9, 10),
      floats["-2"],
      words(13, 14, 15, 16),
      floats["4"],
      words(17),
      "000000000000e03f",
      words(11, 12, 18, 19),
      `01${words(20, 21)}`,
    ].join(""),
  );
});
