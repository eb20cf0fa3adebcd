import { jsonOfRequest } from "../../src/otlp/json-text.ts";
import { finished, openRuns, traces } from "./agent-work.ts";
import { type RequestShape, range } from "./request-shape.ts";

const json = (title: string, text: (n: number) => string): RequestShape => ({
  title: `JSON: ${title}`,
  request: (n) => ({ signal: "traces", encoding: "json", bytes: Buffer.from(text(n)) }),
});
const around = (inside: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${inside}]}]}]}`;
const listOf = (n: number, item: string) =>
  range(n)
    .map(() => item)
    .join(",");

export const jsonShapes: readonly RequestShape[] = [
  json(
    "finished runs",
    (n) => jsonOfRequest("traces", traces(openRuns(n).map(finished)).bytes).text,
  ),
  json("empty objects", (n) => around(listOf(20 * n, "{}"))),
  json("empty objects where nothing is read", (n) => `{"x":[${listOf(20 * n, "{}")}]}`),
  json("empty arrays", (n) => around(listOf(20 * n, "[]"))),
  json("arrays in arrays", (n) => `{"x":${"[".repeat(30 * n)}${"]".repeat(30 * n)}}`),
  json("a long integer", (n) => around(`{"startTimeUnixNano":${"9".repeat(60 * n)}}`)),
  json("integers", (n) => around(`{"x":[${listOf(20 * n, "1")}]}`)),
  json("escapes", (n) => around(`{"name":"${"\\u0061".repeat(10 * n)}"}`)),
  json("fields of different names", (n) =>
    around(
      `{${range(5 * n)
        .map((at) => `"k${at}":0`)
        .join(",")}}`,
    ),
  ),
];
