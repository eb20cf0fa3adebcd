import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { pathOf, textOf } from "../support/repository.ts";

const page = "docs/security/threat-model.md";

/** The rows of the tables under a heading, without their heads. */
function rowsUnder(heading: string): readonly string[] {
  const [, rest = ""] = textOf(page).split(`## ${heading}\n`);
  const [section = ""] = rest.split("\n## ");
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2);
}

/** The files that a text links to, by their path in the repository. */
function linksIn(text: string, from: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) =>
    posix.normalize(posix.join(posix.dirname(from), target)),
  );
}

describe("the threat model", () => {
  test("names for every threat from outside a control and a test that exists", () => {
    const rows = rowsUnder("What else can be tried");
    expect(rows.length).toBeGreaterThan(15);
    for (const row of rows) {
      const [threat, control, tests = ""] = row
        .split("|")
        .slice(1)
        .map((cell) => cell.trim());
      const named = linksIn(tests, page);
      expect([threat, control !== "", named.length > 0]).toEqual([threat, true, true]);
      expect([threat, named.filter((file) => !/^test\/.*\.ts$/.test(file))]).toEqual([threat, []]);
    }
  });

  for (const file of [page, "SECURITY.md"]) {
    test(`has no dead link in ${file}`, () => {
      const links = linksIn(textOf(file), file);
      expect(links.filter((link) => !existsSync(join(pathOf("."), link)))).toEqual([]);
    });
  }
});

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const { packages } = JSON.parse(textOf("package-lock.json")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
/** What an installation without development dependencies has. */
const production = Object.entries(packages).filter(([path, { dev }]) => path !== "" && !dev);

/** Licences that a program under Apache-2.0 may be shipped with. */
const allowed = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD"];

describe("the packages that production has", () => {
  test("have licences of the allow list", () => {
    expect(production.length).toBeGreaterThan(20);
    const others = production.filter(([, { license = "none" }]) => !allowed.includes(license));
    expect(others.map(([path, { license }]) => [path, license])).toEqual([]);
  });

  test("execute nothing when they are installed", () => {
    expect(production.filter(([, each]) => each.hasInstallScript).map(([path]) => path)).toEqual(
      [],
    );
  });
});
