import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../openclaw-plugin/src/config.ts";
import { type Relay, startRelay } from "../../openclaw-plugin/src/relay.ts";
import { testKey } from "./golden.ts";
import { type OtlpSink, startSink } from "./otlp-sink.ts";

const resource = {
  serviceName: "openclaw",
  hostName: "host",
  processPid: 4_711,
  serviceInstanceId: "instance-1",
};

let sink: OtlpSink;
let relay: Relay | undefined;
let said: string[];

beforeEach(async () => {
  sink = await startSink();
  said = [];
});

afterEach(async () => {
  await relay?.stop();
  relay = undefined;
  await sink.close();
});

function start(config: Readonly<Record<string, unknown>> = {}, maxQueue?: number): Relay {
  const say = (message: string) => void said.push(message);
  relay = startRelay({
    config: parseConfig({ endpoint: sink.url, ...config }),
    resource,
    key: testKey,
    log: { info: say, warn: say },
    flushMs: 5,
    ...(maxQueue === undefined ? {} : { maxQueue }),
  });
  return relay;
}

let seq = 0;

function happen(type: string, fields: Readonly<Record<string, unknown>> = {}): void {
  seq += 1;
  relay?.event(
    { type, runId: "run-1", sessionKey: "agent:main:1", seq, ts: Date.now(), ...fields },
    { trusted: true },
  );
}

const startTool = (toolCallId: string) =>
  happen("tool.execution.started", { toolCallId, toolName: "exec" });
const endTool = (toolCallId: string) =>
  happen("tool.execution.completed", { toolCallId, toolName: "exec" });

describe("a collector that is there", () => {
  test("hears of starts and ends, from the relay of this process", async () => {
    start({ headers: { Authorization: "Bearer x" } });
    startTool("c1");
    await sink.until("a start", () => sink.spans.length === 1);
    endTool("c1");
    await sink.until("an end", () => sink.spans.length === 2);

    const [first, second] = sink.spans;
    expect(second).toEqual({
      ...first,
      endMs: second!.endMs,
      attributes: {
        ...first!.attributes,
        "openclaw.seq": Number(first!.attributes["openclaw.seq"]) + 1,
        "openclaw.outcome": "completed",
      },
    });
    expect(first).toMatchObject({ scope: "openclaw-activity-relay 0.1.0", endMs: undefined });
    expect(first!.resource).toEqual({
      "service.name": "openclaw",
      "service.instance.id": "instance-1",
      "host.name": "host",
      "process.pid": 4_711,
    });
    expect(sink.requests[0]!.headers).toMatchObject({
      authorization: "Bearer x",
      "content-type": "application/x-protobuf",
    });
  });

  test("hears a heartbeat at once, before anything else, and the good-bye last", async () => {
    start();
    await sink.until("a heartbeat", () => sink.logs.length === 1);
    startTool("c1");
    await relay!.stop();

    expect(sink.logs.map(({ eventName }) => eventName)).toEqual(["entity.state", "entity.delete"]);
    expect(sink.logs[0]!.attributes).toMatchObject({
      "entity.id": { "service.instance.id": "instance-1" },
      "entity.report.interval": 10,
    });
    expect(sink.requests.map(({ path }) => path)).toEqual(["/v1/logs", "/v1/traces", "/v1/logs"]);
  });

  test("hears of a session's end between what was before and what came after", async () => {
    start();
    await sink.until("a heartbeat", () => sink.logs.length === 1);
    startTool("c1");
    relay!.hook("session_end", { reason: "reset" }, { sessionKey: "agent:main:1" });
    startTool("c2");
    await relay!.stop();

    expect(sink.requests.map(({ path }) => path)).toEqual([
      "/v1/logs",
      "/v1/traces",
      "/v1/logs",
      "/v1/traces",
      "/v1/logs",
    ]);
    expect(sink.logs[1]).toMatchObject({
      eventName: "session.end",
      attributes: { "session.id": sink.spans[0]!.attributes["session.id"] },
    });
  });

  test("is sent over one connection", async () => {
    start();
    for (const call of ["c1", "c2", "c3"]) {
      startTool(call);
      await sink.until(call, () => sink.spans.length === Number(call.slice(1)));
    }

    expect(new Set(sink.requests.map(({ headers }) => headers.connection))).toEqual(
      new Set(["keep-alive"]),
    );
    // Nothing was sent again, as it would be after a new connection.
    expect(sink.spans).toHaveLength(3);
  });

  test("hears only of the kinds it is to hear of", async () => {
    start({ kinds: ["model_call"] });
    happen("run.started");
    startTool("c1");
    happen("model.call.started", { callId: "m1" });
    relay!.hook("session_end", { reason: "reset" }, { sessionKey: "agent:main:1" });
    await relay!.stop();

    expect(sink.spans.map(({ name }) => name)).toEqual(["openclaw.run", "openclaw.model.call"]);
    expect(sink.logs.map(({ eventName }) => eventName)).not.toContain("session.end");
  });
});

