import { ROOT_CONTEXT } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LiveSpanProcessor } from "../../src/preload/live-span-processor.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Agent, startAgent } from "./agent-process.ts";
import { type Sink, startSink, summary } from "./sink.ts";

const intervalMs = 100;
const run = { "gen_ai.operation.name": "invoke_agent" };

let sink: Sink;

beforeEach(async () => {
  sink = await startSink();
});

afterEach(() => sink.close());

const until = (isTrue: () => boolean) => sink.until(isTrue);
const events = () => sink.records.map(({ eventName }) => eventName);

describe("an application under the preload", () => {
  let agent: Agent;

  const start = (env: Readonly<Record<string, string>> = {}) => {
    agent = startAgent({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        ACTIVITY_HEARTBEAT_INTERVAL: `${intervalMs}`,
        OTEL_BSP_SCHEDULE_DELAY: "50",
        ...env,
      },
    });
  };

  afterEach(async () => {
    agent.kill("SIGKILL");
    await agent.ended();
  });

  test("sends heartbeats while it has open work, as the process of its spans", async () => {
    start();
    await agent.command("run r");
    await until(() => sink.records.length >= 3);

    const [first] = sink.records;
    expect(first).toMatchObject({
      eventName: "entity.state",
      scope: "openclaw-activity-preload",
      attributes: {
        "entity.type": "service.instance",
        "entity.id": { "service.instance.id": sink.spans[0]!.resource["service.instance.id"] },
        "entity.report.interval": 1,
      },
      resource: sink.spans[0]!.resource,
    });
    expect(Math.abs(Number(first!.timeUnixNano) / 1e6 - Date.now())).toBeLessThan(10_000);
  });

  test("sends nothing before it has work, and nothing at all with an interval of 0", async () => {
    start({ ACTIVITY_HEARTBEAT_INTERVAL: "0" });
    await agent.command("run r", "tool t r", "end t", "end r", "quit");
    await agent.ended();

    expect(sink.paths).not.toContain("/v1/logs");
  });

  test("continues to send them while a tool keeps its event loop busy", async () => {
    start();
    await agent.command("run r", "tool busy r");
    await until(() => sink.records.length > 0);
    const before = sink.records.length;
    const blocked = agent.command("block 1500");
    await until(() => sink.records.length >= before + 5);

    expect(agent.stdout()).not.toContain("did block");
    await blocked;
  });

  test("sends one heartbeat, however many tracer providers and copies of the API it has", async () => {
    start();
    await agent.command("run first");
    await until(() => sink.records.length > 0);
    await agent.command("sdk", "run second");
    await until(() => summary(sink.spans).includes("start second"));
    const from = sink.records.length;
    await until(() => sink.records.length >= from + 6);

    const late = sink.records.slice(from);
    const ofOne = (request: number) => late.filter((each) => each.request === request);
    for (const { request } of late) {
      const processes = ofOne(request).map(({ resource }) => JSON.stringify(resource));
      expect(new Set(processes).size).toBe(processes.length);
    }
  });

  test("reports that its work is no longer watched when its own provider is shut down and it lives on", async () => {
    start();
    await agent.command("sdk", "run r", "tool t r");
    await until(() => events().includes("entity.state"));
    await agent.command("shutdown");
    await until(() => events().includes("openclaw.activity.unwatched"));

    const last = sink.records.at(-1)!;
    expect(last).toMatchObject({
      scope: "openclaw-activity-preload",
      resource: { "service.instance.id": "own-sdk" },
    });
  });

  test("ends as soon as it would without", async () => {
    start();
    await agent.command("run r");
    await until(() => sink.records.length > 0);
    const from = performance.now();
    await agent.command("quit");
    const { exitCode, stderr } = await agent.ended();

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(performance.now() - from).toBeLessThan(2_000);
    expect(new Set(events())).toEqual(new Set(["entity.state"]));
  });

  test("is not preloaded once more in the thread that does it", async () => {
    start({ NODE_OPTIONS: `--import ${import.meta.resolve("./apps/logs-loaded.mjs")}` });
    await agent.command("run r");
    await until(() => sink.records.length >= 2);

    expect(agent.stdout().split("loaded").length - 1).toBe(1);
  });
});

