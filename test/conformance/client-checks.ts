import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { accepted, type Reply, type SeenRequest, type Story } from "./backend.ts";
import { fromProtobuf, requestTypes } from "./messages.ts";
import {
  givesUp,
  sends,
  sendsAgainAtOnce,
  sendsAgainEvery,
  sendsTwice,
  takesAllAsSuccess,
  understands,
  withHeader,
  withoutHeader,
} from "./mutants.ts";
import { codes, type Outcome, refusal, retryInfo, success, writeOutcome } from "./outcome.ts";
import { type ClientMutant, type ClientPeer, eventually } from "./peers.ts";
import { itemsOf, signals, spansOf } from "./telemetry.ts";
import { contentTypeOf, pathOf, type Transport } from "./transport.ts";
import type { WireAnswer } from "./wire.ts";

// Checks of a client that several sentences share, with the wrong clients that each of them must find out.

interface ClientCheck {
  readonly check: (client: ClientPeer) => Promise<void>;
  readonly mutants: Readonly<Record<string, ClientMutant>>;
}

const unavailable = refusal(503, codes.UNAVAILABLE);
const badData = refusal(400, codes.INVALID_ARGUMENT);

/** A story that is answered with these outcomes, and then with success. */
function answered(client: ClientPeer, ...outcomes: readonly (Outcome | "disconnect")[]): Story {
  return client.story((request, index) => replyOf(request, outcomes[index] ?? success));
}

function replyOf(request: SeenRequest, outcome: Outcome | "disconnect"): Reply {
  return outcome === "disconnect"
    ? outcome
    : writeOutcome(request.transport, request.signal, outcome);
}

/** The times between the requests of a story. */
function waits({ requests }: Story): readonly number[] {
  return requests.slice(1).map(({ atMs }, index) => atMs - requests[index]!.atMs);
}

/** What it understands as if it were another outcome. */
function takesFor(outcome: Outcome): ClientMutant {
  return {
    async stage(request, forward) {
      await forward(request);
      return replyOf(request, outcome);
    },
  };
}

/** Requests go out while earlier ones are not answered. */
export const sendsConcurrently: ClientCheck = {
  async check(client) {
    const { story, most } = counted(client, 2, 800);
    await Promise.all([client.deliver(story), client.deliver(story)]);
    assert.equal(most(), 2);
  },
  mutants: { "waits for each answer": oneAtATime() },
};

function oneAtATime(): ClientMutant {
  let last: Promise<unknown> = Promise.resolve();
  return {
    stage(request, forward) {
      const reply = last.then(() => forward(request));
      last = reply;
      return reply;
    },
  };
}

/** A story whose answers wait until `count` requests are in flight, at the most `waitMs`; and the most that were. */
function counted(client: ClientPeer, count: number, waitMs: number) {
  let inFlight = 0;
  let most = 0;
  const reached = Promise.withResolvers<void>();
  const story = client.story(async (request) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    if (inFlight >= count) {
      reached.resolve();
    }
    await Promise.race([reached.promise, wait(waitMs)]);
    inFlight -= 1;
    return accepted(request);
  });
  return { story, most: () => most };
}

/** `num_consumers` bounds the requests in flight. */
export const boundsConcurrency: ClientCheck = {
  async check(client) {
    // The answers wait for a fourth request, which must not come.
    const { story, most } = counted(client, 4, 600);
    const sent = Array.from({ length: 6 }, () =>
      client.deliver(story, { setup: "three_consumers" }),
    );
    await Promise.all(sent);
    await eventually("everything has arrived", () => story.requests.length === 6);
    assert.equal(most(), 3);
  },
  mutants: {
    "has ten consumers whatever is configured": { setup: "queued" },
  },
};

/** `max_conns_per_host` bounds the connections. */
export const boundsConnections: ClientCheck = {
  async check(client) {
    const { story, most } = counted(client, 3, 600);
    const sent = Array.from({ length: 4 }, () =>
      client.deliver(story, { setup: "two_connections" }),
    );
    await Promise.all(sent);
    assert.equal(most(), 2);
    assert.ok(new Set(story.requests.map(({ connection }) => connection)).size <= 2);
  },
  mutants: { "has no bound": { setup: "plain" } },
};

