import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SignalBatch } from "../../../src/activity/model/signal-batch.ts";
import { maxToolNames } from "../../../src/activity/model/work.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues, overflowValue } from "../../../src/activity/recognition/label-values.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import { SpanSignalReader } from "../../../src/activity/recognition/span-signal-reader.ts";

const hourMs = 3_600_000;
const numberOf = (values: LabelValues, value: string) =>
  values.numberOf(Buffer.from(value), 0, value.length);
const shown = (values: LabelValues, value: string) => values.valueOf(numberOf(values, value));

/** A table with room for `bound` values, `used` of which open work needs. */
function tableOf(bound: number) {
  const calls = { full: 0, inUse: 0 };
  const clock = { nowMs: 0 };
  const used = new Set<number>();
  const values = new LabelValues(bound, {
    clock,
    hashKey: randomBytes(16),
    inUse: () => {
      calls.inUse++;
      return used;
    },
    isId: (text) => text.startsWith("id-"),
    onFull: () => {
      calls.full++;
    },
  });
  return { values, clock, used, calls };
}

describe("values beyond the bound", () => {
  /** Two values that open work needs. */
  function full() {
    const table = tableOf(2);
    table.used.add(numberOf(table.values, "a")).add(numberOf(table.values, "b"));
    return table;
  }

  test("share one number that is none of theirs, are counted, and cause one warning an hour", () => {
    const { values, clock, calls } = full();
    expect(numberOf(values, "c")).toBe(values.overflow);
    expect(numberOf(values, "d")).toBe(values.overflow);
    expect(values.valueOf(values.overflow)).toBe(overflowValue);
    expect(numberOf(values, overflowValue)).toBe(values.overflow);
    expect(numberOf(values, "b")).toBe(2);
    expect([values.overflowed, calls.full]).toEqual([2, 1]);
    clock.nowMs = hourMs - 1;
    numberOf(values, "a");
    numberOf(values, "b");
    numberOf(values, "e");
    expect(calls.full).toBe(1);
    clock.nowMs = hourMs;
    numberOf(values, "e");
    expect([values.overflowed, calls.full]).toEqual([4, 2]);
  });

  test("displace values that were seen once and that nothing needs, the one seen longest ago first", () => {
    const { values, clock, used } = full();
    used.clear();
    clock.nowMs = 500;
    numberOf(values, "a");
    clock.nowMs = 600;
    expect(shown(values, "c")).toBe("c");
    expect([values.valueOf(1), values.valueOf(2)]).toEqual(["a", overflowValue]);
  });

  test("have no value while their number was not given", () => {
    const { values } = full();
    expect([0, 1, 3, 4].map((number) => values.valueOf(number))).toEqual([
      undefined,
      "a",
      overflowValue,
      undefined,
    ]);
  });

  test("get a number that was never given before", () => {
    const { values, clock, used } = full();
    used.clear();
    const numbers = ["c", "d", "e", "b"].map((value) => {
      clock.nowMs += 1000;
      return numberOf(values, value);
    });
    expect(numbers).toEqual([4, 5, 6, 7]);
    expect(values.overflow).toBe(3);
  });

  test("do not displace values of the same request", () => {
    const { values, used } = full();
    used.clear();
    expect(numberOf(values, "c")).toBe(values.overflow);
  });

  test("do not displace values that keep coming", () => {
    const { values, clock, used } = full();
    used.clear();
    for (let second = 1; second < 60; second++) {
      clock.nowMs = second * 1000;
      expect([numberOf(values, "a"), numberOf(values, "b")]).toEqual([1, 2]);
      expect(numberOf(values, `made-up-${second}`)).toBe(values.overflow);
    }
  });

  test("displace values that were not seen for an hour, those that open work needs last", () => {
    const { values, clock, used } = full();
    used.delete(1);
    numberOf(values, "c"); // From now on the table is full.
    clock.nowMs = hourMs - 1;
    expect(shown(values, "c")).toBe("c");
    clock.nowMs = 2 * hourMs;
    numberOf(values, "c");
    clock.nowMs += 1000;
    numberOf(values, "c");
    expect(shown(values, "d")).toBe("d");
    expect([values.valueOf(2), shown(values, "c")]).toEqual([overflowValue, "c"]);
  });

  test("cost one look at what is in use a second, however many there are", () => {
    const { values, clock, calls } = full();
    for (let at = 0; at < 1000; at++) {
      numberOf(values, `made-up-${at}`);
    }
    expect(calls.inUse).toBe(1);
    clock.nowMs = 1000;
    numberOf(values, "c");
    expect(calls.inUse).toBe(2);
  });

  test("of a thousand made-up names do not keep a good sender's name out", () => {
    const { values, clock } = tableOf(maxToolNames);
    for (let at = 0; at < 5 * maxToolNames; at++) {
      numberOf(values, `made-up-${at}`);
      clock.nowMs += 10;
    }
    expect(shown(values, "exec")).toBe("exec");
    clock.nowMs += 1000;
    numberOf(values, "exec");
    for (let at = 0; at < 5 * maxToolNames; at++) {
      numberOf(values, `another-${at}`);
      clock.nowMs += 10;
    }
    expect(shown(values, "exec")).toBe("exec");
    expect(values.size).toBeLessThanOrEqual(maxToolNames);
  });
});

