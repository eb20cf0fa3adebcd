// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { components } from "../../src/components.ts";
import { loadConfig } from "../../src/config/load.ts";
import { nodeAt, plainValueOf } from "../../src/config/node.ts";
import { formatPosition, formatProblem } from "../../src/config/problem.ts";
import { checkServiceConfig } from "../../src/service/config.ts";
import fc from "../support/fast-check.ts";

const folder = mkdtempSync(join(tmpdir(), "config-load-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function load(sources: readonly string[], environment: Record<string, string> = {}) {
  const loaded = loadConfig(sources, environment);
  return {
    value: loaded.root === undefined ? undefined : plainValueOf(loaded.root),
    problems: loaded.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, "")),
    root: loaded.root,
  };
}

const yaml = (text: string) => `yaml:${text}`;

const tooLong =
  "makes the config longer than 10000 lines and entries of lists, the most that it may have.";

describe("a file that is no config says what it is", () => {
  const utf16 = Buffer.from("receivers:\n", "utf16le");
  for (const [what, content, message] of [
    ["empty", "", "is empty; a config has at least receivers, exporters and service."],
    [
      "only comments",
      "# nothing\n",
      "is empty; a config has at least receivers, exporters and service.",
    ],
    ["only {}", "{}", "is empty; a config has at least receivers, exporters and service."],
    [
      "larger than 1 MiB",
      `# ${"x".repeat(2 ** 20)}`,
      "cannot be read: it is larger than 1 MiB, the most that a part of a config may have.",
    ],
    [
      "UTF-16 with a mark",
      Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]),
      "cannot be read: it is UTF-16 text; save it as UTF-8.",
    ],
    ["UTF-16 without a mark", utf16, "cannot be read: it is UTF-16 text; save it as UTF-8."],
    ["Latin-1", Buffer.from("a: caf\xe9\n", "latin1"), "cannot be read: it is not UTF-8 text."],
    [
      "gzip",
      Buffer.from([0x1f, 0x8b, 8, 0]),
      "cannot be read: it is compressed with gzip; decompress it first.",
    ],
    [
      "binary",
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0]),
      "cannot be read: it is not text but binary data.",
    ],
    ["brackets", "[".repeat(9_000), "is nested too deeply, or aliases repeat it too often."],
    [
      "maps in maps on one line",
      "{a: ".repeat(9_000),
      "is nested too deeply, or aliases repeat it too often.",
    ],
    [
      "lists in lists on one line",
      "- ".repeat(30_000),
      "is nested too deeply, or aliases repeat it too often.",
    ],
    [
      "tags in a row",
      `a: ${"!a ".repeat(2 ** 18)}`,
      "is nested too deeply, or aliases repeat it too often.",
    ],
    ["empty maps in a row, without a separator", `a: [${"{}".repeat(2 ** 18)}]`, tooLong],
    ["maps in maps on one line, without braces", `a: ${"b: ".repeat(2 ** 17)}b`, tooLong],
    ["keys in keys on many lines", `${"? ".repeat(90)}\n`.repeat(4_000), tooLong],
    [
      "brackets that close nothing",
      "]a".repeat(2 ** 17),
      "is not valid YAML: it closes brackets that it does not open.",
    ],
    [
      "tags of one kind without a blank",
      `a: ${"!".repeat(2 ** 19)}`,
      expect.stringContaining("has a tag, and tags are not supported"),
    ],
    ["aliases without an end", `a: &a 1\nb: [${"*a,".repeat(2 ** 18)}]`, tooLong],
  ] as const) {
    test(`${what}`, () => {
      const startedMs = performance.now();
      const { problems, value } = load([fileWith("no-config.yaml", content)]);
      expect({ problems, value }).toEqual({
        problems: [typeof message === "string" ? `no-config.yaml: ${message}` : message],
        value: undefined,
      });
      // Without the bounds these take 5 to 60 s.
      expect(performance.now() - startedMs).toBeLessThan(3_000);
    });
  }

  test("deep indentation", () => {
    const deep = Array.from({ length: 1_000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n");
    const { problems } = load([fileWith("deep.yaml", deep)]);
    expect(problems).toEqual([expect.stringContaining("is nested too deeply")]);
  });

  test("aliases of aliases", () => {
    const lines = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (const [index, name] of [..."bcdefghi"].entries()) {
      lines.push(`${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[index]}`).join(", ")}]`);
    }
    const { problems } = load([fileWith("bomb.yaml", lines.join("\n"))]);
    expect(problems[0]).toContain("aliases repeat it too often");
  });

  test("a directory, and a file that is not there", () => {
    expect(load([folder]).problems).toEqual([`${folder}: cannot be read: it is a directory.`]);
    expect(load([join(folder, "nope.yaml")]).problems).toEqual([
      "nope.yaml: cannot be read: there is no such file.",
    ]);
  });

  test("a device and a pipe, which are not opened", () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const device = "it is a device, not a file.";
    expect(load(["/dev/zero"]).problems).toEqual([`/dev/zero: cannot be read: ${device}`]);
    expect(load([pipe]).problems).toEqual([
      "pipe: cannot be read: it is a pipe or a socket; a config is read again at a reload, so write it to a file, or give it in a variable with --config env:NAME.",
    ]);
    const included = yaml("a: ${file:/dev/zero}");
    expect(load([included]).problems).toEqual([
      `<yaml 1>:1:4 a: needs the file /dev/zero, which cannot be read: ${device}`,
    ]);
    expect(load([yaml(`a: \${file:${pipe}}`)]).problems[0]).toContain("it is a pipe or a socket");
  });

  test("an overlay may be empty", () => {
    expect(load([yaml("a: 1"), fileWith("empty.yaml", "")])).toMatchObject({
      problems: [],
      value: { a: 1 },
    });
  });
});

describe("config from a variable", () => {
  test("is the whole config, and is expanded", () => {
    const environment = { CONFIG: "a: 1\nb: ${env:B}\n", B: "2" };
    expect(load(["env:CONFIG"], environment)).toMatchObject({
      problems: [],
      value: { a: 1, b: 2 },
    });
  });

  for (const [what, source, message] of [
    ["one that is not set", "env:NOPE", "env:NOPE: cannot be read: the variable NOPE is not set."],
    [
      "one that every object has",
      "env:constructor",
      "env:constructor: cannot be read: the variable constructor is not set.",
    ],
    [
      "a name that is none",
      "env:1",
      "env:1: does not name an environment variable; a name contains only letters, digits and _ and does not begin with a digit.",
    ],
    [
      "an empty one",
      "env:EMPTY",
      "env:EMPTY: is empty; a config has at least receivers, exporters and service.",
    ],
    [
      "a text",
      "env:TEXT",
      'env:TEXT:1:1: must be a map with the sections "receivers", "exporters", "service" and so on.',
    ],
    [
      "a scheme that is none",
      "s3://bucket/c.yaml",
      's3://bucket/c.yaml: cannot be read: unsupported scheme "s3". Give a path, file:PATH, env:NAME or yaml: followed by the config; write ./ in front of a path that contains a colon.',
    ],
  ] as const) {
    test(`${what} is answered`, () => {
      expect(load([source], { EMPTY: "", TEXT: "hello" }).problems).toEqual([message]);
    });
  }

  test("the password of a URL is not shown", () => {
    const { problems } = load(["https://user:hunter2@example.com/c.yaml?token=hunter2"]);
    expect(problems).toEqual([
      expect.stringContaining("https://example.com/c.yaml: cannot be read: https:"),
    ]);
    expect(problems.join()).not.toContain("hunter2");
  });
});

describe("merging", () => {
  for (const [name, base, over, value] of [
    [
      "maps are merged key by key",
      "a: {x: 1, y: 2}",
      "a: {y: 3, z: 4}",
      { a: { x: 1, y: 3, z: 4 } },
    ],
    ["a list replaces the list", "a: [1, 2]", "a: [3]", { a: [3] }],
    ["an empty list replaces the list", "a: [1, 2]", "a: []", { a: [] }],
    ["a scalar replaces a scalar of another kind", "a: 1", "a: text", { a: "text" }],
    ["a map replaces a scalar", "a: 1", "a: {x: 1}", { a: { x: 1 } }],
    ["a scalar replaces a map", "a: {x: 1}", "a: 2", { a: 2 }],
    ["nothing replaces a scalar", "a: 1", "a:", { a: null }],
    ["a map replaces nothing", "a:", "a: {x: 1}", { a: { x: 1 } }],
    ["nothing over an empty map keeps it", "a: {}", "a:", { a: {} }],
    ["an empty map over a map changes nothing", "a: {x: 1}", "a: {}", { a: { x: 1 } }],
    ["an empty file changes nothing", "a: {x: 1}", "", { a: { x: 1 } }],
    ["new keys come after old ones", "b: 1", "a: 2", { b: 1, a: 2 }],
  ] as const) {
    test(name, () => {
      expect(load([yaml(base), yaml(over)])).toMatchObject({ value, problems: [] });
    });
  }

  test("nothing over a map with settings keeps them and is a problem", () => {
    expect(load([yaml("a: {x: 1}"), yaml("a:")])).toMatchObject({
      value: { a: { x: 1 } },
      problems: [
        "<yaml 2>:1:1 a: is empty here, but has settings at <yaml 1>:1:4. Leave the key out to keep them; an empty value cannot remove them.",
      ],
    });
  });

  test("every value remembers the file, line and column it came from", () => {
    const base = fileWith("base.yaml", "a:\n  x: 1\n  y: 2\n");
    const over = fileWith("over.yaml", "# a comment\na:\n  y: ${env:Y}\n");
    const { root } = load([base, over], { Y: "5" });
    const at = (...path: string[]) => {
      const node = root && nodeAt(root, path);
      return node && formatPosition(node.at).replace(`${folder}/`, "");
    };
    expect([at("a", "x"), at("a", "y")]).toEqual(["base.yaml:2:6", "over.yaml:3:6"]);
  });

  test("merging comes before expansion, so what is overridden need not be set", () => {
    expect(load([yaml("a: ${env:UNSET}"), yaml("a: 1")])).toMatchObject({
      value: { a: 1 },
      problems: [],
    });
  });
});

describe("sources", () => {
  test("a file may be named with file: and relative or absolute", () => {
    const path = fileWith("named.yaml", "a: 1");
    expect(load([`file:${path}`]).value).toEqual({ a: 1 });
    expect(load([`file://${path}`]).value).toEqual({ a: 1 });
  });

  test(":: in config given inline goes one level down", () => {
    expect(load([yaml("a: {b: {c: 1}}"), yaml("a::b::d: 2s")]).value).toEqual({
      a: { b: { c: 1, d: "2s" } },
    });
  });

  test("a byte order mark and Windows line ends are no part of the config", () => {
    expect(load([fileWith("windows.yaml", "\uFEFFa: x\r\nb: y\r\n")]).value).toEqual({
      a: "x",
      b: "y",
    });
  });

  for (const [name, source, problem] of [
    [
      "a file that is not there",
      "nowhere.yaml",
      "nowhere.yaml: cannot be read: there is no such file.",
    ],
    ["a folder", "", "cannot be read: it is a directory."],
    ["a web address", "https://example.com/c.yaml", "https: is not supported"],
  ] as const) {
    test(`${name} is a problem without a line`, () => {
      const path = source.startsWith("https:") ? source : join(folder, source);
      const { root, problems } = load([path]);
      expect(root).toBeUndefined();
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(problem);
    });
  }

  test("a file that is not UTF-8 is a problem", () => {
    expect(load([fileWith("latin.yaml", Uint8Array.of(0x61, 0x3a, 0x20, 0xff))]).problems).toEqual([
      "latin.yaml: cannot be read: it is not UTF-8 text.",
    ]);
  });

  test("no source at all is a problem", () => {
    expect(load([]).problems).toEqual(["No config is given. Add --config FILE."]);
  });

  test("all unreadable files are told at once", () => {
    const broken = fileWith("broken.yaml", "a: [");
    expect(load([broken, join(folder, "none.yaml")]).problems).toHaveLength(2);
  });

  test("anchors, aliases and merge keys are resolved", () => {
    const text = "base: &b {x: 1, y: 2}\nuse: *b\nextended:\n  <<: *b\n  y: 3\n";
    expect(load([fileWith("anchors.yaml", text)]).value).toEqual({
      base: { x: 1, y: 2 },
      use: { x: 1, y: 2 },
      extended: { y: 3, x: 1 },
    });
  });

  test("aliases of aliases end in a problem, not in memory", () => {
    const levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i += 1) {
      levels.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    }
    const { problems } = load([fileWith("laughs.yaml", levels.join("\n"))]);
    expect(problems.join("\n")).toContain("or aliases repeat it too often");
  });

  test("an alias inside its own anchor ends in a problem", () => {
    expect(load([yaml("a: &a [*a]")]).problems.length).toBeGreaterThan(0);
  });
});

