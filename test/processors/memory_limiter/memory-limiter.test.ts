import { expect, test } from "vitest";
import { accepted, type Consumer } from "../../../src/component/consumer.ts";
import type { Payload, Signal } from "../../../src/otlp/payload.ts";
import { factory } from "../../../src/processors/memory_limiter/factory.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { type FakeMemory, fakeMemory, mebibyte } from "../../support/fake-memory.ts";

const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];
const payloadOf = (signal: Signal, items = 3): Payload => ({
  signal,
  bytes: new Uint8Array(1),
  items,
});
const usage = (rssMiB: number, heapMiB = 10) => ({
  rssBytes: rssMiB * mebibyte,
  liveBytes: rssMiB * mebibyte,
  heapBytes: heapMiB * mebibyte,
});
/** Soft limit 640 MiB, hard limit 800 MiB; of the heap 64 and 80. */
const section = { limit_percentage: 80 };
const limits = { limitMiB: 1000, heapLimitMiB: 100 };

async function started(memory: FakeMemory, next: Consumer = { consume: async () => accepted }) {
  const test = testSettings("memory_limiter");
  const component = factory.create({ ...test.settings, memory }, section);
  const consumers = new Map(
    signals.map((signal) => [signal, component.processor!.wrap(signal, next)] as const),
  );
  await component.start();
  return { ...test, component, memory, of: (signal: Signal) => consumers.get(signal)! };
}

const refused = {
  status: "retryable",
  message: "data refused due to high memory usage",
  retryAfterMs: 1_000,
};

for (const signal of signals) {
  test(`${signal} are refused above the soft limit and accepted below it`, async () => {
    const limiter = await started(fakeMemory(limits));
    const consumer = limiter.of(signal);
    expect(await consumer.consume(payloadOf(signal))).toEqual(accepted);
    expect(consumer.refusal?.()).toBeUndefined();

    limiter.memory.used = usage(640);
    limiter.clock.advance(1_000);
    expect(await consumer.consume(payloadOf(signal))).toEqual(refused);
    expect(consumer.refusal?.()).toEqual(refused);

    limiter.memory.used = usage(639);
    limiter.clock.advance(1_000);
    expect(await consumer.consume(payloadOf(signal))).toEqual(accepted);
    expect(consumer.refusal?.()).toBeUndefined();
  });
}

test("memory that stays above the hard limit after a burst refuses data for 10 s, not for ever", async () => {
  const limiter = await started(fakeMemory(limits));
  limiter.memory.used = usage(900);
  limiter.clock.advance(1_000);
  expect(await limiter.of("logs").consume(payloadOf("logs"))).toEqual(refused);

  limiter.memory.used = { ...usage(900), liveBytes: 500 * mebibyte };
  limiter.clock.advance(9_000);
  expect(await limiter.of("logs").consume(payloadOf("logs"))).toEqual(refused);
  limiter.clock.advance(1_000);
  expect(await limiter.of("logs").consume(payloadOf("logs"))).toEqual(accepted);
  expect(limiter.log.at(-1)).toMatchObject({
    level: "info",
    message: expect.stringContaining("Physical memory stays above the hard limit"),
    fields: { rss_mib: 900, live_mib: 500, soft_limit_mib: 640, hard_limit_mib: 800 },
  });

  limiter.memory.used = usage(900);
  limiter.clock.advance(1_000);
  expect(await limiter.of("logs").consume(payloadOf("logs"))).toEqual(refused);
});

test("the heap alone can be what is short", async () => {
  const limiter = await started(fakeMemory(limits));
  limiter.memory.used = usage(100, 64);
  limiter.clock.advance(1_000);
  expect(await limiter.of("logs").consume(payloadOf("logs"))).toEqual(refused);
});

test("memory is measured at the start, not only an interval later", async () => {
  const memory = fakeMemory(limits);
  memory.used = usage(900);
  const limiter = await started(memory);
  expect(await limiter.of("logs").consume(payloadOf("logs"))).toEqual(refused);
});

for (const [title, config, used, afterwards, advice] of [
  [
    "limit_mib below what the process needs",
    { limit_mib: 50 },
    usage(70),
    usage(45),
    {
      message:
        "The limit is below what this process uses before any data arrives, so it will refuse all data. Raise limit_mib.",
      fields: { live_mib: 45, soft_limit_mib: 40, rss_mib: 45, hard_limit_mib: 50 },
    },
  ],
  [
    "limit_percentage below what the process needs",
    { limit_percentage: 5 },
    usage(70),
    usage(60),
    {
      message:
        "The limit is below what this process uses before any data arrives, so it will refuse all data. Raise limit_percentage or the memory limit of the process.",
      fields: { live_mib: 60, soft_limit_mib: 40, rss_mib: 60, hard_limit_mib: 50 },
    },
  ],
  ["a limit that suffices without garbage", { limit_mib: 50 }, usage(70), usage(39), undefined],
  ["a heap that is full of state", { limit_mib: 900 }, usage(90, 90), usage(90, 90), undefined],
] as const) {
  test(`the start ${advice === undefined ? "does not warn" : "warns"} of ${title}`, async () => {
    const memory = fakeMemory({ ...limits, afterCollection: () => afterwards });
    memory.used = used;
    const { settings, log } = testSettings("memory_limiter");
    const component = factory.create({ ...settings, memory }, config);
    await component.start();
    await component.shutdown(noDeadline());
    expect(log.filter(({ message }) => message.includes("before any data"))).toEqual(
      advice === undefined ? [] : [{ level: "warn", ...advice }],
    );
  });
}

