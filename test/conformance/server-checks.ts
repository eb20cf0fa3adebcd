import assert from "node:assert/strict";
import type { Signal } from "../../src/otlp/payload.ts";
import { accepted, markPattern, type Story } from "./backend.ts";
import type { ServerSetup } from "./collector.ts";
import { fromJson, inField, type Message, requestTypes, toJson, toProtobuf } from "./messages.ts";
import {
  answers,
  configured,
  reads,
  refusesAll,
  rewrites,
  says,
  takesNothing,
  withHeader,
} from "./mutants.ts";
import {
  badRequest,
  codes,
  type Outcome,
  type Refusal,
  refusal,
  retryInfo,
  writeOutcome,
} from "./outcome.ts";
import { eventually, type ServerMutant, type ServerPeer } from "./peers.ts";
import { itemsOf, logsOf, metricsOf, oneItem, signals, spansOf } from "./telemetry.ts";
import { contentTypeOf, pathOf } from "./transport.ts";
import { framed, messageIn, requestWith, type WireAnswer, type WireRequest } from "./wire.ts";

// Checks of a server that several sentences share, with the wrong servers that each of them must find out.

interface ServerCheck {
  readonly check: (server: ServerPeer) => Promise<void>;
  readonly mutants: Readonly<Record<string, ServerMutant>>;
}

const mebibyte = 1 << 20;

/** A request of about `size` bytes, with a mark. */
function largeItem(mark: string, size: number): Message {
  return spansOf({ name: mark, traceState: "x".repeat(size) });
}

const isGzipped = ({ headers, body }: WireRequest) =>
  headers["content-encoding"] === "gzip" || (headers["grpc-encoding"] === "gzip" && body[0] === 1);

export function assertRefusal(outcome: Outcome): asserts outcome is Refusal {
  assert.equal(outcome.kind, "refusal");
}

/** Garbage in every encoding. */
function undecodable(server: ServerPeer, signal: Signal): WireRequest {
  const garbage = Buffer.from('{"resourceSpans": [');
  return requestWith(server.transport, pathOf(server.transport, signal), garbage);
}

/** A backend that has no room for now, and one that will never take the data. */
const unavailable = refusal(503, codes.UNAVAILABLE);
const broken = refusal(400, codes.INVALID_ARGUMENT);

function backendSays(server: ServerPeer, outcome: Outcome) {
  return server.story(({ signal, transport }) => writeOutcome(transport, signal, outcome));
}

export const takesCompressions: ServerCheck = {
  async check(server) {
    for (const isGzipped of [false, true]) {
      const story = server.story();
      assert.deepEqual(await server.sendItem("traces", story, { isGzipped }), { kind: "response" });
      assert.equal(story.requests.length, 1);
    }
  },
  mutants: {
    "refuses gzip": async ({ transport, request, forward }) =>
      isGzipped(request) ? writeOutcome(transport, "traces", refusal(400, 12)) : forward(request),
    "refuses what is not compressed": async ({ transport, request, forward }) =>
      isGzipped(request) ? forward(request) : writeOutcome(transport, "traces", refusal(415, 12)),
    "answers with success and takes nothing": takesNothing,
  },
};

/** What is over the limit, as sent or after decompression, is not taken. */
export const limitsRequests: ServerCheck = {
  async check(server) {
    for (const gzip of [false, true]) {
      const story = server.story();
      const request = server.request("traces", largeItem(story.mark, 2 * mebibyte), {
        isGzipped: gzip,
      });
      assertRefusal(await server.send("traces", request, "small"));
      assert.equal(story.requests.length, 0);
    }
  },
  mutants: {
    "has a larger limit": configured("defaults"),
    "has no limit after decompression": async ({ request, forward }) =>
      forward(request, isGzipped(request) ? "defaults" : "small"),
    "answers with success and takes nothing": takesNothing,
  },
};

/** The same, and a receiver with the default limit takes it. */
export const hasConfigurableLimit: ServerCheck = {
  async check(server) {
    await limitsRequests.check(server);
    const story = server.story();
    const request = server.request("traces", largeItem(story.mark, 2 * mebibyte));
    assert.equal((await server.send("traces", request)).kind, "response");
    assert.equal(story.requests.length, 1);
  },
  mutants: {
    "has the default limit whatever is configured": configured("defaults"),
    "has one small limit": configured("small"),
  },
};

