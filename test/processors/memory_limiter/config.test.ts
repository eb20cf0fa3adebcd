import { expect, test } from "vitest";
import { schema } from "../../../src/processors/memory_limiter/config.ts";

const valid = { limit_percentage: 80 };

for (const [name, section, want] of [
  ["a percentage alone", valid, undefined],
  ["MiB alone", { limit_mib: 1 }, undefined],
  ["both, as in the Collector", { limit_mib: 400, limit_percentage: 80 }, undefined],
  [
    "no limit",
    {},
    "must have limit_mib or limit_percentage, greater than zero, e.g. limit_percentage: 80.",
  ],
  ["an interval of zero", { ...valid, check_interval: "0s" }, "must be at least 1ms"],
  ["more than all memory", { limit_percentage: 101 }, "<=100"],
  ["a negative limit", { limit_mib: -1 }, ">=0"],
  [
    "a spike as large as the limit",
    { limit_mib: 100, spike_limit_mib: 100 },
    "spike_limit_mib must be smaller than limit_mib.",
  ],
  [
    "a spike percentage as large as the limit",
    { limit_percentage: 50, spike_limit_percentage: 50 },
    "spike_limit_percentage must be smaller than limit_percentage.",
  ],
  [
    "a spike in MiB of a percentage",
    { ...valid, spike_limit_mib: 10 },
    "spike_limit_mib has no effect without limit_mib. Use spike_limit_percentage with limit_percentage.",
  ],
  [
    "a spike percentage of MiB",
    { limit_mib: 100, spike_limit_percentage: 10 },
    "spike_limit_percentage has no effect without limit_percentage. Use spike_limit_mib with limit_mib.",
  ],
  [
    "more collections above the soft limit than above the hard one",
    { ...valid, min_gc_interval_when_hard_limited: "11s" },
    "min_gc_interval_when_soft_limited must not be shorter than min_gc_interval_when_hard_limited.",
  ],
  [
    "a longest interval that is shorter than the shortest",
    { ...valid, max_gc_interval_when_soft_limited: "9s" },
    "max_gc_interval_when_soft_limited must not be shorter than min_gc_interval_when_soft_limited.",
  ],
] as const) {
  test(`${name} is ${want === undefined ? "accepted" : "refused with what to write"}`, () => {
    const { error } = schema.safeParse(section);
    const problems = error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
    expect(problems?.join("\n").trim() ?? "").toContain(want ?? "");
    expect(error === undefined).toBe(want === undefined);
  });
}

test("the defaults are the Collector's, and a check every second", () => {
  expect(schema.parse(valid)).toEqual({
    check_interval: 1_000,
    limit_mib: 0,
    limit_percentage: 80,
    spike_limit_mib: 0,
    spike_limit_percentage: 0,
    min_gc_interval_when_soft_limited: 10_000,
    min_gc_interval_when_hard_limited: 0,
    max_gc_interval_when_soft_limited: 30_000,
    max_gc_interval_when_hard_limited: 30_000,
  });
});
