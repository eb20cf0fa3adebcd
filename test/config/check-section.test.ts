// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.

import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkSection } from "../../src/config/check-section.ts";
import { loadConfig } from "../../src/config/load.ts";
import { nearestName } from "../../src/config/nearest-name.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { byteSize, duration, opaque } from "../../src/config/units.ts";
import fc from "../support/fast-check.ts";

function check(schema: z.ZodType, text: string, environment: Record<string, string> = {}) {
  const { root } = loadConfig([`yaml:${text}`], environment);
  const checked = checkSection(schema, root!, ["s"]);
  return checked.ok ? { value: checked.value } : { problems: checked.problems.map(formatProblem) };
}

const inner = z.strictObject({ port: z.int().prefault(4318), name: z.string().optional() });
const schema = z.strictObject({
  http: inner.optional(),
  always: inner.prefault({}),
  timeout: duration().prefault("10s"),
  level: z.enum(["none", "basic", "01"]).prefault("basic"),
  headers: z.record(z.string(), z.string()).prefault({}),
  size: byteSize().prefault("1KiB"),
  choice: z.union([z.boolean(), z.strictObject({ file: z.string() })]).optional(),
  names: z.array(z.string()).prefault([]),
});
const defaults = {
  always: { port: 4318 },
  timeout: 10_000,
  level: "basic",
  headers: {},
  size: 1024,
  names: [],
};

describe("an empty value", () => {
  for (const [name, text, value] of [
    ["for the section means all defaults", "s:", {}],
    [
      "for an optional map switches it on with its defaults",
      "s: {http: }",
      { http: { port: 4318 } },
    ],
    ["for a map with defaults means them", "s: {always: }", {}],
    ["for a scalar means its default", "s: {timeout: , level: , size: , names: }", {}],
    ["inside a map means its default", "s: {http: {port: , name: }}", { http: { port: 4318 } }],
    ["for a map of anything is an empty one", "s: {headers: }", {}],
    [
      "from an empty variable means the default where no text is wanted",
      "s: {always: {port: '${E}'}}",
      {},
    ],
    [
      "from an empty variable is an empty text where text is wanted",
      "s: {http: {name: '${E}'}}",
      { http: { port: 4318, name: "" } },
    ],
  ] as const) {
    test(name, () => {
      expect(check(schema, text, { E: "" })).toEqual({ value: { ...defaults, ...value } });
    });
  }

  test("in a list is a mistake", () => {
    expect(check(schema, "s: {names: [a, ]}")).toEqual({ value: { ...defaults, names: ["a"] } });
    expect(check(schema, "s: {names: [a, ~]}")).toEqual({
      problems: ["<yaml 1>:1:16 s.names[1]: must be text, but is empty."],
    });
  });

  test("for a required key is a mistake", () => {
    expect(check(z.strictObject({ file: z.string() }), "s: {file: }")).toEqual({
      problems: ["<yaml 1>:1:5 s.file: is required."],
    });
  });
});

describe("an expanded value", () => {
  for (const [name, text, value] of [
    [
      "is text where text is wanted",
      "s: {http: {name: '${V}'}}",
      { http: { port: 4318, name: "01" } },
    ],
    [
      "is a number where a number is wanted",
      "s: {always: {port: '${V}'}}",
      { always: { port: 1 } },
    ],
    ["is text in a map of texts", "s: {headers: {a: '${V}'}}", { headers: { a: "01" } }],
    ["is text in a list of texts", "s: {names: ['${V}']}", { names: ["01"] }],
    ["is one of the allowed words by its text", "s: {level: '${V}'}", { level: "01" }],
    ["is text inside a choice", "s: {choice: {file: '${V}'}}", { choice: { file: "01" } }],
    ["is a size with or without unit", "s: {size: '${V}'}", { size: 1 }],
    ["is a whole map", "s: {http: '${M}'}", { http: { port: 7, name: "x" } }],
  ] as const) {
    test(name, () => {
      expect(check(schema, text, { V: "01", M: "{port: 7, name: x}" })).toEqual({
        value: { ...defaults, ...value },
      });
    });
  }

  test("that is missing is said once, by the expansion, and not again by the schema", () => {
    const strict = z.strictObject({ file: z.string(), map: z.strictObject({ a: z.int() }) });
    expect(check(strict, "s: {file: '${NOPE}', map: {a: '${NOPE}'}}")).toEqual({ problems: [] });
  });
});

