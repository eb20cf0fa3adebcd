import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { attribute, gauge, passedPage } from "./passed-page.ts";

const file = new URL("../../testdata/metrics/semantic-attributes.tsv", import.meta.url);
const rows = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split("\t"));

const anyValueOf = (text: string) =>
  text.startsWith("|")
    ? {
        arrayValue: {
          values: text
            .slice(1)
            .split("|")
            .map((item) => ({ stringValue: item })),
        },
      }
    : text;

test("every attribute that the semantic conventions give to metrics is a label, with every value there", async () => {
  const page = passedPage({ maxSeries: 10_000 });
  for (const [key = "", text = ""] of rows) {
    await page.take([gauge("a", { asInt: "1", attributes: [attribute(key, anyValueOf(text))] })]);
  }
  expect(page.reported()).toEqual({});
  const values = rows.filter(([, text = ""]) => text !== "").length;
  expect(values).toBeGreaterThan(600);
  expect(await page.lines()).toHaveLength(new Set(rows.map((row) => row.join("\t"))).size);
});