/** The default limit is 20 MiB over HTTP and 4 MiB over gRPC. */
export const hasDefaultLimit: ServerCheck = {
  async check(server) {
    const limit = (server.transport === "grpc" ? 4 : 20) * mebibyte;
    const story = server.story();
    const within = server.request("traces", largeItem(story.mark, limit - 4096));
    assert.equal((await server.send("traces", within)).kind, "response");
    assert.equal(story.requests.length, 1);
    const beyond = server.request("traces", largeItem(story.mark, limit + 1), { isGzipped: true });
    assertRefusal(await server.send("traces", beyond));
    assert.equal(story.requests.length, 1);
  },
  mutants: {
    "has a smaller limit": configured("small"),
    "takes more": answers({ kind: "response" }),
  },
};

/** What is over the limit is refused with the code for it, and not for now. */
export const namesTheLimit: ServerCheck = {
  async check(server) {
    for (const gzip of [false, true]) {
      const story = server.story();
      const message = largeItem(story.mark, 2 * mebibyte);
      const request = server.request("traces", message, { isGzipped: gzip });
      const outcome = await server.send("traces", request, "small");
      assertRefusal(outcome);
      assert.equal(outcome.code, codes.RESOURCE_EXHAUSTED);
      assert.equal(outcome.status, server.transport === "grpc" ? 0 : 413);
      assert.equal(outcome.retryAfter, undefined);
      assert.deepEqual(outcome.details, []);
    }
  },
  mutants: {
    "answers as if it were bad data": refusesAll,
    "answers that it may be sent again": answers(
      refusal(503, codes.UNAVAILABLE, { retryAfter: "1" }),
    ),
    "answers RESOURCE_EXHAUSTED with RetryInfo, or 429": answers(
      refusal(429, codes.RESOURCE_EXHAUSTED, { details: [retryInfo(1000)], retryAfter: "1" }),
    ),
    "has a larger limit": configured("defaults"),
  },
};

/** Every answer carries the message of OTLP for it: the response of the signal, or a status. */
export const answersWithMessages: ServerCheck = {
  async check(server) {
    for (const signal of signals) {
      assert.deepEqual(await server.sendItem(signal, server.story()), { kind: "response" });
      assertRefusal(await server.send(signal, undecodable(server, signal)));
      const story = backendSays(server, unavailable);
      assertRefusal(await server.sendItem(signal, story));
    }
  },
  mutants: {
    "answers with text": rewrites((answer) => ({
      ...answer,
      body: Buffer.from("\0\0\0\0\u0002ok"),
    })),
    "answers every request with success": takesNothing,
    "answers every request with a refusal": refusesAll,
  },
};

/** On success the answer is the response of the signal. */
export const answersSuccess: ServerCheck = {
  async check(server) {
    for (const signal of signals) {
      const story = server.story();
      const outcome = await server.sendItem(signal, story);
      assert.equal(outcome.kind, "response");
      assert.equal(story.requests.length, 1);
    }
  },
  mutants: {
    "answers with a status": says(() => refusal(500, codes.UNKNOWN)),
    "answers with text": rewrites((answer) => ({
      ...answer,
      body: Buffer.from("\0\0\0\0\u0002ok"),
    })),
    "answers with success and takes nothing": takesNothing,
  },
};

export const leavesPartialSuccessUnset: ServerCheck = {
  async check(server) {
    for (const signal of signals) {
      assert.deepEqual(await server.sendItem(signal, server.story()), { kind: "response" });
    }
  },
  mutants: {
    "writes an empty partial_success": says((outcome) => ({
      ...outcome,
      partialSuccess: { rejected: 0, errorMessage: "" },
    })),
    "rejects an item": says((outcome) => ({
      ...outcome,
      partialSuccess: { rejected: 1, errorMessage: "no" },
    })),
  },
};

/** A request without any item is a success, with and without empty envelopes. */
export const takesEmptyRequests: ServerCheck = {
  async check(server) {
    for (const [signal, request] of emptyRequests(server)) {
      assert.deepEqual(await server.send(signal, request), { kind: "response" });
    }
  },
  mutants: {
    "refuses requests without items": refusesAll,
    "rejects an item that is not there": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 1, errorMessage: "no" },
    })),
  },
};

