import { parseArgs } from "node:util";
import { findingsOf, keepFinding } from "../test/fuzz/corpus.ts";
import { fuzz } from "../test/fuzz/fuzzer.ts";
import { SourceCoverage } from "../test/fuzz/source-coverage.ts";
import { fuzzTargets } from "../test/fuzz/targets.ts";

/**
 * Fuzzes every parser of foreign bytes, guided by the coverage of `src`, and keeps what it finds in `test/testdata/fuzz`. The same seed has
 * the same inputs again. Exits with 1 if something was found.
 */
const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true },
    seed: { type: "string", default: "1" },
    /** A part of all executions, 0.001 for a short run. */
    part: { type: "string", default: "1" },
    keep: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const seed = Number(values.seed);
const part = Number(values.part);
const chosen = fuzzTargets.filter(({ name }) => values.target?.includes(name) ?? true);
if (chosen.length === 0 || !Number.isInteger(seed) || !(part > 0)) {
  console.error(
    `No such target, seed or part. Targets: ${fuzzTargets.map(({ name }) => name).join(", ")}.`,
  );
  process.exit(2);
}

const coverage = new SourceCoverage();
coverage.start();
let executions = 0;
let found = 0;
console.log(
  "target                     executions  corpus  blocks (seeds → end)  seconds  findings",
);
for (const target of chosen) {
  const before = performance.now();
  const report = await fuzz(target, {
    seed,
    coverage,
    executions: Math.max(Math.ceil(target.executions * part), 200),
    inputs: findingsOf(target.name).map(([, input]) => input),
  });
  executions += report.executions;
  found += report.findings.length;
  const seconds = ((performance.now() - before) / 1000).toFixed(1);
  const blocks = `${report.seedBlocks} → ${report.blocks}`;
  console.log(
    `${target.name.padEnd(26)} ${String(report.executions).padStart(10)} ${String(report.corpus).padStart(7)} ${blocks.padStart(21)} ${seconds.padStart(8)} ${String(report.findings.length).padStart(9)}`,
  );
  for (const { kind, input, execution } of report.findings) {
    const path = values.keep ? keepFinding(target.name, input) : "not kept";
    console.log(`  ${kind}: ${input.length} bytes, execution ${execution}, ${path}`);
  }
}
// A parser that no target reaches is not fuzzed, whatever the list says.
const missed = chosen.flatMap(({ parsers }) => parsers.filter((file) => !coverage.files.has(file)));
coverage.stop();
for (const file of new Set(missed)) {
  console.log(`  ${file} was never executed.`);
}
console.log(
  `${executions} executions of ${chosen.length} targets, seed ${seed}, ${found} findings.`,
);
// A short run need not get everywhere.
process.exitCode = found > 0 || (missed.length > 0 && part >= 1) ? 1 : 0;
