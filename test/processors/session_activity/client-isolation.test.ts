import Long from "long";
import { describe, expect, test } from "vitest";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { MemoryStorage } from "../../activity/journal/memory-journal.ts";
import { delivered, open, requestOf } from "../../activity/journal/restarted-collector.ts";
import { noDeadline } from "../../exporters/settings.ts";

type Collector = Awaited<ReturnType<typeof open>>;

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const int = (key: string, value: number) => ({ key, value: { intValue: Long.fromNumber(value) } });
const idOf = (id: number) => Buffer.from(id.toString(16).padStart(16, "0"), "hex");

const run = { id: 1, start: 0, session: "s" };
const tool = { id: 2, parent: 1, start: 1, tool: "exec" };

/** A record of the process that `requestOf` is of, about the tool. */
function recordOf(
  eventName: string,
  attributes: readonly otlp.KeyValue.$Properties[] = [],
  {
    scope = "",
    session = "s",
    body,
  }: { readonly scope?: string; readonly session?: string; readonly body?: Uint8Array } = {},
): Payload {
  const bytes = otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: {
          attributes: [
            text("service.name", "gateway"),
            text("host.name", "box"),
            text("service.instance.id", "one"),
          ],
        },
        scopeLogs: [
          {
            scope: { name: scope },
            logRecords: [
              {
                eventName,
                timeUnixNano: Long.fromString("1796000005000000000", true),
                traceId: Buffer.concat([Buffer.alloc(8, 7), idOf(7)]),
                spanId: idOf(2),
                attributes: [text("session.id", session), ...attributes],
                ...(body === undefined ? {} : { body: { bytesValue: body } }),
              },
            ],
          },
        ],
      },
    ],
  }).finish();
  return { signal: "logs", bytes, items: 1 };
}

const relay = { scope: "openclaw-activity-relay" };

/** What a sender can do to the work of a process whose name, and whose ids, it has. */
const interventions: readonly (readonly [string, Payload])[] = [
  ["the end of the run", requestOf({ ...run, end: 5 })],
  ["the end of the tool", requestOf({ ...tool, end: 5 })],
  ["the end of the session", recordOf("session.end")],
  [
    "the next session",
    recordOf("session.start", [text("session.previous_id", "s")], { session: "next" }),
  ],
  ["the end of the process", recordOf("entity.delete", [text("entity.type", "process")])],
  [
    "an idle session",
    recordOf(
      "session.state",
      [
        text("openclaw.state", "idle"),
        text("openclaw.reason", "run_completed"),
        int("openclaw.queueDepth", 0),
      ],
      relay,
    ),
  ],
  [
    "an eviction of the gateway",
    recordOf("session.activity.evicted", [int("openclaw.evictedTools", 1)], relay),
  ],
  [
    "a preload that stops watching",
    recordOf("openclaw.activity.unwatched", [], { scope: "openclaw-activity-preload" }),
  ],
  [
    "a lease that ends",
    recordOf("", [text("partial.event", "heartbeat"), text("partial.frequency", "1s")], {
      body: requestOf(tool).bytes,
    }),
  ],
];

/** What became of a run that ends after a minute, and of its tool, which does not, when `meanwhile` arrives after five seconds. */
async function fate(
  collector: Collector,
  client: string | undefined,
  meanwhile: readonly Payload[],
  between: (collector: Collector) => Promise<Collector> = async (same) => same,
): Promise<readonly string[]> {
  const own = client === undefined ? {} : { client };
  await collector.post({ ...requestOf(run, tool), ...own });
  const next = await between(collector);
  next.clock.advance(5_000);
  for (const payload of meanwhile) {
    await next.post(payload);
  }
  next.clock.advance(55_000);
  await next.post({ ...requestOf({ ...run, end: 60 }), ...own });
  next.clock.advance(20_000);
  await delivered();
  return next.eventLines();
}

const attributes = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/log\.record\.uid=\S+/, ""));

