import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeVersionProblem } from "../src/node-version.ts";

const root = new URL("../", import.meta.url);

describe("the version of Node", () => {
  test.each(["22.15.0", "22.15.1", "22.100.0", "23.0.0", "24.21.0", "100.0.0"])(
    "%s is recent enough",
    (version) => {
      expect(nodeVersionProblem(version)).toBeUndefined();
    },
  );

  test.each(["18.20.4", "20.20.2", "22.9.0", "22.14.9", "3.99.0"])("%s is too old", (version) => {
    expect(nodeVersionProblem(version)).toBe(
      `activity-collector needs Node.js 22.15 or newer. This is Node.js ${version}.`,
    );
  });

  test("is that of the package", () => {
    const { engines } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
    expect(engines.node).toBe(">=22.15");
  });

  test("is checked before the modules that need it are linked", () => {
    const main = readFileSync(new URL("src/main.ts", root), "utf8");
    const linked = [...main.matchAll(/^import (?!type )[^;]*from "([^"]+)"/gm)].map(
      ([, from]) => from,
    );
    expect(linked).toEqual(["node:crypto", "./node-version.ts"]);
  });
});