/** Requests in flight have connections of their own. */
export const usesParallelConnections: ClientCheck = {
  async check(client) {
    const { story } = counted(client, 2, 800);
    await Promise.all([client.deliver(story), client.deliver(story)]);
    assert.equal(new Set(story.requests.map(({ connection }) => connection)).size, 2);
  },
  mutants: {
    "has one connection": sends((request) => ({ ...request, connection: "the only one" })),
  },
};

/** What is not delivered is counted. */
export const countsFailures: ClientCheck = {
  async check(client) {
    for (const outcome of [badData, refusal(500, codes.INTERNAL)]) {
      const failed = await client.growth("otelcol_exporter_send_failed_spans", () =>
        client.deliver(answered(client, outcome)),
      );
      assert.equal(failed, 1);
    }
  },
  mutants: { "takes failures for success": takesAllAsSuccess },
};

/** The log says that a request failed and will be sent again. */
export const logsFailures: ClientCheck = {
  async check(client) {
    assert.equal(await client.deliver(answered(client, unavailable), { setup: "logged" }), 200);
    const lines = client.logLines("logged");
    assert.ok(lines.some((line) => line.includes("Exporting failed. Will retry the request")));
  },
  mutants: {
    "takes failures for success": takesAllAsSuccess,
    "sends again and says nothing": sendsAgainAtOnce,
  },
};

const mebibyte = 1 << 20;

/** A request over the limit is not made, and recorded as discarded. */
export const limitsRequests: ClientCheck = {
  async check(client) {
    const story = client.story();
    const message = spansOf({ name: story.mark, traceState: "x".repeat(mebibyte) });
    const discarded = await client.growth(
      "otelcol_exporter_send_failed_spans",
      async () =>
        assert.equal(await client.deliver(story, { message, setup: "small_requests" }), 500),
      "small_requests",
    );
    assert.deepEqual([story.requests.length, discarded], [0, 1]);
  },
  mutants: { "has a larger limit": { setup: "plain" } },
};

/** The limit is what is configured. */
export const hasConfigurableLimit: ClientCheck = {
  async check(client) {
    await limitsRequests.check(client);
    const story = client.story();
    const message = spansOf({ name: story.mark, traceState: "x".repeat(mebibyte) });
    assert.equal(await client.deliver(story, { message }), 200);
    assert.equal(story.requests.length, 1);
  },
  mutants: {
    "has the default limit whatever is configured": { setup: "plain" },
    "has one small limit": { setup: "small_requests" },
  },
};

/** The default limit is 64 MiB. */
export const hasDefaultLimit: ClientCheck = {
  async check(client) {
    const type = client.transport === "grpc" ? "otlp_grpc" : "otlp_http";
    const config = await client.defaultConfig();
    const [, limit] = new RegExp(`${type}:[^]*?max_request_size: (\\S+)`).exec(config) ?? [];
    assert.equal(limit, "64MiB");
  },
  mutants: {
    "has another limit": { prints: (config) => config.replaceAll("64MiB", "20MiB") },
    "has no limit": { prints: (config) => config.replaceAll(/max_request_size: .*/g, "") },
  },
};

/** An answer that is longer than any of OTLP is not read. It is an error, and the request is not sent again. */
export const limitsResponses: ClientCheck = {
  async check(client) {
    const errorMessage = "n".repeat(5 << 20);
    const story = answered(client, {
      kind: "response",
      partialSuccess: { rejected: 0, errorMessage },
    });
    const unread = await client.growth("otelcol_exporter_invalid_responses", () =>
      client.deliver(story),
    );
    assert.equal(unread, 1);
    assert.equal(story.requests.length, 1);
  },
  mutants: {
    "reads it whole": takesFor(success),
    "sends the request again": sendsTwice,
  },
};

