import { ROOT_CONTEXT, type Span, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  createAlwaysRecordSampler,
  type Sampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  LiveSpanProcessor,
  type LiveSpanProcessorOptions,
} from "../../src/preload/live-span-processor.ts";
import { isStartedSpan } from "../../src/preload/started-span.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Sink, startSink, summary } from "./sink.ts";

const run = { "gen_ai.operation.name": "invoke_agent" };
const tool = { "gen_ai.operation.name": "execute_tool" };

let sink: Sink;
let clock: FakeClock;
let problems: string[];
let processors: LiveSpanProcessor[];

beforeEach(async () => {
  sink = await startSink();
  clock = new FakeClock();
  problems = [];
  processors = [];
});

afterEach(async () => {
  await Promise.all(processors.map((processor) => processor.shutdown()));
  await sink.close();
});

function create(options: Partial<LiveSpanProcessorOptions> & { readonly sampler?: Sampler } = {}) {
  const { sampler, ...rest } = options;
  const processor = new LiveSpanProcessor({
    endpoint: sink.url,
    heartbeatIntervalMs: 0, // They have tests of their own.
    clock,
    onProblem: (message) => problems.push(message),
    ...rest,
  });
  processors.push(processor);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "app", "process.pid": 7 }),
    spanProcessors: [processor],
    ...(sampler === undefined ? {} : { sampler }),
  });
  return { processor, provider, tracer: provider.getTracer("agents", "1.0") };
}

const below = (span: Span) => trace.setSpan(ROOT_CONTEXT, span);

/** Lets time pass in small steps until `promise` is settled, so that what answers arm is run too. */
async function passTimeUntil<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  void promise.finally(() => {
    isSettled = true;
  });
  while (!isSettled) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}

describe("a start", () => {
  test("is the span as it is when it is sent, without an end", async () => {
    const { tracer, processor } = create();
    const parent = tracer.startSpan("invoke_agent a", {
      attributes: { ...run, "gen_ai.conversation.id": "c1" },
      startTime: [1_800_000_000, 5],
    });
    const child = tracer.startSpan(
      "execute_tool search",
      { attributes: { ...tool, "gen_ai.tool.name": "search", n: 1.5, flag: true }, kind: 2 },
      below(parent),
    );
    child.setAttribute("later", "but before it is sent");
    child.updateName("renamed");
    await processor.forceFlush();
    expect(sink.spans).toEqual([
      {
        name: "invoke_agent a",
        scope: "agents",
        traceId: parent.spanContext().traceId,
        spanId: parent.spanContext().spanId,
        parentId: "",
        kind: 1,
        start: "1800000000000000005",
        end: "0",
        attributes: { ...run, "gen_ai.conversation.id": "c1" },
        resource: { "service.name": "app", "process.pid": 7 },
      },
      expect.objectContaining({
        name: "renamed",
        traceId: parent.spanContext().traceId,
        spanId: child.spanContext().spanId,
        parentId: parent.spanContext().spanId,
        kind: 3,
        end: "0",
        attributes: {
          ...tool,
          "gen_ai.tool.name": "search",
          n: 1.5,
          flag: true,
          later: "but before it is sent",
        },
      }),
    ]);
    expect(processor.counts).toEqual({ sent: 2, refused: 0, dropped: 0 });
  });

  test("goes out 200 ms later, with what else started meanwhile, before anything ends", async () => {
    const { tracer } = create();
    const parent = tracer.startSpan("a", { attributes: run });
    clock.advance(150);
    tracer.startSpan("b", { attributes: tool }, below(parent));
    clock.advance(49);
    expect(sink.paths).toEqual([]);
    clock.advance(1);
    await sink.until(({ spans }) => spans.length === 2);
    expect(sink.paths).toEqual(["/v1/traces"]);
  });

  test("leaves prompts to the finished span", async () => {
    const { tracer, processor } = create();
    tracer.startSpan("a", {
      attributes: { ...run, prompt: "x".repeat(2_000), many: Array(100).fill("y") },
    });
    await processor.forceFlush();
    expect(sink.spans[0]?.attributes).toEqual(run);
  });

  test("is split into requests of the configured size", async () => {
    const { tracer, processor } = create({ maxBatchSize: 10 });
    for (let i = 0; i < 25; i++) {
      tracer.startSpan("a", { attributes: run });
    }
    await processor.forceFlush();
    expect([sink.spans.length, sink.paths.length, sink.connections]).toEqual([25, 3, 1]);
  });
});