describe("what is not work", () => {
  const approval = (phase: string) => ({
    stream: "lifecycle",
    runId: "run-1",
    sessionKey: "agent:main:1",
    data: { phase, approvalId: "ap-1", toolCallId: "c1" },
    ts: Date.now(),
  });
  const claim = (type: string) =>
    relay!.event(
      {
        type,
        sessionKey: "agent:main:1",
        seq: ++seq,
        ts: Date.now(),
        activeWorkKind: "embedded_run",
      },
      { internal: true, trusted: false },
    );

  test("goes out in its place between starts and ends", async () => {
    start();
    await sink.until("a heartbeat", () => sink.logs.length === 1);
    happen("run.started");
    startTool("c1");
    relay!.agentEvent(approval("waiting-approval"));
    claim("session.stalled");
    relay!.agentEvent(approval("approval-resolved"));
    endTool("c1");
    await relay!.stop();
    const [run, tool] = sink.spans;

    expect(sink.requests.map(({ path }) => path)).toEqual([
      ...["/v1/logs", "/v1/traces", "/v1/logs", "/v1/traces", "/v1/logs"],
    ]);
    expect(sink.logs.slice(1, -1).map(({ eventName, spanId }) => [eventName, spanId])).toEqual([
      ["gen_ai.agent.paused", tool!.spanId],
      ["session.stalled", run!.spanId],
      ["gen_ai.agent.resumed", tool!.spanId],
    ]);
  });

  test("is left out where it is not wanted", async () => {
    start({ kinds: ["tool"] });
    await sink.until("a heartbeat", () => sink.logs.length === 1);
    happen("run.started");
    happen("tool.execution.started", { toolCallId: "c1", toolName: "ask_user" });
    relay!.agentEvent(approval("waiting-approval"));
    claim("session.stalled");
    await relay!.stop();

    expect(sink.spans.map(({ name }) => name)).toEqual(["openclaw.run", "openclaw.tool.execution"]);
    expect(sink.logs.map(({ eventName }) => eventName)).toEqual(["entity.state", "entity.delete"]);
  });

  test("an agent event that cannot be read is left out, and the gateway does not notice", async () => {
    start();
    const broken = {
      get stream(): string {
        throw new Error("no");
      },
      data: {},
    };

    expect(() => relay!.agentEvent(broken)).not.toThrow();
    expect(relay!.counts().failed).toBe(1);
  });
});

