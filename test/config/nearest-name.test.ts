import { expect, test } from "vitest";
import { nearestName } from "../../src/config/nearest-name.ts";

for (const [what, name, candidates, want] of [
  ["one letter too few", "endpont", ["endpoint"], "endpoint"],
  ["one letter too many", "htttp", ["http"], "http"],
  ["one other letter", "verbositx", ["verbosity"], "verbosity"],
  ["two neighbours swapped, which is one slip", "oltp", ["otlp"], "otlp"],
  ["two neighbours swapped at the end", "grcp", ["grpc"], "grpc"],
  ["two slips in eight letters", "endpoixy", ["endpoint"], "endpoint"],
  ["other case and separators", "OTLP-HTTP", ["otlp_http"], "otlp_http"],
  ["the nearest of several", "debg", ["deny", "debug"], "debug"],
  ["an abbreviation", "mem", ["memory_limiter"], "memory_limiter"],
  ["a longer form", "warning", ["warn"], "warn"],
  ["a name with its kind", "prometheusexporter", ["prometheus"], "prometheus"],
  ["a name with a unit", "max_age_seconds", ["max_age"], "max_age"],
  ["the shortest of what begins so", "file", ["file_storage_more", "file_storage"], "file_storage"],
] as const) {
  test(`${what} is understood: ${name}`, () => {
    expect(nearestName(name, candidates)).toBe(want);
  });
}

for (const [what, name, candidates] of [
  ["two slips in five letters", "detxx", ["debug"]],
  ["three slips in eight letters", "endpoxyz", ["endpoint"]],
  ["a different word", "zipkin", ["debug", "otlp_http"]],
  ["a longer name of a different thing", "prometheusremotewrite", ["prometheus"]],
  ["a name with a part before it", "file_storage_v9", ["file"]],
  ["no name", "", ["debug"]],
  ["nothing but separators", "-_ ", ["debug"]],
  ["an abbreviation of two letters", "me", ["memory_limiter"]],
] as const) {
  test(`${what} is not: ${JSON.stringify(name)}`, () => {
    expect(nearestName(name, candidates)).toBeUndefined();
  });
}