describe("a span that does not say what it is", () => {
  test("is sent too: it may be work, or lie between a run and its tools", async () => {
    const { tracer, processor } = create();
    const request = tracer.startSpan("POST /chat");
    const parent = tracer.startSpan("run", { attributes: run }, below(request));
    const step = tracer.startSpan("step", { attributes: { kind: "step" } }, below(parent));
    tracer.startSpan("tool", { attributes: tool }, below(step));
    await processor.forceFlush();
    expect(summary(sink.spans)).toEqual([
      "start POST /chat",
      "start run",
      "start step",
      "start tool",
    ]);
  });

  test("is sent again when it says it, once", async () => {
    const { tracer, processor } = create();
    const parent = tracer.startSpan("run", { attributes: run });
    const late = tracer.startSpan("get_weather", {}, below(parent));
    await processor.forceFlush();
    expect(sink.spans.length).toBe(2);
    clock.advance(5_000);
    await processor.forceFlush();
    expect(sink.spans.length).toBe(2);
    late.setAttributes({ ...tool, "gen_ai.tool.name": "get_weather" });
    clock.advance(5_000);
    await sink.until(({ spans }) => spans.length === 3);
    expect(sink.spans[2]).toMatchObject({
      spanId: late.spanContext().spanId,
      end: "0",
      attributes: { ...tool, "gen_ai.tool.name": "get_weather" },
    });
    await processor.forceFlush();
    clock.advance(60_000);
    await processor.forceFlush();
    expect(sink.spans.length).toBe(3);
  });

  test("that has ended is left to the exporter", async () => {
    const { tracer, processor } = create();
    const parent = tracer.startSpan("run", { attributes: run });
    const step = tracer.startSpan("step", {}, below(parent));
    step.end();
    tracer.startSpan("tool", { attributes: tool }, below(step));
    await processor.forceFlush();
    expect(summary(sink.spans)).toEqual(["start run", "start tool"]);
  });
});

describe("an end", () => {
  test("is a copy of the finished span for the collector alone, 200 ms later", async () => {
    const { tracer, processor } = create();
    const parent = tracer.startSpan("run", { attributes: run });
    const child = tracer.startSpan("tool", { attributes: tool }, below(parent));
    await processor.forceFlush();
    child.setAttributes({ "gen_ai.tool.name": "search", result: "x".repeat(2_000) });
    child.addEvent("exception");
    child.setStatus({ code: 2, message: "of the app" });
    child.end([1_800_000_000, 7]);
    expect(sink.spans.length).toBe(2);
    clock.advance(200);
    await sink.until(({ spans }) => spans.length === 3);
    expect(sink.spans[2]).toMatchObject({
      name: "tool",
      spanId: child.spanContext().spanId,
      parentId: parent.spanContext().spanId,
      end: "1800000000000000007",
      attributes: { ...tool, "gen_ai.tool.name": "search", "openclaw.activity.signal": "end" },
    });
    expect(Object.keys(sink.spans[2]!.attributes)).not.toContain("result");
    await processor.forceFlush();
    expect(sink.spans.length).toBe(3);
    expect(processor.counts).toEqual({ sent: 2, refused: 0, dropped: 0 });
  });

  test("of a span whose start the collector does not have is not sent", async () => {
    sink.answer(503);
    const { tracer, processor } = create();
    const span = tracer.startSpan("a", { attributes: run });
    await processor.forceFlush();
    span.end();
    sink.answer(200);
    clock.advance(60_000);
    await processor.forceFlush();
    expect(sink.spans).toEqual([]);
  });

  test("of a span that ends while its start is on its way is sent", async () => {
    const { tracer, processor } = create();
    const span = tracer.startSpan("a", { attributes: run });
    const sent = processor.forceFlush();
    await sink.until(({ paths }) => paths.length === 1);
    span.end();
    await sent;
    await processor.forceFlush();
    expect(summary(sink.spans)).toEqual(["start a", "reported end a"]);
  });

  test("waits while the collector is away", async () => {
    const { tracer, processor } = create();
    const span = tracer.startSpan("a", { attributes: run });
    await processor.forceFlush();
    sink.answer(503);
    span.end();
    await processor.forceFlush();
    sink.answer(200);
    await processor.forceFlush();
    expect(summary(sink.spans)).toEqual(["start a", "reported end a"]);
  });

  test("goes out with a shutdown", async () => {
    const { tracer, processor } = create();
    const span = tracer.startSpan("a", { attributes: run });
    await processor.forceFlush();
    span.end();
    await processor.shutdown();
    expect(summary(sink.spans)).toEqual(["start a", "reported end a"]);
  });
});

