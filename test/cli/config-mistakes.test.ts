import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { components } from "../../src/components.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { checkServiceConfig } from "../../src/service/config.ts";

const folder = join(import.meta.dirname, "../testdata/config-of-components");

// One file per mistake that the options of real components make, and what is said about it.
for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
  const name = file.slice(0, -".yaml".length);
  test(`${name.replaceAll("-", " ")} is answered as written in ${name}.txt`, async () => {
    const path = relative(process.cwd(), join(folder, file));
    const checked = checkServiceConfig(loadConfig([path], {}), components);
    const problems = checked.ok ? checked.config.notices : checked.problems;
    const text = [
      checked.ok ? "accepted" : "refused",
      ...problems.map((problem) =>
        formatProblem(problem).replaceAll("test/testdata/config-of-components/", ""),
      ),
    ].join("\n");
    await expect(`${text}\n`).toMatchFileSnapshot(join(folder, `${name}.txt`));
  });
}