describe("expansion", () => {
  const environment = {
    NAME: "value",
    NUMBER: "0123",
    DURATION: "10s",
    EMPTY: "",
    LIST: "[a, b]",
    MAP: "{a: 1}",
    DOLLARS: "pa$$w${NAME}d",
    BROKEN: "[a",
    WHICH: "NAME",
  };

  for (const [text, value] of [
    ["${env:NAME}", "value"],
    ["${NAME}", "value"],
    ["${env:NUMBER}", 123],
    ["x${env:NUMBER}", "x0123"],
    ["${env:DURATION}", "10s"],
    ["${env:EMPTY}", null],
    ["x${env:EMPTY}y", "xy"],
    ["${env:LIST}", ["a", "b"]],
    ["${env:MAP}", { a: 1 }],
    ["pre ${env:MAP}", "pre {a: 1}"],
    ["${env:BROKEN}", "[a"],
    ["${env:UNSET:-fallback}", "fallback"],
    ["${UNSET:-fallback}", "fallback"],
    ["${env:UNSET:-7}", 7],
    ["${env:UNSET:-}", ""],
    ["${env:UNSET:-http://127.0.0.1:4318}", "http://127.0.0.1:4318"],
    ["${env:UNSET:-{a: 1}}", { a: 1 }],
    ["${env:EMPTY:-fallback}", null],
    ["${env:NAME:-${env:UNSET}}", "value"],
    ["${env:UNSET:-${env:NAME}}", "value"],
    ["${env:UNSET:-a${env:NAME}c}", "avaluec"],
    ["${env:${WHICH}}", "value"],
    ["${env:NAME}-${env:NAME}", "value-value"],
    ["http://x:${env:NUMBER}/", "http://x:0123/"],
    ["$$", "$"],
    ["$${NAME}", "${NAME}"],
    ["$$${NAME}", "$value"],
    ["$$$${NAME}", "$${NAME}"],
    ["a$b", "a$b"],
    ["$NAME", "$NAME"],
    ["$", "$"],
    ["${env:DOLLARS}", "pa$$w${NAME}d"],
    ["${yaml:[1, 2]}", [1, 2]],
  ] as const) {
    test(`${text} becomes ${JSON.stringify(value)}`, () => {
      const { root, problems } = load(
        [fileWith("expansion.yaml", JSON.stringify({ key: text }))],
        environment,
      );
      expect(problems).toEqual([]);
      expect(root && plainValueOf(nodeAt(root, ["key"])!)).toEqual(value);
    });
  }

  test("a reference that is the whole value keeps its raw text for fields that want text", () => {
    const { root } = load([yaml("a: '${env:NUMBER}'\nb: x${env:NUMBER}")], environment);
    expect(root && nodeAt(root, ["a"])).toMatchObject({ value: 123, expandedFrom: "0123" });
    expect(root && nodeAt(root, ["b"])?.expandedFrom).toBeUndefined();
  });

  for (const [text, problem] of [
    [
      "${env:UNSET}",
      "needs the environment variable UNSET, which is not set. Set it, or write a default: ${env:UNSET:-default}.",
    ],
    ["${env:HMAC_KEY}", "needs the environment variable HMAC_KEY, which is not set. Set it."],
    ["${toString}", "needs the environment variable toString, which is not set."],
    ["a ${env:UNSET} b", "needs the environment variable UNSET"],
    [
      "${env:1A}",
      'names the environment variable "1A"; a name contains only letters, digits and _',
    ],
    ["${}", 'names the environment variable ""'],
    ["${http://x}", 'uses the unknown scheme "http"'],
    [
      "${ENV:X}",
      'uses the unknown scheme "ENV" in ${ENV:X}; use env, file or yaml. Did you mean "env"?',
    ],
    ["${env:A", "has a ${ without a closing }"],
    ["${env:A:-{}", "has a ${ without a closing }"],
    ["${".repeat(50), "nests ${…} too deeply; use fewer levels."],
    ["${file:none.txt}", "none.txt, which cannot be read: there is no such file."],
  ] as const) {
    test(`${text.slice(0, 30)} is a problem at its place`, () => {
      const { problems } = load(
        [fileWith("refused.yaml", `key:\n  - ${JSON.stringify(text)}`)],
        environment,
      );
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(/^refused\.yaml:2:5 key\[0\]: /);
      expect(problems[0]).toContain(problem);
    });
  }

  test("a file gives its text without the newline at its end, relative to the file that names it", () => {
    fileWith("sub/token.txt", "s3cret$$${X}\n");
    fileWith("sub/part.yaml", "token: ${file:token.txt}\nport: ${env:NUMBER}\n");
    const main = fileWith("main.yaml", "section: ${file:sub/part.yaml}\n");
    const { root, value, problems } = load([main], environment);
    expect(problems).toEqual([]);
    expect(value).toEqual({ section: { token: "s3cret$$${X}", port: 123 } });
    expect(root && nodeAt(root, ["section", "port"])?.at).toMatchObject({
      file: join(folder, "sub/part.yaml"),
      line: 2,
    });
  });

  test("files that include each other in a circle are a problem", () => {
    fileWith("one.yaml", "a: ${file:two.yaml}");
    fileWith("two.yaml", "b: ${file:one.yaml}");
    const { problems } = load([yaml(`x: '\${file:${folder}/one.yaml}'`)]);
    expect(problems).toEqual(["two.yaml:1:4 x.a.b: includes one.yaml, which includes itself."]);
  });

  test("files that include themselves many times over end in a bounded number of expansions", () => {
    for (let i = 0; i < 12; i += 1) {
      fileWith(
        `level${i}.yaml`,
        `l: [${Array(4)
          .fill(`"\${file:level${i + 1}.yaml}"`)
          .join(", ")}]`,
      );
    }
    fileWith("level12.yaml", "end: true");
    const { problems } = load([yaml(`x: '\${file:${folder}/level0.yaml}'`)]);
    expect(
      problems.filter((problem) => problem.includes("more than 1000 expansions")),
    ).toHaveLength(1);
  });
});