/** Answers up to 64 KiB are read, longer ones are not. */
export const hasFixedResponseLimit: ClientCheck = {
  async check(client) {
    for (const [length, unread] of [
      [60_000, 0],
      [70_000, 1],
    ] as const) {
      const errorMessage = "n".repeat(length);
      const story = answered(client, {
        kind: "response",
        partialSuccess: { rejected: 1, errorMessage },
      });
      const grown = await client.growth("otelcol_exporter_invalid_responses", () =>
        client.deliver(story),
      );
      assert.equal(grown, unread);
    }
  },
  mutants: {
    "reads longer answers": takesFor(success),
    "reads only shorter answers": understands((reply) => ({
      ...reply,
      body: Buffer.alloc(100_000),
    })),
  },
};

/** A success is a success, whatever was rejected. */
export const keepsPartialSuccess: ClientCheck = {
  async check(client) {
    for (const signal of signals) {
      const story = answered(client, {
        kind: "response",
        partialSuccess: { rejected: 1, errorMessage: "One item is too old." },
      });
      assert.equal(await client.deliver(story, { signal }), 200);
      assert.equal(story.requests.length, 1);
    }
  },
  mutants: {
    "sends the request again": sendsTwice,
    "takes it for a failure": takesFor(unavailable),
  },
};

/** An empty `partial_success` is a full success. */
export const ignoresEmptyPartialSuccess: ClientCheck = {
  async check(client) {
    const story = answered(client, {
      kind: "response",
      partialSuccess: { rejected: 0, errorMessage: "" },
    });
    const rejected = await client.growth("otelcol_exporter_rejected_items", async () =>
      assert.equal(await client.deliver(story), 200),
    );
    assert.equal(rejected, 0);
    assert.equal(story.requests.length, 1);
  },
  mutants: {
    "takes it for a rejection": takesFor({
      kind: "response",
      partialSuccess: { rejected: 1, errorMessage: "no" },
    }),
    "sends the request again": sendsTwice,
  },
};

/** Bad data is sent once. */
export const dropsBadData: ClientCheck = {
  async check(client) {
    const story = answered(client, badData);
    assert.equal(await client.deliver(story), 500);
    assert.equal(story.requests.length, 1);
  },
  mutants: {
    "sends it again at once": sendsAgainAtOnce,
    "takes it for a failure that may pass": firstFor(unavailable),
    "takes it for success": takesAllAsSuccess,
  },
};

/** Understands the first answer as another one. */
function firstFor(outcome: Outcome): ClientMutant {
  return {
    async stage(request, forward) {
      const reply = await forward(request);
      return isRefusal(reply) ? replyOf(request, outcome) : reply;
    },
  };
}

function isRefusal(reply: Reply): boolean {
  return (
    reply === "disconnect" ||
    reply.status !== 200 ||
    (reply.trailers["grpc-status"] ?? reply.headers["grpc-status"] ?? "0") !== "0"
  );
}

/** Of data that the backend will not take, nothing stays in the queue. */
export const forgetsDroppedData: ClientCheck = {
  async check(client) {
    const story = answered(client, badData);
    const labels = { exporter: client.exporterId("queued") };
    const lost = await client.growth(
      "otelcol_exporter_send_failed_spans",
      async () => {
        assert.equal(await client.deliver(story, { setup: "queued" }), 200);
        await eventually(
          "the queue is empty",
          async () =>
            story.requests.length > 0 &&
            (await client.metrics()).sum("otelcol_exporter_queue_size", labels) === 0,
        );
      },
      "queued",
    );
    assert.deepEqual([lost, story.requests.length], [1, 1]);
  },
  mutants: {
    "sends it again": sendsAgainAtOnce,
    "keeps it for a while": firstFor(unavailable),
    "does not know that it was lost": takesAllAsSuccess,
  },
};