describe("the work of an authenticated client", () => {
  for (const [what, payload] of interventions) {
    test(`is not changed by ${what} from another client, or from a sender without a name`, async () => {
      const alone = attributes(await fate(await open(undefined), "alice", []));
      expect(alone).toHaveLength(1);
      expect(alone[0]).toContain("openclaw.confidence=confirmed");
      const others = [{ ...payload, client: "bob" }, payload];
      // The other client may have work of its own under the same ids, which ends otherwise.
      const lines = attributes(await fate(await open(undefined), "alice", others));
      expect(lines).toEqual(expect.arrayContaining([...alone]));
    });
  }

  test("is not changed by all of them at once, after a restart and after a reload", async () => {
    const others = interventions.flatMap(([, payload]) => [{ ...payload, client: "bob" }, payload]);
    const alone = attributes(await fate(await open(undefined), "alice", []));
    const storage = new MemoryStorage();
    const restarted = await fate(await open(storage), "alice", others, async (old) => {
      storage.lastWrittenUnixMs = old.clock.unixMs();
      return open(storage, { seed: 9, config: { restart_grace: "0s" } });
    });
    expect(attributes(restarted)).toEqual(expect.arrayContaining([...alone]));
    const reloaded = await fate(await open(undefined), "alice", others, async (old) => {
      const heir = await open(undefined, {
        seed: 5,
        replaces: { sharesStorage: false, clock: old.clock },
      });
      heir.component.state!.takeOver(old.component.state!.handOver());
      await old.component.shutdown(noDeadline());
      return heir;
    });
    expect(attributes(reloaded)).toEqual(expect.arrayContaining([...alone]));
  });

  for (const [what, payload] of interventions) {
    test(`is changed by ${what} from the same client`, async () => {
      const alone = attributes(await fate(await open(undefined), "alice", []));
      const own = [{ ...payload, client: "alice" }];
      expect(attributes(await fate(await open(undefined), "alice", own))).not.toEqual(alone);
    });
  }

  test("of before clients had names is that of no client", async () => {
    const storage = new MemoryStorage();
    const lines = await fate(
      await open(storage),
      undefined,
      [{ ...requestOf({ ...tool, end: 5 }), client: "alice" }],
      async (old) => {
        storage.lastWrittenUnixMs = old.clock.unixMs();
        return open(storage, { seed: 9, config: { restart_grace: "0s" } });
      },
    );
    expect(lines).toHaveLength(1);
  });
});

describe("without authentication, a sender that names the process of another one is counted", () => {
  const counts = [
    "span ended",
    "span ended",
    "session_event session_ended",
    "session_event session_ended",
    "entity_event gone",
    "session_claim idle",
    "session_claim evicted",
    "live_span unwatched",
    "partial_log heartbeat",
  ];
  for (const [index, [what, payload]] of interventions.entries()) {
    const [dialect, result] = counts[index]!.split(" ");
    test(`for ${what}`, async () => {
      const collector = await open(undefined);
      await collector.post(requestOf(run, tool));
      collector.clock.advance(5_000);
      if (result === "evicted") {
        await collector.post(requestOf({ ...run, end: 4 }));
      }
      await collector.post(payload);
      const page = (await collector.wholePage()).join("\n");
      expect(page).toMatch(
        new RegExp(`signals_total\\{.*dialect="${dialect}".*result="${result}".*\\} 1`),
      );
    });
  }
});

test("the name of a client is in no event, metric, log line or file", async () => {
  const storage = new MemoryStorage();
  const collector = await open(storage);
  await fate(collector, "canary-client", []);
  storage.owner!.onSnapshotNeeded();
  collector.clock.advance(1_000);
  await delivered();
  const kept = Buffer.concat([...storage.records, ...collector.requests.map(({ bytes }) => bytes)]);
  expect(kept.toString("latin1")).not.toContain("canary-client");
  expect(JSON.stringify([collector.log, await collector.wholePage()])).not.toContain(
    "canary-client",
  );
});