describe("a harness run of OpenClaw", () => {
  test("is sent with the run below it", async () => {
    const { tracer, processor } = create();
    const harness = tracer.startSpan("openclaw.harness.run");
    await processor.forceFlush();
    expect(sink.paths).toEqual([]);
    tracer.startSpan("openclaw.run", {}, below(harness));
    await processor.forceFlush();
    expect(summary(sink.spans)).toEqual(["start openclaw.harness.run", "start openclaw.run"]);
  });

  test("that is never ended, because another is made of it at its end, is not sent", async () => {
    const { tracer, processor } = create();
    const harness = tracer.startSpan("openclaw.harness.run");
    const inner = tracer.startSpan("openclaw.run");
    await processor.forceFlush();
    inner.end();
    tracer.startSpan("openclaw.harness.run", {}, below(harness)).end();
    await processor.forceFlush();
    expect(summary(sink.spans)).toEqual(["start openclaw.run", "reported end openclaw.run"]);
  });
});

describe("is not sent:", () => {
  test("what ended before it could be sent", async () => {
    const { tracer, processor } = create();
    tracer.startSpan("a", { attributes: run }).end();
    await processor.forceFlush();
    expect(sink.paths).toEqual([]);
  });

  test("a tool or a model call with neither a parent nor a session", async () => {
    const { tracer, processor } = create();
    const session = { "gen_ai.conversation.id": "c1" };
    tracer.startSpan("tool", { attributes: tool });
    tracer.startSpan("chat", { attributes: { "gen_ai.operation.name": "chat" } });
    tracer.startSpan("tool of a session", { attributes: { ...tool, ...session } });
    await processor.forceFlush();
    expect(summary(sink.spans)).toEqual(["start tool of a session"]);
  });

  test("an unsampled span, whose end would never come", async () => {
    const { tracer, processor } = create({
      sampler: createAlwaysRecordSampler(new AlwaysOffSampler()),
    });
    expect(tracer.startSpan("a", { attributes: run }).isRecording()).toBe(true);
    await processor.forceFlush();
    expect(sink.paths).toEqual([]);
  });

  test("what starts after the shutdown", async () => {
    const { tracer, processor } = create();
    await processor.shutdown();
    await processor.shutdown();
    tracer.startSpan("a", { attributes: run });
    await processor.forceFlush();
    expect(sink.paths).toEqual([]);
  });
});

describe("a collector that is away", () => {
  test("gets retries at growing intervals, is reported once, and gets all open work when it is back", async () => {
    const { port } = sink;
    const { tracer, processor } = create();
    const before = tracer.startSpan("sent before", { attributes: run });
    await processor.forceFlush();
    await sink.close();

    const ended = tracer.startSpan("ended meanwhile", { attributes: run });
    tracer.startSpan("started meanwhile", { attributes: run });
    for (let i = 0; i < 5; i++) {
      await processor.forceFlush();
    }
    expect(problems).toEqual([
      expect.stringMatching(/^The activity collector does not accept live/),
    ]);
    ended.end();

    sink = await startSink(port);
    await passTimeUntil(sink.until(({ spans }) => spans.length >= 2));
    await processor.forceFlush();
    expect([...summary(sink.spans)].sort()).toEqual([
      "start sent before",
      "start started meanwhile",
    ]);
    expect(sink.spans.find(({ name }) => name === "sent before")?.spanId).toBe(
      before.spanContext().spanId,
    );
  });

  for (const [title, statusCode, headers, delayMs] of [
    ["waits half a second first", 503, {}, 500],
    ["waits as long as it is asked to", 429, { "retry-after": "3" }, 3_000],
  ] as const) {
    test(`after a ${statusCode} it ${title}`, async () => {
      sink.answer(statusCode, headers);
      const { tracer, processor } = create();
      tracer.startSpan("a", { attributes: run });
      await processor.forceFlush();
      sink.answer(200);
      clock.advance(delayMs - 1);
      expect(sink.paths.length).toBe(1);
      clock.advance(1);
      await sink.until(({ spans }) => spans.length === 1);
    });
  }

  test("loses the oldest starts when there are too many, and they are counted", async () => {
    sink.answer(503);
    const { tracer, processor } = create({ maxOpen: 3 });
    for (const name of ["a", "b", "c", "d", "e"]) {
      tracer.startSpan(name, { attributes: run });
    }
    await processor.forceFlush();
    sink.answer(200);
    await processor.forceFlush();
    expect(summary(sink.spans)).toEqual(["start c", "start d", "start e"]);
    expect(processor.counts).toEqual({ sent: 3, refused: 0, dropped: 2 });
  });

  test("does not hold up a flush or a shutdown for longer than its deadline", async () => {
    const silent = await startSilentServer();
    const { tracer, processor } = create({ endpoint: silent.url, timeoutMs: 60_000 });
    tracer.startSpan("a", { attributes: run });
    const flushed = processor.forceFlush();
    await silent.connected;
    clock.advance(5_000);
    await flushed;
    const stopped = processor.shutdown();
    clock.advance(2_000);
    await stopped;
    await silent.close();
  });
});

