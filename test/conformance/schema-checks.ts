import assert from "node:assert/strict";
import type { Signal } from "../../src/otlp/payload.ts";
import { messageOf } from "./client-checks.ts";
import type { Message } from "./messages.ts";
import { reads, refusesAll, says, sends, sendsTwice, takesNothing } from "./mutants.ts";
import { refusal, success, writeOutcome } from "./outcome.ts";
import type { ClientMutant, ClientPeer, ServerMutant, ServerPeer } from "./peers.ts";
import { itemsOf, logsOf, metricsOf, spanId, spansOf, traceId } from "./telemetry.ts";
import { framed, messageIn, type WireRequest } from "./wire.ts";

// Checks of what the schema asks for.

interface ServerCheck {
  readonly check: (server: ServerPeer) => Promise<void>;
  readonly mutants: Readonly<Record<string, ServerMutant>>;
}

interface ClientCheck {
  readonly check: (client: ClientPeer) => Promise<void>;
  readonly mutants: Readonly<Record<string, ClientMutant>>;
}

/** Sends one request and returns the answer and the items that are forwarded. */
async function pass(server: ServerPeer, signal: Signal, messageOf: (mark: string) => Message) {
  const story = server.story();
  const outcome = await server.send(signal, server.request(signal, messageOf(story.mark)));
  const items = server.forwarded(story).flatMap(itemsOf);
  return { outcome, items };
}

/** Of a good and a bad span, only the good one is forwarded. */
function rejects(bad: readonly Message[]): ServerCheck {
  return {
    async check(server) {
      for (const ids of bad) {
        const { outcome, items } = await pass(server, "traces", (name) =>
          spansOf({ name }, { name, ...ids }),
        );
        assert.ok(outcome.kind === "response");
        assert.equal(outcome.partialSuccess?.rejected, 1);
        assert.equal(items.length, 1);
      }
    },
    mutants: {
      "refuses the whole request": refusesAll,
      "says that it took everything": says(() => success),
      "answers and takes nothing": async ({ transport }) =>
        writeOutcome(transport, "traces", {
          kind: "response",
          partialSuccess: { rejected: 1, errorMessage: "One span was left out." },
        }),
    },
  };
}

export const rejectsBadTraceIds = rejects([
  { traceId: "" },
  { traceId: "0".repeat(32) },
  { traceId: traceId.slice(2) },
  { traceId: `${traceId}00` },
]);

export const rejectsBadSpanIds = rejects([
  { spanId: "" },
  { spanId: "0".repeat(16) },
  { spanId: spanId.slice(2) },
  { spanId: `${spanId}00` },
]);

/** A record is forwarded without what is invalid in it. */
function keepsLogs(bad: readonly Message[], key: string): ServerCheck {
  return {
    async check(server) {
      for (const ids of bad) {
        const { outcome, items } = await pass(server, "logs", (mark) =>
          logsOf({ body: { stringValue: mark }, traceId, spanId, ...ids }),
        );
        assert.ok(outcome.kind === "response");
        assert.equal(outcome.partialSuccess?.rejected ?? 0, 0);
        assert.equal(items.length, 1);
        assert.ok(["", undefined].includes(items[0]?.[key]), `${key} is ${items[0]?.[key]}`);
      }
    },
    mutants: {
      "rejects the record": says(() => ({
        kind: "response",
        partialSuccess: { rejected: 1, errorMessage: "One record was left out." },
      })),
      "refuses the request": refusesAll,
      "takes nothing": takesNothing,
    },
  };
}

export const keepsLogsWithBadTraceIds = keepsLogs(
  [{ traceId: "" }, { traceId: traceId.slice(2) }, { traceId: `${traceId}00` }],
  "traceId",
);

export const keepsLogsWithBadSpanIds = keepsLogs(
  [{ spanId: "" }, { spanId: spanId.slice(2) }, { spanId: `${spanId}00` }],
  "spanId",
);

const allFlags = 0xffff_ffff;

/** Flags, also those that mean nothing yet, are no reason to reject a span. */
export const takesFlags: ServerCheck = {
  async check(server) {
    const { outcome, items } = await pass(server, "traces", (name) =>
      spansOf({ name, flags: allFlags, links: [{ traceId, spanId, flags: allFlags }] }),
    );
    assert.deepEqual(outcome, { kind: "response" });
    assert.deepEqual([items[0]?.flags, items[0]?.links[0].flags], [allFlags, allFlags]);
  },
  mutants: {
    "refuses unknown flags": refusesAll,
    "rejects such spans": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 1, errorMessage: "One span was left out." },
    })),
    "takes nothing": takesNothing,
  },
};

