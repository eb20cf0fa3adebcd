import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pathOf } from "../support/repository.ts";
import { targetsWithFindings } from "./corpus.ts";
import { notFuzzed } from "./not-fuzzed.ts";
import { fuzzTargets } from "./targets.ts";

/** What a file does that reads bytes or texts of others: it exports a reader, or decodes something itself. */
const marks = [
  /^export (?:async )?function (?:parse|decode|read|scan|inflate|recover|split)[A-Z]?\w*/m,
  /^export class \w*(?:Reader|Parser|Scanner|Decoder|Cursor|Checker|Replay)\b/m,
  /\bnew WireReader\(/,
  /\bJSON\.parse\(/,
  /\bnew TextDecoder\(/,
  /\botlp\.\w+\.decode\(/,
];

/** Every file of `src` that looks like a parser. */
function parsersInTree(): readonly string[] {
  return readdirSync(pathOf("src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => join("src", file))
    .filter((file) => {
      const text = readFileSync(pathOf(file), "utf8");
      return marks.some((mark) => mark.test(text));
    })
    .toSorted();
}

describe("the list of fuzz targets", () => {
  const fuzzed = new Set(fuzzTargets.flatMap(({ parsers }) => parsers));

  test("has every file that looks like a parser, or says why it is not fuzzed", () => {
    const missing = parsersInTree().filter((file) => !fuzzed.has(file) && !(file in notFuzzed));
    expect(missing).toEqual([]);
  });

  test("names only files that exist, each as fuzzed or as not fuzzed", () => {
    const named = [...fuzzed, ...Object.keys(notFuzzed)];
    expect(named.filter((file) => !existsSync(pathOf(file)))).toEqual([]);
    expect(Object.keys(notFuzzed).filter((file) => fuzzed.has(file))).toEqual([]);
  });

  test("has each name once, and a name for each folder of findings", () => {
    const names = fuzzTargets.map(({ name }) => name);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    expect(targetsWithFindings().filter((name) => !names.includes(name))).toEqual([]);
  });

  test("makes ten million executions of a whole run", () => {
    const executions = fuzzTargets.reduce((sum, each) => sum + each.executions, 0);
    expect(executions).toBeGreaterThanOrEqual(10_000_000);
  });
});