test("a text that is an id by its form gets no number, and none that it had is restored", () => {
  const { values } = tableOf(2);
  expect([numberOf(values, "id-1"), numberOf(values, "name")]).toEqual([0, 1]);
  values.restore([7, "id-2"]);
  expect([values.valueOf(7), values.size]).toEqual([overflowValue, 1]);
  expect(numberOf(values, "next")).toBe(8);
});

describe("values that were stored", () => {
  test("are known again under their numbers", () => {
    const { values: before } = tableOf(10);
    for (const value of ["a", "b", "c"]) {
      numberOf(before, value);
    }
    const { values: after } = tableOf(10);
    for (const each of before.stored().toReversed()) {
      after.restore(each);
    }
    expect(["c", "a", "b", "d"].map((value) => numberOf(after, value))).toEqual([3, 1, 2, 4]);
    expect(after.takeChanged()).toEqual({ values: [[4, "d"]], forgotten: [] });
  });

  test("displace the first ones when there are more than fit, and one that had the number before", () => {
    const { values } = tableOf(2);
    for (const each of [
      [1, "a"],
      [2, "b"],
      [4, "c"],
      [4, "d"],
    ] as const) {
      values.restore(each);
    }
    expect([1, 2, 4].map((number) => values.valueOf(number))).toEqual(["a", "b", "d"]);
    values.endRestore();
    expect([1, 2, 4].map((number) => values.valueOf(number))).toEqual([overflowValue, "b", "d"]);
    expect(values.stored()).toEqual([
      [2, "b"],
      [4, "d"],
    ]);
  });
});

describe("what changes", () => {
  test("is a value when it is new and when it comes again after a second, and each that makes room", () => {
    const { values, clock } = tableOf(2);
    numberOf(values, "a");
    numberOf(values, "b");
    expect(values.takeChanged()).toEqual({
      values: [
        [1, "a"],
        [2, "b"],
      ],
      forgotten: [],
    });
    clock.nowMs = 1000;
    numberOf(values, "b");
    numberOf(values, "c");
    const changed = values.takeChanged();
    expect(changed).toEqual({
      values: [
        [2, "b", true],
        [4, "c"],
      ],
      forgotten: [1],
    });
    expect(values.takeChanged()).toEqual({ values: [], forgotten: [] });
  });

  test("does not pile up when it is never asked for", () => {
    const { values, clock } = tableOf(2);
    for (let at = 0; at < 100; at++) {
      clock.nowMs += 1000;
      numberOf(values, `made-up-${at}`);
    }
    expect(values.takeChanged()).toMatchObject({ values: { length: 2 }, forgotten: [] });
  });

  test("is readable under its old name until a restore has ended", () => {
    const { values } = tableOf(2);
    values.restore([1, "a", true]);
    values.restore([2, "b"]);
    values.restoreForgotten(1);
    values.restore([4, "c"]);
    expect([1, 2, 4].map((number) => values.valueOf(number))).toEqual(["a", "b", "c"]);
    values.endRestore();
    expect([1, 2, 4].map((number) => values.valueOf(number))).toEqual([overflowValue, "b", "c"]);
    expect(values.takeChanged()).toEqual({ values: [], forgotten: [] });
    expect(values.stored()).toEqual([
      [2, "b"],
      [4, "c"],
    ]);
  });
});

/** The hash that the table had until it was keyed. */
function formerHash(text: string): number {
  return [...Buffer.from(text)].reduce(
    (hash, byte) => (Math.imul(hash, 31) + byte) | 0,
    text.length,
  );
}

describe("names that a sender chose so that they collide", () => {
  const poison = gunzipSync(readFileSync("test/testdata/hostile/labels-poison.pb.gz"));
  const many = gunzipSync(readFileSync("test/testdata/hostile/labels-20000.pb.gz"));

  test("are found after as many comparisons as others", () => {
    const { values: tools } = tableOf(maxToolNames);
    const { values: channels } = tableOf(100);
    const hash = new KeyedHash(randomBytes(16));
    const reader = new SpanSignalReader({
      processes: new SenderProcesses(),
      hash,
      tools,
      channels,
    });
    const signals = new SignalBatch();
    expect(reader.read(poison, signals).ok).toBe(true);
    const names = tools.stored().map(([, name]) => name);
    expect(names.length).toBe(maxToolNames);
    expect(new Set(names.map(formerHash)).size).toBeLessThan(20);
    expect(tools.longestSearch).toBeLessThanOrEqual(2);
    reader.read(many, signals);
    expect(signals.count).toBe(20_000);
    expect(tools.longestSearch).toBeLessThanOrEqual(2);
  });
});