/** The codes, and whether a request with this answer is sent again. */
export const grpcTable = {
  CANCELLED: true,
  UNKNOWN: false,
  INVALID_ARGUMENT: false,
  DEADLINE_EXCEEDED: true,
  NOT_FOUND: false,
  ALREADY_EXISTS: false,
  PERMISSION_DENIED: false,
  UNAUTHENTICATED: false,
  RESOURCE_EXHAUSTED: false,
  FAILED_PRECONDITION: false,
  ABORTED: true,
  OUT_OF_RANGE: true,
  UNIMPLEMENTED: false,
  INTERNAL: false,
  UNAVAILABLE: true,
  DATA_LOSS: true,
} as const satisfies Partial<Record<keyof typeof codes, boolean>>;

export const followsGrpcTable: ClientCheck = {
  check: (client) =>
    assertTable(
      client,
      Object.entries(grpcTable).map(([name, isRetried]) => {
        const code = Object.entries(codes).find(([each]) => each === name)?.[1] ?? -1;
        return { name, outcome: refusal(0, code), isRetried };
      }),
    ),
  mutants: Object.fromEntries(
    Object.entries(grpcTable).map(([name, isRetried]) => {
      const code = Object.entries(codes).find(([each]) => each === name)?.[1];
      const isIt = (reply: WireAnswer) => reply.trailers["grpc-status"] === String(code);
      return mutantOf(name, isRetried, isIt);
    }),
  ),
};

const retryableStatuses = [429, 502, 503, 504];
const otherStatuses = [
  ...[
    400, 401, 403, 404, 405, 408, 409, 410, 411, 413, 414, 415, 417, 421, 422, 423, 425, 428, 431,
  ],
  ...[451, 499, 500, 501, 505, 507, 508, 511, 599],
];
/** Those that a client is most likely to take for others. */
const temptingStatuses = [400, 404, 408, 409, 413, 415, 425, 499, 500, 501, 507, 599];

export const retriesRetryableStatuses: ClientCheck = {
  check: (client) => assertTable(client, retryableStatuses.map(statusRow(true))),
  mutants: Object.fromEntries(
    retryableStatuses.map((status) =>
      mutantOf(String(status), true, (reply) => reply.status === status),
    ),
  ),
};

export const dropsOtherStatuses: ClientCheck = {
  check: (client) => assertTable(client, otherStatuses.map(statusRow(false))),
  mutants: Object.fromEntries(
    temptingStatuses.map((status) =>
      mutantOf(String(status), false, (reply) => reply.status === status),
    ),
  ),
};

export const honoursStatuses: ClientCheck = {
  check: (client) =>
    assertTable(client, [
      ...retryableStatuses.map(statusRow(true)),
      ...otherStatuses.map(statusRow(false)),
    ]),
  mutants: {
    ...Object.fromEntries([
      mutantOf("503", true, (reply) => reply.status === 503),
      mutantOf("500", false, (reply) => reply.status === 500),
    ]),
    "goes by the code in the body": understands((reply) => ({
      ...reply,
      status: reply.status === 200 ? 200 : 503,
    })),
  },
};

function statusRow(isRetried: boolean) {
  // The body says the opposite: only the status counts.
  const code = isRetried ? codes.INVALID_ARGUMENT : codes.UNAVAILABLE;
  return (status: number) => ({ name: String(status), outcome: refusal(status, code), isRetried });
}

/** A client that treats one answer the wrong way. */
function mutantOf(
  name: string,
  isRetried: boolean,
  isIt: (reply: WireAnswer) => boolean,
): readonly [string, ClientMutant] {
  const wrong = isRetried ? badData : unavailable;
  return [
    `${isRetried ? "gives up on" : "sends again after"} ${name}`,
    {
      async stage(request, forward) {
        const reply = await forward(request);
        return reply !== "disconnect" && isIt(reply) ? replyOf(request, wrong) : reply;
      },
    },
  ];
}

