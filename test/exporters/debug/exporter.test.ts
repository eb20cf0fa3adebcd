import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { schema } from "../../../src/exporters/debug/config.ts";
import { createDebugExporter } from "../../../src/exporters/debug/exporter.ts";
import { factory } from "../../../src/exporters/debug/factory.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { deferred } from "../../support/deferred.ts";
import { noDeadline, testSettings } from "../settings.ts";
import { logs, metrics, traces } from "./sample.ts";

function exporter(section: unknown, write?: (text: string) => Promise<void>) {
  const test = testSettings("debug");
  const written: string[] = [];
  const component = createDebugExporter(
    test.settings,
    schema.parse(section),
    write ??
      (async (text) => {
        written.push(text);
      }),
  );
  const consume = (payload: Payload) =>
    component.exporter!.consumer!(payload.signal).consume(payload);
  return { ...test, component, consume, written };
}

function lengthDelimited(tag: number, content: Uint8Array): Buffer {
  const length = Buffer.alloc(5);
  length.writeUInt32LE(0);
  for (let at = 0, rest = content.length; at < 5; at++, rest = Math.floor(rest / 0x80)) {
    length[at] = (rest % 0x80) + (at < 4 ? 0x80 : 0);
  }
  return Buffer.concat([Uint8Array.of(tag), length, content]);
}

const garbage: Payload = { signal: "traces", items: 1, bytes: Buffer.from([0x0a, 0x05, 0xff]) };

describe("basic verbosity", () => {
  for (const [payload, message, fields] of [
    [traces, "Traces", { "resource spans": 2, spans: 2 }],
    [metrics, "Metrics", { "resource metrics": 1, metrics: 6, "data points": 7 }],
    [
      logs,
      "Logs",
      { "resource logs": 1, "log records": 4, events: { "session.activity.evicted": 2 } },
    ],
  ] as const) {
    test(`${payload.signal} are one line of counts and nothing else`, async () => {
      const { consume, log, written } = exporter({});
      expect(await consume(payload)).toEqual({ status: "accepted" });
      expect(log).toEqual([{ level: "info", message, fields }]);
      expect(written).toEqual([]);
    });
  }

  test("bytes that cannot be read are accepted and shown as a number of items", async () => {
    const { consume, log } = exporter({});
    expect(await consume(garbage)).toEqual({ status: "accepted" });
    expect(log).toEqual([{ level: "info", message: "Traces", fields: { items: 1 } }]);
  });

  test("an empty payload counts nothing", async () => {
    const { consume, log } = exporter({});
    await consume({ signal: "logs", items: 0, bytes: new Uint8Array() });
    expect(log).toEqual([
      { level: "info", message: "Logs", fields: { "resource logs": 0, "log records": 0 } },
    ]);
  });
});

describe("records on standard output", () => {
  for (const verbosity of ["normal", "detailed"] as const) {
    for (const payload of [traces, metrics, logs]) {
      test(`${payload.signal} at ${verbosity} verbosity`, async () => {
        const { consume, written, log } = exporter({ verbosity });
        await consume(payload);
        const file = new URL(
          `../../testdata/debug/${payload.signal}-${verbosity}.txt`,
          import.meta.url,
        );
        expect(written.join("")).toBe(readFileSync(file, "utf8"));
        expect(log).toHaveLength(1);
      });
    }
  }

  test("no ids get into the log, however much is shown", async () => {
    const { consume, log } = exporter({ verbosity: "detailed" });
    for (const payload of [traces, metrics, logs]) {
      await consume(payload);
    }
    expect(JSON.stringify(log)).not.toMatch(/0102030405060708|1112131415161718|telegram/);
  });

  test("bytes that cannot be decoded are accepted, with a warning", async () => {
    const { consume, log, written } = exporter({ verbosity: "normal" });
    expect(await consume(garbage)).toEqual({ status: "accepted" });
    expect(written).toEqual([]);
    expect(log.at(-1)).toEqual({
      level: "warn",
      message: "A payload cannot be decoded, so only its counts are printed.",
      fields: { signal: "traces" },
    });
  });

  test("a payload is accepted when its text is out, so that a slow terminal slows the sender", async () => {
    const out = deferred<void>();
    const order: string[] = [];
    const { consume } = exporter({ verbosity: "normal" }, () => out.promise);
    const accepted = consume(traces).then(() => order.push("accepted"));
    await new Promise((resolve) => setImmediate(resolve));
    order.push("written");
    out.resolve();
    await accepted;
    expect(order).toEqual(["written", "accepted"]);
  });
});

