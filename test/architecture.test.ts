import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { circlesOf } from "./support/circles.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const src = join(root, "src");

/** Sections whose folders are each one component. */
const componentSections = ["receivers", "processors", "exporters", "extensions"];

const everyone = "everything" as const;

/** What every part may import, because it knows nothing of the program. */
const forEveryone = ["collections", "files"];

/** Who may import whom, besides itself: the table of docs/ARCHITECTURE.md. */
const mayImport: Readonly<Record<string, readonly string[] | typeof everyone>> = {
  collections: [],
  files: [],
  otlp: [],
  config: [],
  net: [],
  metrics: [],
  sender: [],
  component: ["otlp", "net"],
  activity: ["otlp", "component", "privacy"],
  memory: ["component"],
  privacy: ["config"],
  delivery: ["component", "otlp", "config", "net", "metrics"],
  "any component": [
    "component",
    "otlp",
    "config",
    "net",
    "metrics",
    "activity",
    "sender",
    "delivery",
    "memory",
    "serving",
    "privacy",
  ],
  serving: ["component", "config", "net", "metrics"],
  service: ["component", "otlp", "config", "net", "metrics", "serving"],
  preload: ["component", "activity", "sender", "system-clock.ts"],
  "system-clock.ts": ["component"],
  "components.ts": ["component", "any component"],
  cli: everyone,
  "main.ts": everyone,
  "node-version.ts": [],
};

/** Inside `activity`: each folder, and those that it may import besides itself. Also a table of docs/ARCHITECTURE.md. */
const layers: Readonly<Record<string, readonly string[]>> = {
  model: [],
  recognition: ["model"],
  engine: ["model"],
  journal: ["model", "recognition", "engine"],
};

