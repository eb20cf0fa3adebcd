import { expect, test } from "vitest";
import {
  byFile,
  byFolder,
  crossedFunctions,
  inEach,
  sizeOf,
} from "../../bench/crossed-functions.ts";

const script = (url: string, ...functions: readonly (readonly [string, number, number])[]) => ({
  url,
  functions: functions.map(([functionName, startOffset, count]) => ({
    functionName,
    ranges: [{ startOffset, count }],
  })),
});

for (const [name, coverage, want] of [
  [
    "a called function and a called closure",
    script("file:///at/src/net/body.ts", ["read", 10, 1], ["", 20, 3]),
    ["net/body.ts:read:10", "net/body.ts::20"],
  ],
  ["no function that was not called", script("file:///at/src/net/body.ts", ["read", 10, 0]), []],
  ["not the top level of a file", script("file:///at/src/net/body.ts", ["", 0, 1]), []],
  ["not the runtime", script("node:internal/src/net", ["listen", 10, 1]), []],
  ["no package", script("file:///at/node_modules/pino/src/pino.js", ["log", 10, 1]), []],
  ["no generated code", script("file:///at/src/otlp/proto/generated.js", ["encode", 10, 1]), []],
] as const) {
  test(`a walk counts ${name}`, () => {
    expect([...crossedFunctions([coverage])]).toEqual(want);
  });
}

test("of several walks only what each of them crossed counts", () => {
  expect([...inEach([new Set(["a:x:1", "a:y:2"]), new Set(["a:y:2", "b:z:3"])])]).toEqual([
    "a:y:2",
  ]);
});

const crossed = new Set(["net/body.ts::20", "otlp/json.ts:toJson:5", "net/server.ts:answer:7"]);

test("a walk is counted by functions and by the files they are in", () => {
  expect(sizeOf(new Set([...crossed, "net/body.ts:read:10"]))).toBe("4 functions in 3 files");
});

test("the folders come in the order of their numbers", () => {
  expect(byFolder(crossed)).toEqual([
    ["net", 2],
    ["otlp", 1],
  ]);
});

test("a file lists the names of its functions, a closure as an arrow", () => {
  expect(byFile(new Set(["net/body.ts:read:1", "net/body.ts::20"]))).toEqual([
    ["net/body.ts", ["read", "=>"]],
  ]);
});
