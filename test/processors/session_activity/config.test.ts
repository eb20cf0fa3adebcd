import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { components } from "../../../src/components.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { checkServiceConfig } from "../../../src/service/config.ts";

const folder = join(import.meta.dirname, "../../testdata/session_activity");

// One file for each mistake, and one with the answer.
for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
  const name = file.slice(0, -".yaml".length);
  test(`${name.replaceAll("-", " ")} is answered as written in ${name}.txt`, async () => {
    const checked = checkServiceConfig(
      loadConfig([relative(process.cwd(), join(folder, file))], {}),
      components,
    );
    const problems = checked.ok ? [] : checked.problems;
    const text = [
      checked.ok ? "accepted" : "refused",
      ...problems.map((problem) =>
        formatProblem(problem).replaceAll("test/testdata/session_activity/", ""),
      ),
    ].join("\n");
    await expect(`${text}\n`).toMatchFileSnapshot(join(folder, `${name}.txt`));
  });
}