describe("any text", () => {
  const fragment = fc.constantFrom(
    ..."{}[]:-,#&*!|>'\"%@`$\n\t a0~",
    "a: ",
    "- ",
    "${",
    "}",
    "${env:A}",
    "<<: *a",
    "&a ",
    "::",
    ":-",
    "---\n",
    "? ",
    "__proto__: 1",
  );
  test("is either config or a list of problems, and never an exception", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragment).map((parts) => parts.join("")),
        ),
        (text) => {
          const { root, problems } = loadConfig([`yaml:${text}`], { A: text });
          expect(root !== undefined || problems.length > 0).toBe(true);
          for (const problem of problems) expect(formatProblem(problem)).not.toContain("undefined");
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("that an environment variable holds reaches a text field unchanged", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { root, problems } = loadConfig(["yaml:a: '${env:A}'"], { A: text });
        expect(problems).toEqual([]);
        expect(root && nodeAt(root, ["a"])?.expandedFrom).toBe(text);
      }),
    );
  });
});

describe("a whole config", () => {
  const large = "x".repeat(2 ** 20 - 1);

  test("has at most 4 MiB, over all files", () => {
    const sources = Array.from({ length: 27 }, (_, index) =>
      fileWith(`part${index}.yaml`, `a${index}: ${large.slice(20)}`),
    );
    const { problems, value } = load(sources);
    expect(value).toBeUndefined();
    expect(problems[0]).toBe(
      "part4.yaml: makes the config larger than 4 MiB, the most that its files, variables and references may have together.",
    );
  });

  test("has at most 4 MiB, over all references, also within one text, and the first that is too much is reported once", () => {
    fileWith("token", large);
    for (const [what, value] of [
      ["in a list", `[${Array(900).fill('"${file:token}"').join(", ")}]`],
      ["in one text", `"${"${file:token}".repeat(900)}"`],
      ["in a default", `"${"${env:NONE:-${file:token}}".repeat(900)}"`],
      ["in itself", `"${"${yaml:".repeat(19)}${large.slice(300_000)}${"}".repeat(19)}"`],
    ] as const) {
      const { problems } = load([fileWith("all.yaml", `a: ${value}`)]);
      expect([what, problems]).toEqual([
        what,
        [expect.stringContaining("makes the config larger than 4 MiB")],
      ]);
    }
  });

  test("has at most 10000 lines, over all sources", () => {
    const lines = "# a line\n".repeat(6_000);
    const { problems } = load([yaml(`a: 1\n${lines}`), yaml(`b: 1\n${lines}`)]);
    expect(problems).toEqual([`<yaml 2>: ${tooLong}`]);
  });

  test("has at most 20000 values, and the first that is too much is reported once", () => {
    const list = `[${Array(100).fill("x").join(", ")}]`;
    const aliases = Array.from({ length: 300 }, (_, index) => `k${index}: *a`).join("\n");
    const { problems } = load([yaml(`a: &a ${list}\n${aliases}`)]);
    expect(problems).toEqual([expect.stringContaining("has more than 20000 values")]);
  });

  test("has at most 1000 sources", () => {
    const sets = Array.from({ length: 1_001 }, (_, index) => `set:a.b${index}=1`);
    expect(load(sets).problems).toEqual([
      "There are 1001 --config and --set; a config has at most 1000.",
    ]);
    expect(load(sets.slice(1)).problems).toEqual([]);
  });

  test("of many nested keys on the command line is merged", () => {
    const keys = Array.from({ length: 9_000 }, (_, index) => `a::b::k${index}: ${index}`);
    const { value, problems } = load([yaml(keys.join("\n"))]);
    expect(problems).toEqual([]);
    expect(value).toMatchObject({ a: { b: { k0: 0, k8999: 8_999 } } });
    expect(load([yaml(`${"a::".repeat(150)}b: 1`)]).problems[0]).toMatch(/more than 100 parts/);
  });
});