async function assertTable(
  client: ClientPeer,
  rows: readonly {
    readonly name: string;
    readonly outcome: Outcome;
    readonly isRetried: boolean;
  }[],
): Promise<void> {
  const facts = await Promise.all(
    rows.map(async ({ name, outcome }) => {
      const story = answered(client, outcome);
      await client.deliver(story);
      return [name, story.requests.length > 1] as const;
    }),
  );
  assert.deepEqual(
    facts,
    rows.map(({ name, isRetried }) => [name, isRetried]),
  );
}

/** `RESOURCE_EXHAUSTED` is retried with `RetryInfo` only. */
export const retriesExhaustionWithRetryInfo: ClientCheck = {
  async check(client) {
    const exhausted = refusal(0, codes.RESOURCE_EXHAUSTED);
    const without = answered(client, exhausted);
    assert.notEqual(await client.deliver(without), 200);
    assert.equal(without.requests.length, 1);
    const withInfo = answered(client, { ...exhausted, details: [retryInfo(30)] });
    assert.equal(await client.deliver(withInfo), 200);
    assert.equal(withInfo.requests.length, 2);
  },
  mutants: {
    "always sends again": sendsAgainAtOnce,
    "never sends again": givesUp,
    "does not read the details": understands(withoutDetails),
  },
};

function withoutDetails(reply: WireAnswer): WireAnswer {
  const { "grpc-status-details-bin": _, ...trailers } = reply.trailers;
  return { ...reply, trailers };
}

/** The waits between attempts grow. */
export const backsOff: ClientCheck = {
  check: (client) => assertBacksOff(client, unavailable),
  mutants: {
    "sends again at once": sendsAgainAtOnce,
    "waits for the same time again": sendsAgainEvery(20),
    "gives up": givesUp,
  },
};

/** A connection that ends without an answer is a failure that may pass. */
export const retriesAfterDisconnect: ClientCheck = {
  async check(client) {
    const story = answered(client, "disconnect");
    assert.equal(await client.deliver(story), 200);
    const [first, second] = story.requests.map(({ message }) =>
      Buffer.from(message).toString("hex"),
    );
    assert.equal(story.requests.length, 2);
    assert.equal(first, second);
  },
  mutants: {
    "gives up": givesUp,
    "sends something else": sends((request) => ({
      ...request,
      message: Buffer.concat([request.message, Buffer.from(String(performance.now()))]),
    })),
  },
};

export const backsOffAfterDisconnect: ClientCheck = {
  check: (client) => assertBacksOff(client, "disconnect"),
  mutants: {
    "connects again at once": sendsAgainAtOnce,
    "waits for the same time again": sendsAgainEvery(20),
    "gives up": givesUp,
  },
};

/** Initial interval 20 ms, multiplier 3, varied by a fifth. Timers fire a little early; a busy machine only adds to the waits. */
async function assertBacksOff(client: ClientPeer, outcome: Outcome | "disconnect"): Promise<void> {
  const story = answered(client, outcome, outcome, outcome);
  assert.equal(await client.deliver(story), 200);
  const least = [14, 45, 140];
  const found = waits(story);
  assert.equal(found.length, least.length, "the number of attempts");
  for (const [index, leastMs] of least.entries()) {
    assert.ok((found[index] ?? 0) >= leastMs, `the waits are ${found.map(Math.round).join(", ")}`);
  }
}

/** Requests that failed at the same time are not sent again at the same time. */
export const variesWaits: ClientCheck = {
  async check(client) {
    // The wait is 20 to 380 ms. That all sixteen fall within 100 ms has a probability of 10⁻⁷.
    const found = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const story = answered(client, unavailable);
        await client.deliver(story, { setup: "jitter" });
        return waits(story)[0] ?? Number.NaN;
      }),
    );
    assert.ok(Math.max(...found) - Math.min(...found) > 100, found.map(Math.round).join(", "));
  },
  mutants: {
    "waits for the same time": sendsAgainEvery(200),
    "does not wait": sendsAgainAtOnce,
  },
};

