import { expect, test } from "vitest";
import { z } from "zod";
import { textOf } from "../support/repository.ts";

const names = z.record(z.string(), z.string()).default({});
const { packages } = z
  .object({
    packages: z.record(
      z.string(),
      z.object({
        resolved: z.string().optional(),
        dependencies: names,
        optionalDependencies: names,
      }),
    ),
  })
  .parse(JSON.parse(textOf("package-lock.json")));

/** Where Node would find a package from the folder of another one. */
function foundFrom(folder: string, name: string): string | undefined {
  const parts = folder === "" ? [] : folder.split("/node_modules/");
  return parts
    .map((_, index) => `${parts.slice(0, parts.length - index).join("/node_modules/")}/`)
    .concat("")
    .map((above) => `${above}node_modules/${name}`)
    .find((path) => path in packages);
}

test("the lock file has the packages of every platform, or npm ci would refuse it", () => {
  const missing = Object.entries(packages).flatMap(
    ([folder, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies }).filter(
        (name) => foundFrom(folder, name) === undefined,
      ),
  );
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(missing).toEqual([]);
});

test("the lock file names no registry, so that it works with any", () => {
  const named = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
  expect(named).toEqual([]);
});