export const copiesFlags: ClientCheck = {
  async check(client) {
    const story = client.story();
    const message = spansOf({
      name: story.mark,
      flags: allFlags,
      links: [{ traceId, spanId, flags: 0x301 }],
    });
    await client.deliver(story, { message });
    const [span] = itemsOf(messageOf(client.transport, story));
    assert.deepEqual([span.flags, span.links[0].flags], [allFlags, 0x301]);
  },
  mutants: {
    "clears the bits that it does not know": sends((request) => ({
      ...request,
      message: Buffer.from(
        Buffer.from(request.message)
          .toString("latin1")
          .replace("\xff\xff\xff\xff", "\xff\x03\x00\x00")
          .replace("4294967295", "1023"),
        "latin1",
      ),
    })),
    "sends the request twice": sendsTwice,
  },
};

export const keepsUnspecifiedKind: ServerCheck = {
  async check(server) {
    const { outcome, items } = await pass(server, "traces", (name) => spansOf({ name, kind: 0 }));
    assert.deepEqual(outcome, { kind: "response" });
    assert.ok([0, undefined].includes(items[0]?.kind));
    assert.equal(items.length, 1);
  },
  mutants: { "refuses it": refusesAll, "takes nothing": takesNothing },
};

export const forwardsPointsWithoutTime: ServerCheck = {
  async check(server) {
    const { outcome, items } = await pass(server, "metrics", (name) =>
      metricsOf({ name, gauge: { dataPoints: [{ asDouble: 1 }] } }),
    );
    assert.deepEqual(outcome, { kind: "response" });
    assert.equal(items[0]?.gauge.dataPoints.length, 1);
  },
  mutants: {
    "rejects them": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 1, errorMessage: "One data point was left out." },
    })),
    "takes nothing": takesNothing,
  },
};

export const keepsMetadata: ServerCheck = {
  async check(server) {
    const metadata = [{ key: "prometheus.type", value: { stringValue: "unknown" } }];
    const { outcome, items } = await pass(server, "metrics", (name) =>
      metricsOf({ name, metadata, gauge: { dataPoints: [{ timeUnixNano: "1", asDouble: 1 }] } }),
    );
    assert.deepEqual(outcome, { kind: "response" });
    assert.deepEqual(items[0]?.metadata, metadata);
  },
  mutants: {
    "leaves it out": reads((request) => ({
      ...request,
      body: Buffer.from(
        Buffer.from(request.body).toString("latin1").replace("prometheus.type", "PROMETHEUS.TYPE"),
        "latin1",
      ),
    })),
    "takes nothing": takesNothing,
  },
};

/** Field 1000 of a message, with the text "later". */
const laterField = Buffer.concat([Buffer.from([0xc2, 0x3e, 5]), Buffer.from("later")]);

/** A request with a field that this version does not know. */
function laterRequest(server: ServerPeer, mark: string): WireRequest {
  const request = server.request("traces", spansOf({ name: mark }));
  if (server.transport === "http/json") {
    const message = JSON.parse(Buffer.from(request.body).toString());
    return { ...request, body: Buffer.from(JSON.stringify({ ...message, later: ["field"] })) };
  }
  const message = Buffer.concat([messageIn(server.transport, request), laterField]);
  return { ...request, body: server.transport === "grpc" ? framed(message) : message };
}

export const takesLaterVersions: ServerCheck = {
  async check(server) {
    const story = server.story();
    const outcome = await server.send("traces", laterRequest(server, story.mark));
    assert.deepEqual(outcome, { kind: "response" });
    const [request] = story.requests;
    assert.ok(request !== undefined);
    const isForwarded = Buffer.from(request.message).includes(laterField);
    assert.equal(isForwarded, server.transport !== "http/json");
  },
  mutants: {
    "refuses what it does not know": refusesAll,
    "rejects an item with it": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 1, errorMessage: "One span was left out." },
    })),
    "takes nothing": takesNothing,
  },
};

export const readsLaterVersions: ClientCheck = {
  async check(client) {
    const story = client.story(({ transport, signal }) => {
      const answer = writeOutcome(transport, signal, success);
      switch (transport) {
        case "http/json":
          return { ...answer, body: Buffer.from('{"later":["field"]}') };
        case "http/protobuf":
          return { ...answer, body: laterField };
        default:
          return { ...answer, body: framed(laterField) };
      }
    });
    const unread = await client.growth("otelcol_exporter_invalid_responses", async () =>
      assert.equal(await client.deliver(story), 200),
    );
    assert.equal(unread, 0);
    assert.equal(story.requests.length, 1);
  },
  mutants: {
    "takes such a response for a failure": {
      async stage(request, forward) {
        await forward(request);
        return writeOutcome(request.transport, request.signal, refusal(500, 13));
      },
    },
    "sends the request again": sendsTwice,
  },
};
