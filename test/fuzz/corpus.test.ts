import { afterAll, beforeAll, expect, test } from "vitest";
import { findingsOf } from "./corpus.ts";
import { fuzz } from "./fuzzer.ts";
import { SourceCoverage } from "./source-coverage.ts";
import { fuzzTargets } from "./targets.ts";

/** By count and not by time, so that every machine does the same. */
const shortExecutions = 200;

const coverage = new SourceCoverage();
beforeAll(() => coverage.start());
afterAll(() => coverage.stop());

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

test("these inputs reach every file that the targets name", () => {
  coverage.take();
  const named = fuzzTargets.flatMap(({ parsers }) => parsers);
  expect(named.filter((file) => !coverage.files.has(file))).toEqual([]);
});
