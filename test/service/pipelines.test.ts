import { describe, expect, test } from "vitest";
import type { MetricsSource } from "../../src/component/component.ts";
import type { Consumer } from "../../src/component/consumer.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { createEdges } from "../../src/service/edges.ts";
import { createFanOut } from "../../src/service/fan-out.ts";
import { FlowCounts } from "../../src/service/flow-counts.ts";
import { connectPipelines, type Pipeline } from "../../src/service/pipelines.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type FakeInstance, fakeInstance, payloadOf, recordingLogger } from "./fake-components.ts";

const source: MetricsSource = { collect: () => Promise.reject(new Error("never asked")) };

const receiver = (id: string) => fakeInstance("receiver", id, []);
const processor = (id: string) => fakeInstance("processor", id, []);
const connector = (id: string) => fakeInstance("processor", id, [], { metrics: source });
const exporter = (id: string) => fakeInstance("exporter", id, []);
const scraped = (id: string) => fakeInstance("exporter", id, [], { isScraped: true });

function pipeline(
  id: string,
  receivers: readonly FakeInstance[],
  processors: readonly FakeInstance[],
  exporters: readonly FakeInstance[],
): Pipeline {
  const signal = id.split("/")[0] as Signal;
  return { id, signal, receivers, processors, exporters };
}

function connect(...pipelines: readonly Pipeline[]): readonly string[] {
  const edges = createEdges(new FlowCounts());
  const fanOut = createFanOut({ clock: new FakeClock(), logger: recordingLogger() });
  return connectPipelines(pipelines, { edges, fanOut }).map(({ id }) => id);
}

async function push(from: FakeInstance, signal: Signal, items = 1): Promise<unknown> {
  const next: Consumer | undefined = from.next.get(signal);
  return next?.consume(payloadOf(signal, items, "http"));
}

test("a payload goes through the processors in the order written and to every exporter", async () => {
  const otlp = receiver("otlp");
  const [a, b] = [processor("a"), processor("b")];
  const [x, y] = [exporter("x"), exporter("y")];
  connect(pipeline("traces", [otlp], [a, b], [x, y]));
  a.answer = async () => ({ status: "permanent", message: "a said no" });
  expect(await push(otlp, "traces")).toEqual({ status: "permanent", message: "a said no" });
  expect([a.seen.length, b.seen.length, x.seen.length]).toEqual([1, 0, 0]);
  a.answer = async () => ({ status: "accepted" });
  expect(await push(otlp, "traces")).toEqual({ status: "accepted" });
  expect([a.seen.length, b.seen.length, x.seen.length, y.seen.length]).toEqual([2, 1, 1, 1]);
});

test("a receiver shared by pipelines of one signal feeds all of them through one connection", async () => {
  const otlp = receiver("otlp");
  const [x, y] = [exporter("x"), exporter("y")];
  connect(
    pipeline("traces", [otlp], [], [x]),
    pipeline("traces/2", [otlp], [], [y]),
    pipeline("logs", [otlp], [], [x]),
  );
  expect(otlp.calls).toEqual(["connect traces", "connect logs"]);
  await push(otlp, "traces");
  expect([x.seen.length, y.seen.length]).toEqual([1, 1]);
});

test("an instance named in several pipelines is one, with one consumer per signal", () => {
  const otlp = receiver("otlp");
  const activity = connector("session_activity");
  const out = exporter("out");
  connect(
    pipeline("traces", [otlp], [activity], [out]),
    pipeline("traces/2", [otlp], [], [out]),
    pipeline("logs", [otlp], [activity], [out]),
    pipeline("logs/activity", [activity], [], [out]),
  );
  expect(out.calls).toEqual(["consumer traces", "consumer logs"]);
  expect(activity.calls).toEqual(["wrap traces", "wrap logs", "connect logs"]);
});

test("what a component derives is passed to its pipeline", async () => {
  const otlp = receiver("otlp");
  const activity = connector("session_activity");
  const [out, events] = [exporter("out"), exporter("events")];
  connect(
    pipeline("logs", [otlp], [activity], [out]),
    pipeline("logs/activity", [activity], [], [events]),
  );
  await push(activity, "logs", 3);
  expect([out.seen.length, events.seen.length]).toEqual([0, 1]);
});