describe("a collector that goes away", () => {
  test("gets the open work and the ends that it missed when it is back, and nothing is lost", async () => {
    const { port } = new URL(sink.url);
    start();
    happen("run.started");
    startTool("c1");
    startTool("c2");
    await sink.until("three starts", () => sink.spans.length === 3);
    const before = sink.spans.map(({ spanId }) => spanId);
    await sink.close();
    endTool("c2");
    startTool("c3");
    await waitFor(() => said.some((message) => message.includes("cannot be reached")));

    sink = await startSink(Number(port));
    await sink.until("all is sent", () => sink.spans.length >= 5);
    await relay!.stop();

    const [run, c1, c2] = before;
    const c3 = sink.spans.find(({ spanId }) => !before.includes(spanId))!.spanId;
    const lastOf = new Map(sink.spans.map(({ spanId, endMs }) => [spanId, endMs === undefined]));
    expect(lastOf).toEqual(
      new Map([
        [c2, false],
        [c3, true],
        [run, true],
        [c1, true],
      ]),
    );
    expect(relay!.counts()).toMatchObject({ open: 3, queued: 0, lost: 0, failed: 0 });
    expect(said.at(-1)).toBe("The activity collector accepts records again; 0 were lost.");
  });

  test("a new connection alone makes it hear again what is open: it may be another one", async () => {
    const { port } = new URL(sink.url);
    start();
    startTool("c1");
    await sink.until("a start", () => sink.spans.length === 1);
    await sink.close();
    sink = await startSink(Number(port));
    startTool("c2");
    await sink.until("both", () => new Set(sink.spans.map(({ spanId }) => spanId)).size === 2);

    expect(relay!.counts()).toMatchObject({ open: 2, lost: 0 });
  });

  test.each([429, 502, 503, 504])("an answer of %i is one to try again after", async (status) => {
    start();
    await sink.until("a heartbeat", () => sink.logs.length === 1);
    sink.answer = { status };
    startTool("c1");
    await sink.until("a refusal", () => sink.requests.length === 2);
    sink.answer = { status: 200 };
    await sink.until("the start", () => sink.spans.length >= 1);

    expect(relay!.counts().lost).toBe(0);
  });

  test.each([400, 401, 404, 413, 500])(
    "an answer of %i is final, said once and counted",
    async (status) => {
      start();
      await sink.until("a heartbeat", () => sink.logs.length === 1);
      sink.answer = { status };
      startTool("c1");
      await sink.until("one refusal", () => sink.requests.length === 2);
      endTool("c1");
      await sink.until("another refusal", () => sink.requests.length === 3);
      await waitFor(() => relay!.counts().lost === 2);

      expect(
        said.filter((message) => message.includes(`it answered with status ${status}.`)),
      ).toHaveLength(1);
    },
  );

  test("a collector that closes every connection is not sent again what it has", async () => {
    sink.answer = { status: 200, headers: { connection: "close" } };
    start();
    startTool("c1");
    await sink.until("a start", () => sink.spans.length === 1);
    endTool("c1");
    await relay!.stop();

    expect(sink.spans).toHaveLength(2);
  });

  test("what waits is bounded, and what is lost is counted in the next heartbeat", async () => {
    await sink.close();
    start({}, 10);
    for (let call = 0; call < 30; call += 1) {
      startTool(`c${call}`);
      endTool(`c${call}`);
    }

    expect(relay!.counts()).toMatchObject({ queued: 10, open: 0, lost: 20 });
  });
});

