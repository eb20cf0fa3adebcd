import { describe, expect, test } from "vitest";
import { FuzzRandom } from "./fuzz-random.ts";
import { fuzzTarget, must } from "./fuzz-target.ts";
import { fuzz } from "./fuzzer.ts";
import { minimized } from "./minimize.ts";
import { mutated } from "./mutate.ts";
import { SourceCoverage } from "./source-coverage.ts";
import { fuzzTargets } from "./targets.ts";

const maxExecutions = 3_000;

describe("a parser with a bug", () => {
  for (const target of fuzzTargets) {
    test(`is found by ${target.name} within ${maxExecutions} executions`, async () => {
      const report = await fuzz(target, {
        seed: 1,
        executions: maxExecutions,
        isBroken: true,
        maxFindings: 1,
      });
      expect(report.findings).toHaveLength(1);
    }, 120_000);
  }
});

describe("the fuzzer", () => {
  const options = {
    name: "sample",
    parsers: [],
    executions: 1,
    seeds: () => ["<a>"],
    words: ["!"],
  };

  test("finds the same with the same seed, and something else with another", async () => {
    const seen: string[] = [];
    const target = fuzzTarget({
      ...options,
      parser: undefined,
      broken: undefined,
      check: (_, input) => {
        seen.push(Buffer.from(input).toString("hex"));
        return 1;
      },
    });
    const inputsWith = async (seed: number) => {
      seen.length = 0;
      await fuzz(target, { seed, executions: 300 });
      return [...seen];
    };
    const first = await inputsWith(1);
    expect(await inputsWith(1)).toEqual(first);
    expect(await inputsWith(2)).not.toEqual(first);
  });

  for (const [what, check] of [
    ["an exception", () => JSON.parse("{")],
    [
      "an answer that differs the second time",
      (() => {
        let count = 0;
        return () => count++;
      })(),
    ],
    [
      "a parser that takes too long",
      () => {
        const { user } = process.cpuUsage();
        while (process.cpuUsage().user - user < 300_000) {
          // It is busy.
        }
        return 1;
      },
    ],
    ["a promise that is rejected", () => Promise.reject(new Error("no"))],
  ] as const) {
    test(`reports ${what}`, async () => {
      const target = fuzzTarget({
        ...options,
        parser: undefined,
        broken: undefined,
        seeds: () => [""],
        check,
      });
      const report = await fuzz(target, { seed: 1, executions: 8, maxFindings: 1 });
      expect(report.findings).toHaveLength(1);
    });
  }

  test("does not take one pause for a slow parser", async () => {
    let isFirst = true;
    const target = fuzzTarget({
      ...options,
      parser: undefined,
      broken: undefined,
      check: () => {
        const { user } = process.cpuUsage();
        while (isFirst && process.cpuUsage().user - user < 300_000) {
          // It is busy.
        }
        isFirst = false;
        return 1;
      },
    });
    expect((await fuzz(target, { seed: 1, executions: 8 })).findings).toEqual([]);
  });

  test("leaves out of a finding what it does not need", async () => {
    const input = Buffer.from("a long text with an ! in it");
    expect(
      Buffer.from(await minimized(input, async (each) => each.includes(0x21))).toString(),
    ).toBe("!");
  });

  test("never makes an input longer than allowed", () => {
    const random = new FuzzRandom(1);
    const words = [Buffer.from("word")];
    let input: Uint8Array = Buffer.from("seed");
    for (let left = 2_000; left > 0; left--) {
      input = mutated(input, random, { words, corpus: [input], maxBytes: 100 });
      must(input.length <= 100, "it is bounded");
    }
  });

  test("counts a block of src once", async () => {
    const coverage = new SourceCoverage();
    coverage.start();
    const { pathOf } = await import("../../src/net/request-target.ts");
    coverage.take();
    pathOf("/a");
    const first = coverage.look();
    pathOf("/a");
    expect([first.length > 0, coverage.look()]).toEqual([true, []]);
    coverage.stop();
  });
});