function emptyRequests(server: ServerPeer): readonly (readonly [Signal, WireRequest])[] {
  return [
    ["traces", server.request("traces", {})],
    ["metrics", server.request("metrics", {})],
    ["logs", server.request("logs", {})],
    ["traces", server.request("traces", { resourceSpans: [{ scopeSpans: [{ spans: [] }] }] })],
    ["metrics", server.request("metrics", { resourceMetrics: [{ scopeMetrics: [] }] })],
    ["logs", server.request("logs", { resourceLogs: [{}] })],
  ];
}

/** An empty request goes nowhere. */
export const dropsEmptyRequests: ServerCheck = {
  async check(server) {
    const before = server.unmarked;
    await takesEmptyRequests.check(server);
    assert.equal(server.unmarked, before);
  },
  mutants: {
    "forwards requests without a mark": async ({ transport, request, forward }) => {
      const plain = requestWith("http/protobuf", "/v1/traces", anonymousItem());
      await forward(
        transport === "grpc" ? requestWith("grpc", request.path, anonymousItem()) : plain,
      );
      return forward(request);
    },
  },
};

function anonymousItem(): Uint8Array {
  return toProtobuf(requestTypes.traces, oneItem("traces", "no mark"));
}

/** Of five items two are unusable. */
function partlyUsable(server: ServerPeer, signal: Signal, mark: string): WireRequest {
  const { transport } = server;
  const path = pathOf(transport, signal);
  const good = itemsOf(oneItem(signal, mark));
  if (transport === "http/json") {
    const bad = { ...good[0], ...unusable[signal] };
    return requestWith(
      transport,
      path,
      toJson(requestOf(signal, [good, bad, good, bad, good].flat())),
    );
  }
  const usable = toProtobuf(requestTypes[signal], requestOf(signal, [good, good, good].flat()));
  // A record breaks off in the middle of a text.
  const broken = Buffer.concat([
    toProtobuf(recordTypes[signal], good[0]),
    Buffer.from([0x0a, 0x7f]),
  ]);
  const scope = Buffer.concat([inField(2, broken), inField(2, broken)]);
  const message = Buffer.concat([usable, inField(1, inField(2, scope))]);
  return requestWith(transport, path, message);
}

/** What makes an item of a signal unusable in JSON. */
const unusable = {
  traces: { spanId: "" },
  metrics: { gauge: { dataPoints: [{ timeUnixNano: "1", asInt: "many" }] } },
  logs: { severityNumber: {} },
} as const satisfies Record<Signal, Message>;

const recordTypes = {
  traces: "Span",
  metrics: "Metric",
  logs: "LogRecord",
} as const satisfies Record<Signal, string>;

function requestOf(signal: Signal, items: readonly Message[]): Message {
  switch (signal) {
    case "traces":
      return spansOf(...items);
    case "metrics":
      return metricsOf(...items);
    case "logs":
      return logsOf(...items);
    default: {
      const never: never = signal;
      return never;
    }
  }
}

/** What is usable is taken, and the answer is a success. */
export const takesParts: ServerCheck = {
  async check(server) {
    for (const signal of signals) {
      const story = server.story();
      const outcome = await server.send(signal, partlyUsable(server, signal, story.mark));
      assert.equal(outcome.kind, "response");
      const [request] = server.forwarded(story);
      assert.equal(itemsOf(request).length, 3);
    }
  },
  mutants: {
    "refuses the whole request": refusesAll,
    "answers with success and takes nothing": takesNothing,
  },
};

export const countsRejected: ServerCheck = {
  async check(server) {
    for (const signal of signals) {
      const { mark } = server.story();
      const outcome = await server.send(signal, partlyUsable(server, signal, mark));
      assert.ok(outcome.kind === "response");
      assert.equal(outcome.partialSuccess?.rejected, 2, signal);
    }
  },
  mutants: {
    "leaves partial_success unset": says(() => ({ kind: "response" })),
    "rejects without a count": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 0, errorMessage: "Some spans were left out." },
    })),
    "counts all items": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 5, errorMessage: "Some spans were left out." },
    })),
    "refuses the whole request": refusesAll,
  },
};