test("what the collector refuses is dropped, counted and reported once", async () => {
  sink.answer(401);
  const { tracer, processor } = create();
  for (let i = 0; i < 3; i++) {
    tracer.startSpan("a", { attributes: run });
    await processor.forceFlush();
  }
  expect(problems).toEqual([
    "The activity collector refuses live spans. It answered with status 401.",
  ]);
  expect(processor.counts).toEqual({ sent: 0, refused: 3, dropped: 0 });
  expect(sink.paths.length).toBe(3);
});

test("open work is not sent again by itself", async () => {
  const { tracer, processor } = create();
  tracer.startSpan("a", { attributes: run });
  await processor.forceFlush();
  clock.advance(3_600_000);
  await processor.forceFlush();
  expect(summary(sink.spans)).toEqual(["start a"]);
});

test("headers go with every request", async () => {
  const { tracer, processor } = create({ headers: { authorization: "Bearer x" } });
  tracer.startSpan("a", { attributes: run });
  await processor.forceFlush();
  expect(sink.headers[0]).toMatchObject({
    authorization: "Bearer x",
    "content-type": "application/x-protobuf",
  });
});

for (const [endpoint, path] of [
  ["", "/v1/traces"],
  ["/", "/v1/traces"],
  ["/v1/traces", "/v1/traces"],
  ["/prefix/", "/prefix/v1/traces"],
] as const) {
  test(`an endpoint with the path "${endpoint}" is posted to at ${path}`, async () => {
    const { tracer, processor } = create({ endpoint: `${sink.url}${endpoint}` });
    tracer.startSpan("a", { attributes: run });
    await processor.forceFlush();
    expect(sink.paths).toEqual([path]);
  });
}

test("a resource whose detectors are still at work is waited for", async () => {
  const processor = new LiveSpanProcessor({ endpoint: sink.url, clock });
  processors.push(processor);
  const tracer = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "app", "host.id": Promise.resolve("h1") }),
    spanProcessors: [processor],
  }).getTracer("agents");
  tracer.startSpan("a", { attributes: run });
  await processor.forceFlush();
  expect(sink.spans[0]?.resource).toEqual({ "service.name": "app", "host.id": "h1" });
});

test("a resource whose detectors fail is sent as it is known", async () => {
  const processor = new LiveSpanProcessor({ endpoint: sink.url, clock, heartbeatIntervalMs: 0 });
  processors.push(processor);
  const { tracer } = create();
  const span = tracer.startSpan("a", { attributes: run });
  if (!isStartedSpan(span)) {
    throw new Error("The SDK's spans are not what they were.");
  }
  const resource = {
    attributes: { "service.name": "app" },
    asyncAttributesPending: true,
    waitForAsyncAttributes: () => Promise.reject(new Error("no")),
  };
  processor.onStart(Object.create(span, { resource: { value: resource } }));
  await processor.forceFlush();
  expect(sink.spans.map((each) => each.resource)).toEqual([{ "service.name": "app" }]);
});

/** Accepts connections and never answers. */
async function startSilentServer() {
  const { createServer } = await import("node:net");
  let connect = () => {};
  const connected = new Promise<void>((resolve) => {
    connect = resolve;
  });
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    connect();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    connected,
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) {
          socket.destroy();
        }
        server.close(() => resolve());
      }),
  };
}
