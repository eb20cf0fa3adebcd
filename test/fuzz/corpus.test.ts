import { expect, test } from "vitest";
import { findingsOf } from "./corpus.ts";
import { fuzz } from "./fuzzer.ts";
import { fuzzTargets } from "./targets.ts";

/** By count and not by time, so that every machine does the same. */
const shortExecutions = 200;

for (const target of fuzzTargets) {
  test(`${target.name} holds for all earlier findings, its seeds, and ${shortExecutions} inputs in all`, async () => {
    const inputs = findingsOf(target.name).map(([, input]) => input);
    const report = await fuzz(target, { seed: 7, executions: shortExecutions, inputs });
    const found = report.findings.map(({ kind, input }) => [
      kind,
      Buffer.from(input).toString("hex"),
    ]);
    expect(found).toEqual([]);
    expect(report.executions).toBeGreaterThanOrEqual(shortExecutions);
  }, 120_000);
}