export const explainsRejections: ServerCheck = {
  async check(server) {
    for (const signal of signals) {
      const { mark } = server.story();
      const outcome = await server.send(signal, partlyUsable(server, signal, mark));
      assert.ok(outcome.kind === "response");
      const text = outcome.partialSuccess?.errorMessage ?? "";
      assert.match(text, /^[A-Z][ -~]{20,}\.$/);
      assert.ok(!text.includes(mark), "it quotes the data");
    }
  },
  mutants: {
    "says nothing": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 2, errorMessage: "" },
    })),
    "says only that there was an error": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 2, errorMessage: "Error." },
    })),
    "quotes the data": async ({ transport, request, forward }) => {
      const [mark] = markPattern.exec(Buffer.from(request.body).toString("latin1")) ?? [];
      await forward(request);
      return writeOutcome(transport, "traces", {
        kind: "response",
        partialSuccess: { rejected: 2, errorMessage: `The spans ${mark} were left out.` },
      });
    },
  },
};

/** The longest answers that senders can provoke are short. */
export const limitsResponses: ServerCheck = {
  async check(server) {
    const { mark } = server.story();
    const spans = Array.from({ length: 5_000 }, () => ({
      name: `${mark}${"n".repeat(200)}`,
      spanId: "",
    }));
    const rejected = await server.exchange(server.request("traces", spansOf(...spans)));
    const refused = await server.exchange({
      ...undecodable(server, "traces"),
      body: framedFor(server, Buffer.alloc(2 * mebibyte, "{")),
    });
    for (const answer of [rejected, refused]) {
      assert.ok(answer.body.length + headerBytes(answer) < 4096);
    }
  },
  mutants: {
    "names every span": rewrites((answer) => ({ ...answer, body: Buffer.alloc(5 * mebibyte) })),
    "quotes the request in a header": rewrites((answer) => ({
      ...answer,
      trailers: { ...answer.trailers, "grpc-message": "n".repeat(10_000) },
      body: Buffer.alloc(10_000),
    })),
  },
};

function framedFor(server: ServerPeer, bytes: Uint8Array): Uint8Array {
  return server.transport === "grpc" ? framed(bytes) : bytes;
}

function headerBytes({ headers, trailers }: WireAnswer): number {
  return JSON.stringify([headers, trailers]).length;
}

/** While the backend has no room, the sender may send again. */
export const namesRetryable: ServerCheck = {
  async check(server) {
    for (const signal of signals) {
      const outcome = await server.sendItem(signal, backendSays(server, unavailable));
      assertRefusal(outcome);
      assert.equal(outcome.code, codes.UNAVAILABLE);
      assert.equal(outcome.status, server.transport === "grpc" ? 0 : 503);
    }
  },
  mutants: {
    "answers that it will never take the data": says(() => refusal(500, codes.INTERNAL)),
    "answers that the data is bad": refusesAll,
    "answers with success and loses the data": takesNothing,
  },
};

/** It also says when. */
export const namesRetryDelay: ServerCheck = {
  async check(server) {
    const outcome = await server.sendItem("traces", backendSays(server, unavailable));
    assertRefusal(outcome);
    const seconds = retrySeconds(server, outcome);
    assert.ok(seconds >= 1 && seconds <= 60, `The sender must wait for ${seconds} s.`);
  },
  mutants: {
    "says that it may be sent again at once": says(() => delayed(0)),
    "says that it may be sent again tomorrow": says(() => delayed(86_400)),
    "does not say when": says(() => unavailable),
  },
};

function delayed(seconds: number): Refusal {
  const details = [retryInfo(seconds * 1000)];
  return refusal(503, codes.UNAVAILABLE, { retryAfter: String(seconds), details });
}

function retrySeconds(server: ServerPeer, { retryAfter, details }: Refusal): number {
  if (server.transport !== "grpc") {
    assert.match(retryAfter ?? "none", /^\d+$/, "Retry-After");
    return Number(retryAfter);
  }
  const info = details.find(({ "@type": type }) => type.endsWith("RetryInfo"));
  assert.ok(info !== undefined, "RetryInfo");
  return Number.parseFloat(String(info["retryDelay"] ?? "0"));
}

/** A full queue refuses for now. */
export const signalsOverload: ServerCheck = {
  async check(server) {
    const story = server.story((request) => server.held(new Promise(() => {}), accepted(request)));
    const first = await server.sendItem("traces", story, { setup: "full" });
    const second = await server.sendItem("traces", story, { setup: "full" });
    const refused = [first, second].find(({ kind }) => kind === "refusal");
    assert.ok(refused !== undefined, "a request that finds no room is refused");
    assertRefusal(refused);
    assert.equal(refused.code, codes.UNAVAILABLE);
    assert.equal(refused.status, server.transport === "grpc" ? 0 : 503);
    assert.ok(retrySeconds(server, refused) >= 1);
  },
  mutants: {
    "takes everything": takesNothing,
    "answers that it will never take the data": answers(refusal(500, codes.INTERNAL)),
    "answers that the data is bad": refusesAll,
    "does not say when it may be sent again": answers(unavailable),
  },
};