describe("the gateway is never harmed", () => {
  test.each([
    ["nothing", undefined, undefined],
    ["an event that throws when it is read", throwing(), { trusted: true }],
    ["an event of wrong types", { type: 7, ts: "x", runId: {} }, { trusted: true }],
    [
      "ids that are no texts",
      { type: "run.started", ts: 1, runId: 5, seq: "x" },
      { trusted: true },
    ],
    ["a time that is none", { type: "run.started", ts: Number.NaN }, { trusted: true }],
    ["a time before time", { type: "run.started", ts: -1e300, seq: -1.5 }, { trusted: true }],
  ])("%s", async (_, event, metadata) => {
    start();

    expect(() => relay!.event(event, metadata)).not.toThrow();
    expect(() => relay!.hook("session_end", event, metadata)).not.toThrow();
    startTool("c1");
    await sink.until("what comes after", () => sink.spans.some(({ name }) => /tool/.test(name)));
  });

  test("a defect is said once and counted", () => {
    start();
    relay!.event(throwing(), { trusted: true });
    relay!.event(throwing(), { trusted: true });

    expect(relay!.counts().failed).toBe(2);
    expect(said).toHaveLength(1);
  });

  test("thousands of events at once are all sent", async () => {
    start();
    for (let call = 0; call < 3_000; call += 1) {
      startTool(`c${call}`);
    }
    await relay!.stop();

    expect(sink.spans).toHaveLength(3_000);
    expect(relay!.counts()).toMatchObject({ open: 3_000, queued: 0, lost: 0 });
  });

  test("stopping ends in time when the collector never answers", async () => {
    start();
    await sink.until("a heartbeat", () => sink.logs.length === 1);
    sink.answer = undefined;
    startTool("c1");
    const from = performance.now();
    await relay!.stop(200);

    expect(performance.now() - from).toBeLessThan(1_000);
    expect(relay!.counts().queued).toBe(1);
  });

  for (const [what, end, last] of [
    ["the end of the process is sent all the same", () => relay!.stop(), "/v1/logs"],
    ["that its work is not watched waits for them", () => relay!.leave(), "/v1/traces"],
  ] as const) {
    test(`while a collector takes no records, ${what}`, async () => {
      start();
      await sink.until("a heartbeat", () => sink.logs.length === 1);
      sink.answer = { status: 503, headers: { "retry-after": "60" } };
      startTool("c1");
      await end();

      expect(sink.requests.at(-1)!.path).toBe(last);
      expect(relay!.counts()).toMatchObject({ queued: 1, lost: 0 });
    });
  }

  test("stopping ends at once when there is no collector", async () => {
    await sink.close();
    start();
    startTool("c1");
    const from = performance.now();
    await relay!.stop();

    expect(performance.now() - from).toBeLessThan(1_000);
  });

  test("nothing is taken after the stop, and stopping twice does no harm", async () => {
    start();
    startTool("c1");
    await relay!.stop();
    startTool("c2");
    await relay!.stop();

    expect(sink.spans).toHaveLength(1);
    expect(sink.logs.map(({ eventName }) => eventName)).toEqual(["entity.delete"]);
  });
});

describe("a process that is not watched any more", () => {
  const words = () => sink.logs.map(({ eventName }) => eventName);

  test("what waits is sent before that is said, and nothing after it", async () => {
    start();
    await sink.until("a heartbeat", () => sink.logs.length === 1);
    startTool("c1");
    await relay!.leave();
    startTool("c2");

    expect(words()).toEqual(["entity.state", "openclaw.activity.unwatched"]);
    expect(sink.requests.map(({ path }) => path)).toEqual(["/v1/logs", "/v1/traces", "/v1/logs"]);
    expect(sink.logs[1]!.attributes).toEqual({ "openclaw.relay.lost": 0 });
    expect(sink.logs[1]!.resource["service.instance.id"]).toBe("instance-1");
  });

  test("that is said later when the collector is away, twice in a row too", async () => {
    const { port } = new URL(sink.url);
    await sink.close();
    for (const call of ["c1", "c2"]) {
      start();
      startTool(call);
      const from = performance.now();
      await relay!.leave(200);
      expect(performance.now() - from).toBeLessThan(1_000);
    }
    sink = await startSink(Number(port));
    await sink.until("both", () => words().length === 2);

    expect(words()).toEqual(["openclaw.activity.unwatched", "openclaw.activity.unwatched"]);
    expect(sink.spans).toHaveLength(2);
  });

  test("that is said later when the collector does not answer in time", async () => {
    start();
    await sink.until("a heartbeat", () => sink.logs.length === 1);
    sink.answer = undefined;
    startTool("c1");
    await relay!.leave(100);
    sink.answer = { status: 200 };
    await sink.until("the last word", () => words().length === 2);

    expect(words()).toEqual(["entity.state", "openclaw.activity.unwatched"]);
    expect(sink.spans).toHaveLength(1);
  });
});

function throwing(): object {
  return new Proxy(
    {},
    {
      get() {
        throw new Error("not to be read");
      },
    },
  );
}

/** For what only the relay itself can tell. */
async function waitFor(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isTrue()) {
    if (performance.now() > deadline) {
      throw new Error("Not within 10 s.");
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