test("no message repeats a long text", () => {
  const long = "o".repeat(900_000);
  for (const text of [
    `a: "\${${long}}"`,
    `a: "\${${long}:x}"`,
    `a: "\${env:%${long}}"`,
    `a: "\${file:${long}}"`,
    `a: *${long}`,
    `a: !${long} x`,
    `"a": [${long}`,
    `{"${long}": "\${env:NONE}"}`,
  ]) {
    const { problems } = load([fileWith("long.yaml", text)]);
    expect(problems.length).toBe(1);
    expect(problems.join("").length).toBeLessThan(2_500);
  }
  for (const source of [`env:${long}`, `x:${long}`, `xx:${long}`, `set:${long}=[`, long]) {
    const { problems } = load([source]);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join("").length).toBeLessThan(10_000);
  }
});

describe("whatever is read", () => {
  const pieces = fc.constantFrom(
    ...[
      "a",
      "b: ",
      "- ",
      "? ",
      "\n",
      "  ",
      "{",
      "}",
      "[",
      "]",
      ",",
      "&a ",
      "*a",
      "<<: ",
      "!t ",
      "|",
      ">",
      "'",
      '"',
    ],
    ...[
      "#",
      "---",
      "...",
      "%YAML",
      "\t",
      "${",
      "${env:A}",
      "${env:NONE:-",
      "${file:self.yaml}",
      "${yaml:",
      "$$",
      ":-",
    ],
    ...[
      "~",
      "1e999",
      "0x",
      "\u0000",
      "\u2028",
      "\ufeff",
      "é",
      "10s",
      "receivers: ",
      "otlp: ",
      "service: ",
    ],
  );
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 200 }).map((parts) => Buffer.from(parts.join(""))),
    fc.uint8Array({ maxLength: 2_000 }),
    fc
      .tuple(fc.array(pieces, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 3_000 }))
      .map(([parts, times]) => Buffer.from(parts.join("").repeat(times))),
  );

  test("the result is a config or a list of problems, each of one line with a bound, and nothing is thrown", () => {
    fc.assert(
      fc.property(texts, (bytes) => {
        const path = fileWith("self.yaml", bytes);
        const loaded = loadConfig([path], { A: "${env:A} [x, {y: z}]" });
        const checked = checkServiceConfig(loaded, components);
        const problems = checked.ok ? [] : checked.problems;
        expect(checked.ok || problems.length > 0).toBe(true);
        for (const problem of problems.slice(0, 100)) {
          const text = formatProblem(problem);
          expect(text).not.toContain("\n");
          expect(text.length).toBeLessThan(7_000);
        }
      }),
      { numRuns: 300 },
    );
  });
});