/** What cannot be decoded is bad data, for good. */
export const namesBadData: ServerCheck = {
  async check(server) {
    for (const request of badRequests(server)) {
      const outcome = await server.send("traces", request);
      assertRefusal(outcome);
      assert.equal(outcome.code, codes.INVALID_ARGUMENT);
      assert.equal(outcome.status, server.transport === "grpc" ? 0 : 400);
    }
  },
  mutants: {
    "answers that it may be sent again": answers(refusal(503, codes.UNAVAILABLE)),
    "answers with an error of its own": answers(refusal(500, codes.INTERNAL)),
    "answers with success": takesNothing,
  },
};

function badRequests(server: ServerPeer): readonly WireRequest[] {
  const { transport } = server;
  const whole = server.request("traces", oneItem("traces", "cut"));
  const message = messageIn(transport, whole);
  const cut = requestWith(transport, whole.path, message.subarray(0, -3));
  return [undecodable(server, "traces"), cut];
}

/** A `BadRequest` describes what cannot be decoded. */
export const describesBadData: ServerCheck = {
  async check(server) {
    for (const request of badRequests(server)) {
      const outcome = await server.send("traces", request);
      assertRefusal(outcome);
      const [detail] = outcome.details;
      assert.ok(detail !== undefined);
      assert.equal(detail["@type"], "type.googleapis.com/google.rpc.BadRequest");
      const violations = detail["fieldViolations"];
      assert.ok(Array.isArray(violations) && violations.length > 0);
      assert.match(violations[0].description, /^[A-Z][ -~]+\.$/);
    }
  },
  mutants: {
    "has no details": says((outcome) => ({ ...outcome, details: [] })),
    "has a BadRequest without a description": says((outcome) => ({
      ...outcome,
      details: [badRequest("")],
    })),
    "has a RetryInfo instead": says((outcome) => ({ ...outcome, details: [retryInfo(1000)] })),
  },
};

/** Other failures have the codes that fit them best. */
export const usesOtherCodes: ServerCheck = {
  async check(server) {
    const isGrpc = server.transport === "grpc";
    const permanent = await server.sendItem("traces", backendSays(server, broken));
    assertRefusal(permanent);
    assert.deepEqual([permanent.status, permanent.code], [isGrpc ? 0 : 500, codes.INTERNAL]);
    const path = isGrpc ? "/unknown.Service/Export" : "/v2/traces";
    const item = server.request("traces", oneItem("traces", "lost"));
    const unknown = await server.send("traces", { ...item, path });
    assertRefusal(unknown);
    assert.deepEqual([unknown.status, unknown.code], [isGrpc ? 0 : 404, codes.UNIMPLEMENTED]);
  },
  mutants: {
    "calls everything bad data": refusesAll,
    "calls everything retryable": answers(refusal(503, codes.UNAVAILABLE)),
  },
};

/** Requests to a port are decoded by their Content-Type, and answered in it. */
export const keepsContentType: ServerCheck = {
  async check(server) {
    const outcomes = [
      await server.sendItem("traces", server.story()),
      await server.send("traces", undecodable(server, "traces")),
      await server.sendItem("traces", backendSays(server, unavailable)),
      await server.sendItem("traces", backendSays(server, broken)),
    ];
    // The type of each answer is checked where it is read.
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["response", "refusal", "refusal", "refusal"],
    );
  },
  mutants: {
    "answers in the other encoding": rewrites((answer, transport) =>
      withHeader<WireAnswer>(
        "content-type",
        contentTypeOf(transport === "http/json" ? "http/protobuf" : "http/json"),
      )(answer),
    ),
    "answers errors with text": rewrites((answer) =>
      answer.status === 200
        ? answer
        : withHeader<WireAnswer>("content-type", "text/plain")({ ...answer }),
    ),
  },
};