describe("sampling", () => {
  test("shows the first of a second, then every so-many-th, for each signal by itself", async () => {
    const { consume, log, clock } = exporter({ sampling_initial: 2, sampling_thereafter: 3 });
    const shown: number[] = [];
    for (let n = 1; n <= 9; n += 1) {
      const before = log.length;
      await consume(traces);
      if (log.length > before) {
        shown.push(n);
      }
    }
    expect(shown).toEqual([1, 2, 5, 8]);
    await consume(logs);
    expect(log.at(-1)?.message).toBe("Logs");
    const before = log.length;
    clock.advance(1_000);
    await consume(traces);
    expect(log.length).toBe(before + 1);
  });

  test("shows everything by default", async () => {
    const { consume, log } = exporter({});
    for (let n = 0; n < 100; n += 1) {
      await consume(traces);
    }
    expect(log).toHaveLength(100);
  });

  test("can show the first only", async () => {
    const { consume, log } = exporter({ sampling_initial: 1, sampling_thereafter: 0 });
    for (let n = 0; n < 10; n += 1) {
      expect(await consume(traces)).toEqual({ status: "accepted" });
    }
    expect(log).toHaveLength(1);
  });
});

test("the defaults are the Collector's, and a mistyped key is refused", () => {
  expect(factory.schema.parse({})).toEqual({
    verbosity: "basic",
    sampling_initial: 2,
    sampling_thereafter: 1,
  });
  expect(factory.schema.safeParse({ verbosty: "basic" }).success).toBe(false);
  expect(factory.schema.safeParse({ verbosity: "loud" }).success).toBe(false);
});

test("start and shutdown have nothing to do, in any order", async () => {
  const { component } = exporter({});
  await component.shutdown(noDeadline());
  await component.start();
  await component.shutdown(noDeadline());
});

test("after its shutdown it shows nothing and accepts nothing", async () => {
  const { component, consume, log } = exporter({});
  await component.start();
  await component.shutdown(noDeadline());
  expect(await consume(traces)).toEqual({
    status: "retryable",
    message: "This collector stops and shows nothing more.",
  });
  expect(log).toEqual([]);
});

test("a payload with more in it than memory holds is shown as counts, and one warning says so", async () => {
  const { consume, log, written } = exporter({ verbosity: "detailed" });
  const span = Buffer.concat([
    Uint8Array.of(0x12, 28, 0x0a, 16),
    Buffer.alloc(16, 1),
    Uint8Array.of(0x12, 8),
    Buffer.alloc(8, 1),
  ]);
  const large = (count: number): Payload => {
    const spans = Buffer.alloc(span.length * count, span);
    const part = lengthDelimited(0x12, spans);
    return { signal: "traces", items: count, bytes: lengthDelimited(0x0a, part) };
  };
  expect(await consume(large(3))).toEqual({ status: "accepted" });
  expect(written).toHaveLength(1);
  for (let n = 0; n < 2; n++) {
    expect(await consume(large(600_000))).toEqual({ status: "accepted" });
  }
  expect(written).toHaveLength(1);
  expect(log.filter(({ level }) => level === "warn")).toEqual([
    {
      level: "warn",
      message: expect.stringContaining("too much in it to be printed"),
      fields: { signal: "traces", held_back: 0 },
    },
  ]);
});