describe("a secret", () => {
  test("of the wrong kind is not shown in the problem", () => {
    const withSecret = z.strictObject({ token: opaque() });
    expect(check(withSecret, "s: {token: 8675309}")).toEqual({
      problems: ["<yaml 1>:1:12 s.token: must be text, but is a number. Write it in quotes."],
    });
    expect(check(withSecret, "s: {token: [8675309]}")).toEqual({
      problems: ["<yaml 1>:1:12 s.token: must be text, but is a list."],
    });
  });
});

describe("a number that is written as text", () => {
  const sizes = z.strictObject({
    limit_mib: z.int().optional(),
    max_megabytes: z.int().optional(),
    limit_percentage: z.int().optional(),
    queue_size: z.int().optional(),
    factor: z.number().optional(),
  });
  for (const [written, hint] of [
    ["limit_mib: 400MiB", " Write 400."],
    ["limit_mib: 1 GiB", " Write 1024."],
    ["max_megabytes: 100MiB", " Write 100."],
    ["limit_mib: 400MB", " Write a number of MiB."],
    ["limit_percentage: 80%", " Write 80."],
    ["queue_size: 10MiB", " Write the number only; 10MiB is 10485760 in bytes."],
    ['queue_size: "1000"', " Write it without quotes."],
    ['factor: "-0.5"', " Write it without quotes."],
    // A factor of 50 would be wrong.
    ["factor: 50%", ""],
    ["queue_size: many", ""],
    ["queue_size: 10MiB and topsecret", ""],
  ] as const) {
    test(`gets a hint that fits its option: ${written}`, () => {
      const key = written.split(":")[0];
      expect(check(sizes, `s: {${written}}`)).toEqual({
        problems: [`<yaml 1>:1:${key!.length + 7} s.${key}: must be a number, but is text.${hint}`],
      });
    });
  }
});

describe("a path", () => {
  test("is written so that the place is found, also with odd keys", () => {
    const lists = z.record(z.string(), z.array(z.strictObject({ a: z.int() })));
    expect(check(lists, "s: {'a.b': [{a: x}], 'c d': [{}], e/f: [1]}")).toEqual({
      problems: [
        '<yaml 1>:1:17 s["a.b"][0].a: must be a number, but is text.',
        '<yaml 1>:1:30 s["c d"][0].a: is required.',
        "<yaml 1>:1:41 s.e/f[0]: must be a map, but is a number.",
      ],
    });
  });
});

test("what is checked is never changed, whatever stands in the config", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value, (_key, inner) =>
        typeof inner === "string" ? inner.replaceAll("$", "$$$$") : inner,
      );
      fc.pre(!text.includes("::"));
      const { root, problems } = loadConfig([`yaml:s: ${text}`], {});
      // Keys that the loader refuses, such as the empty one.
      if (root === undefined || problems.length > 0) return;
      const loose = z.record(z.string(), z.unknown());
      const checked = checkSection(loose, root, ["s"]);
      const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
      expect(checked.ok).toBe(isMap || value === null);
      if (checked.ok && isMap) expect(JSON.stringify(checked.value)).toBe(JSON.stringify(value));
      checkSection(schema, root, ["s"]);
    }),
    { numRuns: 500 },
  );
});

describe("the nearest name", () => {
  for (const [written, candidates, nearest] of [
    ["endpont", ["endpoint", "timeout"], "endpoint"],
    ["htpt", ["http", "grpc"], "http"],
    ["otlphttp", ["otlp_http", "otlp_grpc"], "otlp_http"],
    ["OTLP-HTTP", ["otlp_http"], "otlp_http"],
    ["prom", ["debug", "prometheus"], "prometheus"],
    ["verbosity_level", ["verbosity"], "verbosity"],
    ["x", ["endpoint"], undefined],
    ["kafka", ["debug", "prometheus"], undefined],
    ["", ["a"], undefined],
    ["anything", [], undefined],
  ] as const) {
    test(`of "${written}" among ${candidates.join(", ") || "nothing"} is ${nearest ?? "none"}`, () => {
      expect(nearestName(written, candidates)).toBe(nearest);
    });
  }
});