describe("an exporter that is asked for metrics", () => {
  test("is attached to the receivers that have some, and takes none of their pushes", async () => {
    const otlp = receiver("otlp");
    const activity = connector("session_activity");
    const [prometheus, out] = [scraped("prometheus"), exporter("out")];
    connect(
      pipeline("traces", [otlp], [activity], [out]),
      pipeline("metrics/activity", [activity], [], [prometheus, out]),
    );
    expect(prometheus.attached).toHaveLength(1);
    await expect(prometheus.attached[0]!.collect()).rejects.toThrow("never asked");
    expect(activity.calls).toEqual(["wrap traces", "connect metrics"]);
    expect(out.calls).toEqual(["consumer traces", "consumer metrics"]);
  });

  test("takes the pushes of other receivers, also in the same pipeline", async () => {
    const otlp = receiver("otlp");
    const activity = connector("session_activity");
    const limiter = processor("limiter");
    const [prometheus, out] = [scraped("prometheus"), exporter("out")];
    connect(
      pipeline("traces", [otlp], [activity], [out]),
      pipeline("metrics", [otlp, activity], [limiter], [prometheus, out]),
    );
    await push(otlp, "metrics");
    expect([prometheus.seen.length, out.seen.length, limiter.seen.length]).toEqual([1, 1, 1]);
    await push(activity, "metrics");
    expect([prometheus.seen.length, out.seen.length, limiter.seen.length]).toEqual([1, 2, 2]);
    expect(prometheus.attached).toHaveLength(1);
  });

  test("alone leaves nothing to be pushed", () => {
    const activity = connector("session_activity");
    connect(pipeline("metrics", [activity], [], [scraped("prometheus")]));
    expect(activity.calls).toEqual([]);
  });
});

describe("the order to start in", () => {
  test("has sinks before sources and receivers last, each once", () => {
    const otlp = receiver("otlp");
    const [limiter, activity, redaction] = [
      processor("limiter"),
      connector("activity"),
      processor("redaction"),
    ];
    const [out, prometheus] = [exporter("out"), scraped("prometheus")];
    const order = connect(
      pipeline("traces", [otlp], [limiter, activity, redaction], [out]),
      pipeline("logs", [otlp], [limiter, activity], [out]),
      pipeline("metrics/activity", [activity], [], [prometheus]),
    );
    expect(order.toSorted()).toEqual(
      ["otlp", "limiter", "activity", "redaction", "out", "prometheus"].toSorted(),
    );
    const rank = (id: string) => order.indexOf(id);
    expect(rank("otlp")).toBe(5);
    expect(Math.max(rank("out"), rank("prometheus"))).toBe(1);
    expect(rank("redaction")).toBeLessThan(rank("activity"));
    expect(rank("activity")).toBeLessThan(rank("limiter"));
  });

  test("has a processor of a derived pipeline before the component that feeds it", () => {
    const otlp = receiver("otlp");
    const [activity, redaction] = [connector("activity"), processor("redaction")];
    const out = exporter("out");
    const order = connect(
      pipeline("logs/activity", [activity], [redaction], [out]),
      pipeline("logs", [otlp], [activity], [out]),
    );
    expect(order).toEqual(["out", "redaction", "activity", "otlp"]);
  });

  test("copes with an instance before and behind another", () => {
    const otlp = receiver("otlp");
    const [limiter, activity] = [processor("limiter"), connector("activity")];
    const out = exporter("out");
    const order = connect(
      pipeline("logs", [otlp], [limiter, activity], [out]),
      pipeline("logs/activity", [activity], [limiter], [out]),
    );
    expect(order).toHaveLength(4);
    expect([order[0], order[3]]).toEqual(["out", "otlp"]);
  });
});

test("a component without the role it is named in is a fault of its factory", () => {
  expect(() =>
    connect(pipeline("logs", [receiver("otlp")], [exporter("x")], [exporter("out")])),
  ).toThrow('Cannot use the exporter "x" in "processors" of a pipeline: it has no such role.');
});