/** Calls that overlap are answered as they end. */
export const servesConcurrentCalls: ServerCheck = {
  async check(server) {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const slow = server.story(async (request) => {
      await server.held(released, undefined);
      return accepted(request);
    });
    const answered = server.sendItem("traces", slow);
    await eventually("the first call is in progress", () => slow.requests.length === 1, 1_500);
    const second = await server.sendItem("traces", server.story());
    assert.equal(second.kind, "response");
    release();
    assert.equal((await answered).kind, "response");
  },
  mutants: {
    "refuses every second call": everySecond(refusal(503, codes.UNAVAILABLE)),
    "answers before the call has ended": takesNothing,
  },
};

function everySecond(outcome: Refusal): ServerMutant {
  let calls = 0;
  return async ({ transport, request, forward }) => {
    calls += 1;
    return calls % 2 === 0 ? writeOutcome(transport, "traces", outcome) : forward(request);
  };
}

/** What is taken and is probably a mistake is answered with a warning: here logs in a request for traces. */
export const warns: ServerCheck = {
  async check(server) {
    const item = server.request("logs", oneItem("logs", "misdirected"));
    const outcome = await server.send("traces", {
      ...item,
      path: pathOf(server.transport, "traces"),
    });
    assert.ok(outcome.kind === "response");
    assert.equal(outcome.partialSuccess?.rejected, 0);
    assert.match(outcome.partialSuccess.errorMessage, /^[A-Z][ -~]+\.$/);
  },
  mutants: {
    "says nothing": says(() => ({ kind: "response" })),
    "has a warning without a text": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 0, errorMessage: "" },
    })),
    "counts a rejection": says(() => ({
      kind: "response",
      partialSuccess: { rejected: 1, errorMessage: "Some spans were left out." },
    })),
  },
};

export function itemOf({ mark }: Story): Message {
  return oneItem("traces", mark);
}

/** Each signal is taken at its path, and nowhere else. */
export function servesDefaultPath(signal: Signal): ServerCheck {
  return {
    async check(server) {
      const story = server.story();
      assert.deepEqual(await server.sendItem(signal, story), { kind: "response" });
      assert.deepEqual(
        story.requests.map((request) => request.signal),
        [signal],
      );
    },
    mutants: {
      "has other paths": reads((request) => ({ ...request, path: `/v2/${signal}` })),
      "answers with success and takes nothing": takesNothing,
    },
  };
}

/** Every failure of a request over HTTP has its status, and says in a message what was wrong. */
export const hasStatuses: ServerCheck = {
  async check(server) {
    const item = server.request("traces", oneItem("traces", "lost"));
    const other = { ...item.headers, "content-type": "text/plain" };
    const large = server.request("traces", largeItem("lost", mebibyte));
    const failures: readonly (readonly [number, WireRequest, ServerSetup?])[] = [
      [400, undecodable(server, "traces")],
      [400, { ...item, headers: { ...item.headers, "content-encoding": "br" } }],
      [404, { ...item, path: "/v2/traces" }],
      [405, { ...item, method: "PUT" }],
      [413, large, "small"],
    ];
    for (const [status, request, setup] of failures) {
      const outcome = await server.send("traces", request, setup);
      assertRefusal(outcome);
      assert.equal(outcome.status, status);
      assert.match(outcome.message, /^[A-Z][ -~]{10,}\.$/);
    }
    for (const [status, reason] of [
      [503, unavailable],
      [500, broken],
    ] as const) {
      const outcome = await server.sendItem("traces", backendSays(server, reason));
      assertRefusal(outcome);
      assert.equal(outcome.status, status);
      assert.match(outcome.message, /^[A-Z][ -~]{10,}\.$/);
    }
    // The sender's own encoding is unknown.
    const answer = await server.exchange({ ...item, headers: other });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [415, "application/json"]);
    assert.match(String(fromJson(answer.body)["message"]), /Content-Type/);
  },
  mutants: {
    "answers 404 with text": textFor(404),
    "answers 405 with text": textFor(405),
    "answers 413 with text": textFor(413),
    "answers 415 with text": textFor(415),
    "answers 500 without a body": rewrites((answer) =>
      answer.status === 500 ? { ...answer, body: new Uint8Array(0) } : answer,
    ),
    "answers every failure with 400": refusesAll,
    "answers every failure with 200": takesNothing,
  },
};

function textFor(status: number): ServerMutant {
  return rewrites((answer) =>
    answer.status === status
      ? withHeader<WireAnswer>("content-type", "text/plain")({ ...answer, body: Buffer.from("no") })
      : answer,
  );
}