describe("processors of one process", () => {
  let processors: LiveSpanProcessor[];
  let problems: string[];
  let clock: FakeClock;

  beforeEach(() => {
    processors = [];
    problems = [];
    clock = new FakeClock();
  });

  afterEach(async () => {
    await Promise.all(processors.map((processor) => processor.shutdown()));
  });

  const create = (attributes: Readonly<Record<string, string | number>>) => {
    const ofThisTest = problems;
    const processor = new LiveSpanProcessor({
      endpoint: sink.url,
      heartbeatIntervalMs: intervalMs,
      batchDelayMs: 0,
      clock,
      onProblem: (message) => ofThisTest.push(message),
    });
    processors.push(processor);
    const provider = new TracerProvider({
      resource: resourceFromAttributes(attributes),
      spanProcessors: [processor],
    });
    const tracer = provider.getTracer("agents");
    return {
      processor,
      async open(name: string) {
        const span = tracer.startSpan(name, { attributes: run }, ROOT_CONTEXT);
        await processor.forceFlush();
        return span;
      },
    };
  };
  const app = { "service.name": "app", "host.name": "box", "process.pid": 7 };
  const last = () => sink.records.at(-1);
  const inLastRequest = () =>
    sink.records
      .filter(({ request }) => request === last()?.request)
      .map(({ resource }) => resource);

  test("send one request for all resources that have open work", async () => {
    const one = create(app);
    const two = create({ ...app, "service.name": "other" });
    const again = create(app);
    for (const each of [one, two, again]) {
      await each.open("a");
    }
    await until(() => inLastRequest().length === 2);

    expect(inLastRequest()).toEqual([app, { ...app, "service.name": "other" }]);
    expect(last()!.attributes).toMatchObject({
      "entity.type": "process",
      "entity.id": { "process.pid": 7 },
    });
  });

  for (const [what, resource] of [
    ["no host", { "service.name": "app", "process.pid": 1 }],
    ["no process", { "service.name": "app", "host.name": "box" }],
  ] as const) {
    test(`promise nothing for a resource that names ${what}: it may be another process`, async () => {
      await create(resource).open("a");
      await create(app).open("b");
      await until(() => sink.records.length >= 3);

      expect(sink.records.every((each) => each.resource["process.pid"] === 7)).toBe(true);
      expect(sink.records.every((each) => each.resource["host.name"] === "box")).toBe(true);
    });
  }

  test("promise no more when there was no open work for a minute, and anew with new work", async () => {
    const { open } = create(app);
    (await open("a")).end();
    clock.advance(59_000);
    (await open("b")).end();
    const before = sink.records.length;
    await until(() => sink.records.length >= before + 2);
    expect(last()!.attributes["entity.report.interval"]).toBe(1);
    clock.advance(65_000);
    await until(() => last()!.attributes["entity.report.interval"] === undefined);
    expect(last()!.eventName).toBe("entity.state");
    await open("c");
    await until(() => last()!.attributes["entity.report.interval"] === 1);
  });

  test("report that the work of a provider is not watched when it was shut down in a process that lives on", async () => {
    const { processor, open } = create(app);
    await open("a");
    await until(() => sink.records.length > 0);
    await processor.shutdown();
    await until(() => last()!.eventName === "openclaw.activity.unwatched");

    expect(last()).toMatchObject({ scope: "openclaw-activity-preload", resource: app });
    expect(new Set(events().slice(0, -1))).toEqual(new Set(["entity.state"]));
  });

  test("report nothing of the kind while another provider of the same resource has open work", async () => {
    const first = create(app);
    const second = create(app);
    await first.open("a");
    await second.open("b");
    await until(() => sink.records.length > 0);
    await first.processor.shutdown();
    const before = sink.records.length;
    await until(() => sink.records.length >= before + 4);

    expect(new Set(events())).toEqual(new Set(["entity.state"]));
  });

  test("leave live spans alone where they are refused, which is logged once", async () => {
    const { open } = create(app);
    sink.refuse("/v1/logs", 404);
    await open("a");
    await until(() => sink.paths.filter((path) => path === "/v1/logs").length >= 3);
    await open("b");

    expect(summary(sink.spans)).toEqual(["start a", "start b"]);
    expect(problems).toEqual([
      "The activity collector does not accept heartbeats; retrying every 100 ms. It answered with status 404.",
    ]);
  });
});