/** The wait that the server asks for is obeyed. */
export const obeysRetryDelay: ClientCheck = {
  async check(client) {
    const delayMs = 1_000;
    const story = answered(
      client,
      refusal(503, codes.UNAVAILABLE, { details: [retryInfo(delayMs)], retryAfter: "1" }),
    );
    assert.equal(await client.deliver(story, { setup: "patient" }), 200);
    assert.equal(story.requests.length, 2);
    assert.ok((waits(story)[0] ?? 0) >= delayMs - 5);
  },
  mutants: {
    "does not read it": understands((reply) =>
      withoutHeader<WireAnswer>("retry-after")(withoutDetails(reply)),
    ),
    "sends again at once": sendsAgainAtOnce,
    "gives up": givesUp,
  },
};

/** A date is a wait, too. */
export const obeysRetryDates: ClientCheck = {
  async check(client) {
    const at = Date.now() + 2_000;
    const story = answered(
      client,
      // The date has whole seconds.
      refusal(503, codes.UNAVAILABLE, { retryAfter: new Date(at).toUTCString() }),
    );
    assert.equal(await client.deliver(story, { setup: "patient" }), 200);
    assert.ok((waits(story)[0] ?? 0) >= 700);
  },
  mutants: {
    "reads numbers only": understands(withoutHeader<WireAnswer>("retry-after")),
    "sends again at once": sendsAgainAtOnce,
  },
};

/** A backend that cannot be connected to gets the data when it can. */
export const retriesConnections: ClientCheck = {
  async check(client) {
    const story = client.story();
    const delivered = client.deliver(story, { setup: "late" });
    // It is logged at once, but the next time only after ten seconds: no other check uses this setup.
    await eventually("an attempt has failed", () =>
      client.logLines("late").some((line) => line.includes("cannot be reached")),
    );
    await client.whileListening(async () => assert.equal(await delivered, 200));
    assert.equal(story.requests.length, 1);
  },
  mutants: { "gives up": { setup: "late_one_attempt" } },
};

export const keepsConnections: ClientCheck = {
  async check(client) {
    const story = client.story();
    for (let sent = 0; sent < 3; sent++) {
      await client.deliver(story, { setup: "uncompressed" });
    }
    assert.equal(new Set(story.requests.map(({ connection }) => connection)).size, 1);
  },
  mutants: { "opens a connection for each request": { setup: "no_keep_alive" } },
};

/** Each request names the type of its body. */
export const namesContentType: ClientCheck = {
  async check(client) {
    for (const signal of signals) {
      const story = client.story();
      await client.deliver(story, { signal });
      assert.equal(story.requests[0]?.headers["content-type"], contentTypeOf(client.transport));
    }
  },
  mutants: {
    "has no Content-Type": sends(withoutHeader<SeenRequest>("content-type")),
    "has another Content-Type": sends(
      withHeader<SeenRequest>("content-type", "application/protobuf"),
    ),
  },
};

/** What is compressed says so, and what is not does not. */
export const namesContentEncoding: ClientCheck = {
  async check(client) {
    for (const [setup, encoding] of [
      ["plain", "gzip"],
      ["uncompressed", undefined],
    ] as const) {
      const story = client.story();
      await client.deliver(story, { setup });
      const [request] = story.requests;
      assert.equal(request?.headers["content-encoding"], encoding);
      const isGzip = request?.body[0] === 0x1f && request.body[1] === 0x8b;
      assert.equal(isGzip, encoding === "gzip");
    }
  },
  mutants: {
    "does not say that it is compressed": sends(withoutHeader<SeenRequest>("content-encoding")),
    "always says that it is compressed": sends(withHeader<SeenRequest>("content-encoding", "gzip")),
    "compresses whatever is configured": { setup: "plain" },
  },
};

/** A client that reads only plain answers does not ask for others. */
export const asksForPlainAnswers: ClientCheck = {
  async check(client) {
    const story = client.story();
    await client.deliver(story);
    assert.equal(story.requests.length, 1);
    assert.equal(story.requests[0]?.headers["accept-encoding"], undefined);
  },
  mutants: {
    "asks for gzip, which it cannot read": sends(
      withHeader<SeenRequest>("accept-encoding", "gzip"),
    ),
  },
};

