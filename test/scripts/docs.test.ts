// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { configPage } from "../../scripts/docs/config-page.ts";
import { editorSchema } from "../../scripts/docs/editor-schema.ts";
import { withParts } from "../../scripts/docs/marked-parts.ts";
import { metricsPage } from "../../scripts/docs/metrics-page.ts";
import { optionRows } from "../../scripts/docs/option-rows.ts";
import { reasonsTable } from "../../scripts/docs/reasons-table.ts";
import { evictionReasons, reasons } from "../../src/activity/model/reasons.ts";
import { declare } from "../../src/component/factory.ts";
import { schemasAt, writtenSchemaOf } from "../../src/config/json-schema.ts";
import { byteSize, duration, opaque } from "../../src/config/units.ts";
import { textOf } from "../support/repository.ts";

const schema = z.strictObject({
  url: z.string().describe("Where to."),
  timeout: duration().prefault("10s").describe("How long."),
  size: byteSize().prefault("4MiB").describe("How much."),
  mode: z.enum(["a", "b"]).prefault("a").describe("Which way."),
  headers: z.record(z.string(), opaque()).prefault({}).describe("What to add."),
  count: z.int().min(1).max(9).optional().describe("How many."),
  tls: z
    .strictObject({ ca_file: z.string().optional().describe("Whom to trust.") })
    .optional()
    .describe("How to be safe."),
  gone: z.never().optional(),
  list: z.array(z.strictObject({ x: z.boolean().prefault(true).describe("Whether.") })).optional(),
});

const factory = declare({
  type: "sample",
  kind: "exporter",
  roles: { exporter: ["traces", "logs"] },
  stability: "alpha",
  description: "Shows how it is done.",
  schema,
  create: () => ({ start: async () => {}, shutdown: async () => {} }),
});

test("every option is a row with its type, default and meaning, nested ones dotted", () => {
  expect(optionRows(writtenSchemaOf(schema)).map((row) => Object.values(row))).toEqual([
    ["url", "text", "required", "Where to."],
    ["timeout", "duration", "`10s`", "How long."],
    ["size", "size", "`4MiB`", "How much."],
    ["mode", "`a`, `b`", "`a`", "Which way."],
    ["headers", "map of secret", "`{}`", "What to add."],
    ["count", "whole number, 1 to 9", "", "How many."],
    ["tls", "map", "", "How to be safe."],
    ["tls.ca_file", "text", "", "Whom to trust."],
    ["list[].x", "`true`, `false`", "`true`", "Whether."],
  ]);
});

test("the page of the config names the component, its places and its options", () => {
  const page = configPage([factory]);
  expect(page).toContain(
    "### `sample` exporter\n\nShows how it is done. Stability: alpha. Used in `exporters` of traces and logs pipelines.",
  );
  expect(page).toContain("| `tls.ca_file` | text");
  expect(page).toContain("| `pipelines.<id>.receivers`");
});

describe("the JSON Schema for editors", () => {
  const root = editorSchema([factory]);
  const exporters = root.properties?.["exporters"];
  const sample =
    typeof exporters === "object" ? exporters.patternProperties?.["^sample(/.+)?$"] : undefined;
  const at = (...path: string[]) => (typeof sample === "object" ? schemasAt(sample, path) : []);

  test("lets every value be a reference, so that ${env:NAME} is no mistake in a number or an enum", () => {
    for (const key of ["timeout", "size", "mode", "count"]) {
      expect(at(key)).toContainEqual({ $ref: "#/$defs/reference" });
    }
    expect(root.$defs?.["reference"]).toMatchObject({ pattern: "\\$\\{" });
  });

  test("lets sections be empty and files be overlays, but no key be misspelled", () => {
    expect(sample).toMatchObject({ type: ["object", "null"], additionalProperties: false });
    expect(JSON.stringify(root)).not.toContain('"required"');
  });

  test("keeps defaults and descriptions, which editors show", () => {
    expect(typeof sample === "object" && sample.properties?.["timeout"]).toMatchObject({
      description: "How long.",
      default: "10s",
    });
  });
});

test("the page of the metrics has each instrument under its Prometheus name with its labels", () => {
  const page = metricsPage([
    {
      title: "Part",
      introduction: "What it is.",
      names: { stripPrefix: "openclaw." },
      instruments: [
        {
          name: "openclaw.sample.age",
          kind: "counter",
          unit: "s",
          description: "How old.",
          attributes: { "openclaw.reason": ["old", "older"], other: "any | thing" },
        },
      ],
    },
  ]);
  expect(page).toContain("### `openclaw_sample_age_seconds_total`\n\nHow old.");
  expect(page).toMatch(/\| `reason` +\| `openclaw\.reason` +\| `old`, `older` +\|/);
  expect(page).toContain("any \\| thing");
});

describe("a page with marked parts", () => {
  const page = "Before.\n\n<!-- reasons -->\n\nold\n\n<!-- /reasons -->\n\nAfter.\n";

  test("has new content between its marks and keeps all the rest", () => {
    expect(withParts(page, { reasons: "new" })).toBe(
      "Before.\n\n<!-- reasons -->\n\nnew\n\n<!-- /reasons -->\n\nAfter.\n",
    );
  });

  test("does not change when its content is current", () => {
    const current = withParts(page, { reasons: "new" });
    expect(withParts(current, { reasons: "new" })).toBe(current);
  });

  for (const [name, text] of [
    ["no mark", "Before.\n"],
    ["no end", "<!-- reasons -->\n"],
    ["its end first", "<!-- /reasons --><!-- reasons -->"],
  ] as const) {
    test(`is refused with ${name}`, () => {
      expect(() => withParts(text, { reasons: "new" })).toThrow("<!-- reasons -->");
    });
  }
});

test("the table of reasons has every reason in order of precedence, with all that is fixed for it", () => {
  const rows = reasonsTable().split("\n").slice(2);
  expect(rows.map((row) => row.split("|")[1]?.trim())).toEqual(
    evictionReasons.map((name) => `\`${name}\``),
  );
  expect(rows[0]?.split("|").map((cell) => cell.trim())).toEqual([
    "",
    "`orphaned_no_owner`",
    reasons.orphaned_no_owner.description,
    "confirmed",
    "tools, model calls",
    "nothing",
    reasons.orphaned_no_owner.whatToDo,
    "",
  ]);
});

for (const page of [
  "docs/events.md",
  "docs/openclaw.md",
  "monitoring/README.md",
  "src/processors/session_activity/README.md",
]) {
  test(`${page} lists the reasons in a generated part only`, () => {
    const text = textOf(page);
    const listed = text.split("\n").filter((line) => /^\| `lease_expired`/.test(line));
    expect(listed).toHaveLength(1);
    expect(text).toMatch(/<!-- reasons( in short)? -->\n[^<]*\| `lease_expired`/);
  });
}