test("a refusal of what follows is passed on", async () => {
  const full = { status: "retryable", message: "full" } as const;
  const limiter = await started(fakeMemory(limits), {
    consume: async () => full,
    refusal: () => full,
  });
  expect(limiter.of("traces").refusal?.()).toEqual(full);
});

test("garbage is collected before data is refused, and nothing is refused when that helps", async () => {
  const memory = fakeMemory({ ...limits, afterCollection: () => usage(300) });
  const limiter = await started(memory);
  memory.used = usage(700);
  limiter.clock.advance(1_000);
  expect(memory.collections).toBe(1);
  expect(await limiter.of("traces").consume(payloadOf("traces"))).toEqual(accepted);
  expect(limiter.statuses).toEqual([]);
});

test("garbage is collected every 10 s at most above the soft limit, and at every check above the hard one", async () => {
  const soft = fakeMemory({ ...limits, afterCollection: () => usage(640) });
  soft.used = usage(700);
  const aboveSoft = await started(soft);
  const hard = fakeMemory({ ...limits, afterCollection: () => usage(640) });
  hard.used = usage(900);
  const aboveHard = await started(hard);
  for (let second = 1; second <= 10; second++) {
    soft.used = usage(700);
    hard.used = usage(900);
    aboveSoft.clock.advance(1_000);
    aboveHard.clock.advance(1_000);
  }
  expect([soft.collections, hard.collections]).toEqual([2, 11]);
});

test("the status says why data is refused, and ok afterwards", async () => {
  const limiter = await started(fakeMemory(limits));
  limiter.memory.used = usage(900);
  limiter.clock.advance(2_000);
  limiter.memory.used = usage(50);
  limiter.clock.advance(2_000);
  expect(limiter.statuses).toEqual([
    {
      status: "recoverable_error",
      message: "Data is refused, because the process is short of memory.",
    },
    { status: "ok" },
  ]);
});

test("one line is logged when it begins and one when it ends, with the figures", async () => {
  const limiter = await started(fakeMemory(limits));
  limiter.log.splice(0);
  limiter.memory.used = usage(700, 20);
  limiter.clock.advance(60_000);
  limiter.memory.used = usage(300, 20);
  limiter.clock.advance(60_000);
  const figures = {
    soft_limit_mib: 640,
    hard_limit_mib: 800,
    heap_mib: 20,
    heap_soft_limit_mib: 64,
    changes: 1,
  };
  expect(limiter.log).toEqual([
    {
      level: "warn",
      message: "Memory usage is above the soft limit. Refusing data.",
      fields: { rss_mib: 700, live_mib: 700, ...figures },
    },
    {
      level: "info",
      message: "Memory usage is back within limits. Accepting data again.",
      fields: { rss_mib: 300, live_mib: 300, ...figures },
    },
  ]);
});

test("memory that goes up and down every second is logged every 10 s, and its last state is", async () => {
  const limiter = await started(fakeMemory(limits));
  limiter.log.splice(0);
  for (let second = 0; second < 31; second++) {
    limiter.memory.used = usage(second % 2 === 0 ? 700 : 300);
    limiter.clock.advance(1_000);
  }
  limiter.memory.used = usage(300);
  limiter.clock.advance(20_000);
  expect(limiter.log.length).toBeLessThanOrEqual(6);
  expect(limiter.log.at(-1)?.level).toBe("info");
  const changes = limiter.log.map(({ fields }) => Number(fields?.["changes"]));
  expect(changes.reduce((sum, each) => sum + each, 0)).toBe(32);
});

test("items are counted by what became of them", async () => {
  const limiter = await started(fakeMemory(limits));
  await limiter.of("traces").consume(payloadOf("traces", 5));
  await limiter.of("metrics").consume(payloadOf("metrics", 2));
  limiter.memory.used = usage(900);
  limiter.clock.advance(1_000);
  await limiter.of("traces").consume(payloadOf("traces", 7));
  const page = await limiter.ownMetrics();
  for (const [name, want] of [
    ["accepted_spans", 5],
    ["refused_spans", 7],
    ["accepted_metric_points", 2],
    ["refused_metric_points", 0],
    ["accepted_log_records", 0],
    ["refused_log_records", 0],
  ] as const) {
    expect(page).toContain(
      `otelcol_processor_memory_limiter_${name}{processor="memory_limiter"} ${want}\n`,
    );
  }
});

test("a limit above that of the process is warned of", async () => {
  const test = testSettings("memory_limiter");
  const memory = fakeMemory({ limitMiB: 256 });
  const component = factory.create({ ...test.settings, memory }, { limit_mib: 400 });
  await component.start();
  expect(test.log.filter(({ level }) => level === "warn")).toMatchObject([
    { fields: { limit_mib: 400, memory_limit_mib: 256 } },
  ]);
  await component.shutdown(noDeadline());
});

test("after its shutdown nothing is measured and nothing passes", async () => {
  const limiter = await started(fakeMemory(limits));
  await limiter.component.shutdown(noDeadline());
  limiter.memory.used = usage(900);
  limiter.clock.advance(10_000);
  expect(limiter.statuses).toEqual([]);
  expect((await limiter.of("logs").consume(payloadOf("logs"))).status).toBe("retryable");
});