/** Each signal has its path. */
export function usesDefaultPaths(signal: (typeof signals)[number]): ClientCheck {
  return {
    async check(client) {
      const story = client.story();
      await client.deliver(story, { signal });
      const [request] = story.requests;
      assert.deepEqual(
        [request?.method, request?.path],
        ["POST", pathOf(client.transport, signal)],
      );
      if (client.transport !== "http/json") {
        const message = fromProtobuf(requestTypes[signal], request?.message ?? new Uint8Array(0));
        assert.equal(itemsOf(message).length, 1);
      }
    },
    mutants: {
      "has another path": sends((request) => ({ ...request, path: `/v2/${signal}` })),
      "has another method": sends((request) => ({ ...request, method: "PUT" })),
    },
  };
}

export const hasConfigurablePaths: ClientCheck = {
  async check(client) {
    const story = client.story();
    assert.equal(await client.deliver(story, { setup: "other_paths" }), 200);
    assert.equal(story.requests[0]?.path, "/custom/spans/traces");
  },
  mutants: { "has its default path": { setup: "plain" } },
};

/** Two backends: what one does not answer does not hold up the other. */
export const servesEachDestination: ClientCheck = {
  async check(client) {
    const at = (request: SeenRequest) => request.headers["x-destination"];
    // Nothing in the way of either takes time.
    const waitMs = 1_000;
    const stories = [1, 2, 3].map(() =>
      client.story((request) =>
        at(request) === "a"
          ? client.held(new Promise<Reply>(() => {}), accepted(request))
          : accepted(request),
      ),
    );
    for (const story of stories) {
      assert.equal(await client.deliver(story, { setup: "two_destinations" }), 200);
    }
    await eventually(
      "the second destination has everything",
      () => stories.every(({ requests }) => requests.some((request) => at(request) === "b")),
      waitMs,
    );
    await eventually(
      "the first one was asked, too",
      () => stories.every(({ requests }) => requests.some((request) => at(request) === "a")),
      waitMs,
    );
  },
  mutants: {
    "sends to one after the other": {
      stage: (request, forward) =>
        request.headers["x-destination"] === "b"
          ? Promise.resolve(accepted(request))
          : forward(request),
    },
    "sends to one of them only": sends(withHeader<SeenRequest>("x-destination", "a")),
  },
};

/** Requests without an item are not sent. */
export const sendsNoEmptyRequests: ClientCheck = {
  async check(client) {
    const story = client.story();
    const before = client.unmarked;
    const empty = { resourceSpans: [{ scopeSpans: [{ spans: [] }] }] };
    assert.equal(await client.deliver(story, { message: empty }), 200);
    assert.equal(await client.deliver(story), 200);
    assert.equal(client.unmarked, before);
    assert.ok(story.requests.every(({ message }) => message.length > 0));
    assert.equal(story.requests.length, 1);
  },
  mutants: {
    "sends an empty request": {
      async stage(request, forward) {
        await forward({ ...request, message: new Uint8Array(0) });
        return forward(request);
      },
    },
  },
};

/** The JSON of the only request of a story. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is OTLP's, and a wrong one fails the check.
export function jsonOf({ requests }: Story): any {
  assert.equal(requests.length, 1);
  return JSON.parse(Buffer.from(requests[0]?.message ?? []).toString());
}

/** Writes something else into the JSON. */
export function writesJson(pattern: RegExp | string, replacement: string): ClientMutant {
  return sends((request) => ({
    ...request,
    message: Buffer.from(Buffer.from(request.message).toString().replace(pattern, replacement)),
  }));
}

/** Over every transport: what a client with this transport reads of the data that it was given. */
export function messageOf(transport: Transport, { requests }: Story) {
  assert.equal(requests.length, 1);
  const [request] = requests;
  assert.ok(request !== undefined);
  const { message, signal } = request;
  return transport === "http/json"
    ? JSON.parse(Buffer.from(message).toString())
    : fromProtobuf(requestTypes[signal], message);
}
