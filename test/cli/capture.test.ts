import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findCaptures } from "../../src/cli/capture.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "captures-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text = "x"): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const line = (entry: object) => `${JSON.stringify(entry)}\n`;

test("a folder is read in the order of its index, with its times and encodings", () => {
  write("0001-metrics.bin");
  write("0002-traces.json");
  write("0003-logs.bin");
  write(
    "index.jsonl",
    line({
      id: "0001",
      at: 1000,
      signal: "metrics",
      bytes: 1,
      contentType: "application/x-protobuf",
    }) +
      line({ id: "0002", at: 1500, signal: "traces", contentType: "application/json" }) +
      line({ id: "0003", at: 1600, signal: "logs" }),
  );
  expect(findCaptures([folder])).toEqual({
    ok: true,
    requests: [
      {
        signal: "metrics",
        encoding: "protobuf",
        path: join(folder, "0001-metrics.bin"),
        atMs: 1000,
      },
      { signal: "traces", encoding: "json", path: join(folder, "0002-traces.json"), atMs: 1500 },
      { signal: "logs", encoding: "protobuf", path: join(folder, "0003-logs.bin"), atMs: 1600 },
    ],
  });
});

test("a single body tells its signal by its name, or is told", () => {
  const traces = write("my-traces.json");
  const body = write("body.bin");
  expect(findCaptures([traces])).toEqual({
    ok: true,
    requests: [{ signal: "traces", encoding: "json", path: traces }],
  });
  expect(findCaptures([body], "logs")).toEqual({
    ok: true,
    requests: [{ signal: "logs", encoding: "protobuf", path: body }],
  });
});

describe("what cannot be replayed is told, all of it", () => {
  for (const [name, prepare, want] of [
    [
      "a path that does not exist",
      () => join(folder, "nope"),
      /nope: there is no such file or folder\.$/,
    ],
    [
      "a body of an unknown signal",
      () => write("body.bin"),
      /--signal with traces, metrics or logs\.$/,
    ],
    ["a folder without an index", () => folder, /it has no index\.jsonl\./],
    [
      "an index that names a missing body",
      () => {
        write("index.jsonl", line({ id: "7", at: 1, signal: "logs" }));
        return folder;
      },
      /index\.jsonl:1: the body 7-logs\.bin is missing\.$/,
    ],
    [
      "an index with a line that is no entry",
      () => {
        write("1-logs.bin");
        write("index.jsonl", `${line({ id: "1", at: 1, signal: "logs" })}{"id": 2}\n`);
        return folder;
      },
      /index\.jsonl:2: a line must be an object with "id", "at"/,
    ],
    [
      "an index with a line that is not JSON",
      () => {
        write("index.jsonl", "\nid=1\n");
        return folder;
      },
      /index\.jsonl:2: a line must be/,
    ],
  ] satisfies readonly [string, () => string, RegExp][]) {
    test(name, () => {
      const path = prepare();
      const missing = join(folder, "also-missing");
      const found = findCaptures([path, missing]);
      expect(found).toMatchObject({
        ok: false,
        problems: [expect.stringMatching(want), expect.stringContaining("also-missing")],
      });
    });
  }
});

test("a folder's entries must be of a signal that exists", () => {
  mkdirSync(join(folder, "a"));
  writeFileSync(join(folder, "a", "index.jsonl"), line({ id: "1", at: 1, signal: "profiles" }));
  expect(findCaptures([join(folder, "a")])).toMatchObject({ ok: false });
});
