import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { checkServiceConfig } from "../../src/service/config.ts";
import { factories } from "./config-factories.ts";

const folder = join(import.meta.dirname, "../testdata/config");
const environment = { PORT: "4318", EMPTY: "", NUMERIC_TOKEN: "0123" };

// One file per mistake (with `.overlay.yaml` beside it where two files make it) and what is said about it.
const fixtures = readdirSync(folder)
  .filter((name) => /^[a-z0-9-]+\.yaml$/.test(name))
  .map((name) => name.slice(0, -".yaml".length));

for (const name of fixtures) {
  test(`${name.replaceAll("-", " ")} is answered as written in ${name}.txt`, async () => {
    const files = [`${name}.yaml`, `${name}.overlay.yaml`]
      .map((file) => relative(process.cwd(), join(folder, file)))
      .filter((file) => existsSync(file));
    const checked = checkServiceConfig(loadConfig(files, environment), factories);
    const problems = checked.ok ? checked.config.notices : checked.problems;
    const text = [
      checked.ok ? "accepted" : "refused",
      ...problems.map((problem) => formatProblem(problem).replaceAll("test/testdata/config/", "")),
    ].join("\n");
    await expect(`${text}\n`).toMatchFileSnapshot(join(folder, `${name}.txt`));
  });
}
