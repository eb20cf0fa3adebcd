// How often the collector is right: npm run accuracy -- [--quick] [--seed N] [--scenario NAME] [--json] [--cases]
// Exits with 1 when a target is missed. A full run of all scenarios writes docs/accuracy.md.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printTable } from "../report.ts";
import { accuracyPage } from "./page.ts";
import { figuresOf, jsonRow } from "./report.ts";
import { scenariosOf } from "./scenarios.ts";
import { type Trial, tryOut } from "./trial.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    scenario: { type: "string" },
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    cases: { type: "boolean", default: false },
  },
});
const all = scenariosOf(values.quick ? "quick" : "full");
const chosen = all.filter(({ name }) => values.scenario === undefined || values.scenario === name);
if (chosen.length === 0 || !/^\d{1,9}$/.test(values.seed)) {
  console.error(
    "Usage: npm run accuracy -- [--quick] [--seed N] [--scenario NAME] [--json] [--cases]",
  );
  console.error(`Scenarios: ${all.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const seed = Number(values.seed);
const trials: Trial[] = [];
for (const scenario of chosen) {
  console.error(`${scenario.name} …`);
  const trial = await tryOut(scenario, seed);
  trials.push(trial);
  for (const line of values.cases ? trial.cases : []) {
    console.error(line);
  }
  for (const miss of trial.misses) {
    console.error(`${scenario.name} missed its target: ${miss}.`);
  }
}
if (values.json) {
  console.log(JSON.stringify(trials.map(jsonRow), undefined, 2));
} else {
  printTable(`Accuracy with seed ${seed}`, trials.map(figuresOf));
}
if (!values.quick && values.scenario === undefined) {
  const path = join(import.meta.dirname, "..", "..", "docs", "accuracy.md");
  writeFileSync(path, accuracyPage(trials, seed));
  console.error("Wrote docs/accuracy.md.");
}
process.exit(trials.some(({ misses }) => misses.length > 0) ? 1 : 0);