/** What comes from outside must be handed in. The files named are the places where it is taken. */
const ambient: readonly {
  readonly what: string;
  readonly pattern: RegExp;
  readonly only: readonly string[];
}[] = [
  { what: "Date.now", pattern: /\bDate\.now\b/, only: ["system-clock.ts"] },
  { what: "new Date()", pattern: /\bnew Date\(\s*\)/, only: [] },
  { what: "performance.now", pattern: /\bperformance\.now\b/, only: ["system-clock.ts"] },
  { what: "process.hrtime", pattern: /\bprocess\.(hrtime|uptime)\b/, only: [] },
  { what: "setTimeout", pattern: /(?<!\.)\bsetTimeout\s*\(/, only: ["system-clock.ts"] },
  { what: "setInterval", pattern: /(?<!\.)\bsetInterval\s*\(/, only: ["system-clock.ts"] },
  { what: "timers of Node", pattern: /["']node:timers/, only: [] },
  { what: "AbortSignal.timeout", pattern: /\bAbortSignal\.timeout\b/, only: [] },
  { what: "Math.random", pattern: /\bMath\.random\b/, only: ["main.ts"] },
  {
    what: "randomness of node:crypto",
    pattern:
      /\b(randomUUID|randomInt|getRandomValues|randomFillSync)\b|import\s*\{[^}]*\brandomBytes\b/,
    only: ["main.ts"],
  },
  { what: "process.env", pattern: /\bprocess\.env\b/, only: ["main.ts", "preload/register.ts"] },
  { what: "process.argv", pattern: /\bprocess\.argv\b/, only: ["main.ts"] },
  { what: "process.exit", pattern: /\bprocess\.exit(Code)?\b/, only: ["main.ts"] },
  { what: "process.on", pattern: /\bprocess\.(on|once)\s*\(/, only: ["main.ts"] },
];

interface SourceFile {
  /** Relative to `src`, or to the root of the project, with forward slashes. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
}

const files = sourcesIn(src);

/** Those of the plugin too, relative to the root of the project. */
const allFiles = ["src", "openclaw-plugin"].flatMap((folder) =>
  sourcesIn(join(root, folder)).map(({ path, code }) => ({ path: `${folder}/${path}`, code })),
);

function sourcesIn(folder: string): readonly SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /\.[cm]?[jt]s$/.test(path) && !/(^|\/)(node_modules|dist)\//.test(path))
    .filter((path) => !posix.basename(path).startsWith("generated"))
    .map((path) => ({ path, code: withoutComments(readFileSync(join(folder, path), "utf8")) }));
}

function withoutComments(text: string): string {
  // Strings first, so that a `//` inside one stays.
  return text.replaceAll(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, literal: string | undefined) => literal ?? "",
  );
}

interface Import {
  readonly from: SourceFile;
  /** Relative to what the importing file is relative to. */
  readonly to: string;
  readonly isTypeOnly: boolean;
}

function importsOf(file: SourceFile): readonly Import[] {
  const pattern =
    /\b(import|export)\s+(type\s+)?[^"';]*?from\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g;
  return [...file.code.matchAll(pattern)].flatMap(([, , type, from, bare]) => {
    const target = from ?? bare ?? "";
    return target.startsWith(".")
      ? [
          {
            from: file,
            to: posix.join(posix.dirname(file.path), target),
            isTypeOnly: type !== undefined,
          },
        ]
      : [];
  });
}

/** The part a file belongs to: its top folder, or for components the folder of the one component. */
function partOf(path: string): string {
  const [top = "", second = ""] = path.split("/");
  return componentSections.includes(top) ? `${top}/${second}` : top;
}

function ruleOf(part: string): string {
  return componentSections.includes(part.split("/")[0] ?? "") ? "any component" : part;
}

function isAllowed(from: string, to: string): boolean {
  if (from === to) {
    return true;
  }
  const allowed = mayImport[ruleOf(from)];
  return (
    forEveryone.includes(to) || allowed === everyone || (allowed?.includes(ruleOf(to)) ?? false)
  );
}

const imports = files.flatMap(importsOf);
const parts = [...new Set(files.map(({ path }) => partOf(path)))];

describe("who may import whom", () => {
  test("every part of the program has a rule", () => {
    expect(parts.filter((part) => mayImport[ruleOf(part)] === undefined)).toEqual([]);
  });

  test("every rule is about a part that exists", () => {
    const used = new Set(parts.map(ruleOf));
    expect(Object.keys(mayImport).filter((rule) => !used.has(rule))).toEqual([]);
  });

  test("imports of our own files were found and lead to files", () => {
    expect(imports.length).toBeGreaterThan(files.length);
    expect(
      imports.filter(({ to }) => !existsSync(join(src, to))).map(({ from, to }) => [from.path, to]),
    ).toEqual([]);
  });

  for (const part of parts) {
    test(`${part} keeps to its rule`, () => {
      const breaches = imports
        .filter(({ from }) => partOf(from.path) === part)
        .filter(({ to }) => !isAllowed(part, partOf(to)))
        .map(({ from, to }) => `${from.path} imports ${to}`);
      expect(breaches).toEqual([]);
    });
  }

  test("the preload imports of activity only what recognizes a span", () => {
    const imported = imports
      .filter(({ from, to }) => partOf(from.path) === "preload" && to.startsWith("activity/"))
      .map(({ to }) => to);
    expect([...new Set(imported)].sort()).toEqual([
      "activity/recognition/session-values.ts",
      "activity/recognition/span-class.ts",
      "activity/recognition/work-spans.ts",
    ]);
  });

  test("activity takes nothing but types of the contracts", () => {
    const breaches = imports
      .filter(({ from, to }) => partOf(from.path) === "activity" && partOf(to) === "component")
      .filter(({ isTypeOnly }) => !isTypeOnly)
      .map(({ from, to }) => `${from.path} imports ${to}`);
    expect(breaches).toEqual([]);
  });

  for (const [layer, allowed] of Object.entries(layers)) {
    test(`activity/${layer} imports ${["itself", ...allowed].join(", ")} of activity`, () => {
      const layerOf = (path: string) => path.split("/")[1] ?? "";
      const breaches = imports
        .filter(
          ({ from, to }) =>
            from.path.startsWith(`activity/${layer}/`) && to.startsWith("activity/"),
        )
        .filter(({ to }) => layerOf(to) !== layer && !allowed.includes(layerOf(to)))
        .map(({ from, to }) => `${from.path} imports ${to}`);
      expect(breaches).toEqual([]);
    });
  }

  test("the only part of the sender that a component takes is how it reads Retry-After", () => {
    const taken = imports
      .filter(({ to }) => partOf(to) === "sender")
      .filter(({ from }) => !["sender", "preload"].includes(partOf(from.path)))
      .map(({ from, to }) => `${from.path} imports ${to}`);
    expect(taken).toEqual(["exporters/otlp_http/outcome.ts imports sender/retry-after.ts"]);
  });

  test("the sender needs nothing but Node", () => {
    const packages = files
      .filter(({ path }) => partOf(path) === "sender")
      .flatMap(({ code }) => [...code.matchAll(/(?:from|import)\s*\(?\s*["']([^"'.][^"']*)["']/g)])
      .map(([, name]) => name ?? "");
    expect(packages.length).toBeGreaterThan(0);
    expect(packages.filter((name) => !name.startsWith("node:"))).toEqual([]);
  });

  test("the plugin for OpenClaw takes only the sender, the collections and the clock of the collector", () => {
    const taken = allFiles
      .filter(({ path }) => path.startsWith("openclaw-plugin/"))
      .flatMap(importsOf)
      .map(({ to }) => to)
      .filter((to) => !to.startsWith("openclaw-plugin/"));
    expect(taken.length).toBeGreaterThan(0);
    const isTaken = /^src\/(sender\/|collections\/|system-clock\.ts$)/;
    expect(taken.filter((to) => !isTaken.test(to))).toEqual([]);
  });

  test("the contracts import nothing but types", () => {
    const breaches = imports
      .filter(({ from, to }) => partOf(from.path) === "component" && partOf(to) !== "component")
      .filter(({ isTypeOnly }) => !isTypeOnly)
      .map(({ from, to }) => `${from.path} imports ${to}`);
    expect(breaches).toEqual([]);
  });

  test("the rules tell a breach from what is allowed", () => {
    expect(isAllowed("receivers/otlp", "exporters/debug")).toBe(false);
    expect(isAllowed("service", "receivers/otlp")).toBe(false);
    expect(isAllowed("otlp", "component")).toBe(false);
    expect(isAllowed("receivers/otlp", "net")).toBe(true);
    expect(isAllowed("components.ts", "receivers/otlp")).toBe(true);
  });
});

describe("docs/ARCHITECTURE.md", () => {
  const page = readFileSync(join(root, "docs", "ARCHITECTURE.md"), "utf8");

  /** The rules of the table whose first column has this heading: of each name in a row, what the second column names. */
  function rulesUnder(heading: string): Record<string, readonly string[] | typeof everyone> {
    const lines = page.split("\n");
    const first = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
    const rest = lines.slice(first + 2);
    const rows = rest.slice(
      0,
      rest.findIndex((line) => !line.startsWith("|")),
    );
    return Object.fromEntries(
      rows.flatMap((row) => {
        const [, names = "", allowed = ""] = row.split("|").map((cell) => cell.trim());
        return namesIn(names).map((name) => [
          name,
          allowed === everyone ? everyone : namesIn(allowed),
        ]);
      }),
    );
  }

  /** `otlp` in backticks, or "any component" as it is. */
  function namesIn(cell: string): string[] {
    return [...cell.matchAll(/`([^`]+)`|any component/g)].map(([whole, name]) => name ?? whole);
  }

  const sorted = (rules: Readonly<Record<string, readonly string[] | typeof everyone>>) =>
    Object.fromEntries(
      Object.entries(rules).map(([name, allowed]) => [
        name,
        allowed === everyone ? everyone : [...allowed].sort(),
      ]),
    );

  test("has the table of who may import whom", () => {
    expect(sorted(rulesUnder("part"))).toEqual(sorted(mayImport));
  });

  test("has the table of the layers of activity", () => {
    expect(sorted(rulesUnder("layer"))).toEqual(sorted(layers));
  });

  test("links to files that exist", () => {
    const links = [...page.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, path = ""]) => path);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((path) => !existsSync(join(root, "docs", path)))).toEqual([]);
  });

  test("names no file of the program that does not exist", () => {
    const named = [...page.matchAll(/`([a-z_/-]+\.ts)`/g)].map(([, path = ""]) => path);
    const ofProject = ["src", "test", "scripts"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map(
        (path) => `${folder}/${path.replaceAll("\\", "/")}`,
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(
      named.filter((name) => !ofProject.some((path) => `/${path}`.endsWith(`/${name}`))),
    ).toEqual([]);
  });
});

describe("imports go in no circle", () => {
  test("neither in the program nor in the plugin, imports of types included", () => {
    const graph = new Map(
      allFiles.map((file) => [file.path, importsOf(file).map(({ to }) => to)] as const),
    );
    expect(circlesOf(graph).map((circle) => circle.join(" → "))).toEqual([]);
  });

  test("types, bare imports and exports count as imports", () => {
    const code = 'import type { A } from "./a.ts";\nimport "./b.ts";\nexport { c } from "../c.ts";';
    const made = importsOf({ path: "src/net/made-up.ts", code });
    expect(made.map(({ to }) => to)).toEqual(["src/net/a.ts", "src/net/b.ts", "src/c.ts"]);
  });

  for (const [what, edges, want] of [
    ["two files that import each other", { a: ["b"], b: ["a"] }, ["a → b → a"]],
    ["a file that imports itself", { a: ["a"] }, ["a → a"]],
    [
      "a circle that is only reached from outside it",
      { a: ["b"], b: ["c"], c: ["d"], d: ["b"] },
      ["b → c → d → b"],
    ],
    [
      "two circles through one file",
      { a: ["b", "c"], b: ["a"], c: ["a"] },
      ["a → b → a", "a → c → a"],
    ],
    ["no circle where two ways meet", { a: ["b", "c"], b: ["d"], c: ["d"], d: [] }, []],
  ] as const) {
    test(`the search finds ${what}`, () => {
      const circles = circlesOf(new Map<string, readonly string[]>(Object.entries(edges)));
      expect(circles.map((circle) => circle.join(" → "))).toEqual(want);
    });
  }
});

describe("time, chance and the environment are handed in", () => {
  for (const { what, pattern, only } of ambient) {
    test(`${what} is used in ${only.length === 0 ? "no file" : only.join(" and ")} only`, () => {
      const users = files.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
      expect(users).toEqual([...only]);
    });
  }
});

describe("how files are written", () => {
  const siblings = (folder: string) => readdirSync(join(src, folder), { withFileTypes: true });

  test("imports of our own files name the file with its extension", () => {
    const breaches = imports.filter(({ to }) => !/\.(ts|js)$/.test(to)).map(({ to }) => to);
    expect(breaches).toEqual([]);
  });

  test("no file is named after nothing in particular", () => {
    const vague = /^(utils?|helpers?|common|types|manager|index)\.ts$/;
    expect(files.filter(({ path }) => vague.test(posix.basename(path)))).toEqual([]);
  });

  test("a file's name stands once in the tree, but for those that every component has", () => {
    const ofEveryComponent = /^(factory|config|receiver|processor|exporter|extension)\.ts$/;
    const named = allFiles
      .filter(({ path }) => path.startsWith("src/") || path.startsWith("openclaw-plugin/src/"))
      .map(({ path }) => ({ path, name: posix.basename(path) }))
      .filter(({ name }) => !ofEveryComponent.test(name));
    const paths = new Map<string, readonly string[]>();
    for (const { path, name } of named) {
      paths.set(name, [...(paths.get(name) ?? []), path]);
    }
    expect([...paths.values()].filter((each) => each.length > 1)).toEqual([]);
  });

  for (const section of componentSections.filter((name) => existsSync(join(src, name)))) {
    for (const entry of siblings(section).filter((each) => each.isDirectory())) {
      test(`${section}/${entry.name} declares itself, its options and its page`, () => {
        const names = siblings(join(section, entry.name)).map(({ name }) => name);
        expect(names).toEqual(expect.arrayContaining(["factory.ts", "config.ts", "README.md"]));
      });
    }
  }

  test("no directory is made with recursive, which never ends below /proc", () => {
    const breaches = files.filter(({ code }) => /\bmkdir(?:Sync)?\([^;]*recursive/.test(code));
    expect(breaches.map(({ path }) => path)).toEqual([]);
  });

  test("only components.ts lists factories", () => {
    const importers = imports
      .filter(
        ({ to }) => to.endsWith("/factory.ts") && componentSections.includes(to.split("/")[0]!),
      )
      .map(({ from }) => from.path);
    expect([...new Set(importers)]).toEqual(["components.ts"]);
  });
});

test("the sources are where this test looks for them", () => {
  expect(files.length).toBeGreaterThan(30);
  expect(relative(src, join(src, "main.ts"))).toBe("main.ts");
});
