import { expect, test } from "vitest";
import { prometheusLabel, prometheusName } from "../../src/metrics/prometheus-names.ts";

for (const [title, kind, name, unit, options, want] of [
  ["dots become underscores", "up_down_counter", "a.b", "{work}", {}, "a_b"],
  ["a counter ends in _total", "counter", "a.b", "{work}", {}, "a_b_total"],
  ["a counter ends in _total once", "counter", "a.total", "{work}", {}, "a_total"],
  ["a gauge may end in _total", "gauge", "a.total", "{work}", {}, "a_total"],
  ["a unit is part of the name", "histogram", "a.duration", "s", {}, "a_duration_seconds"],
  ["a unit is part of the name once", "gauge", "a_seconds", "s", {}, "a_seconds"],
  ["the unit precedes _total", "counter", "sent", "By", {}, "sent_bytes_total"],
  ["an unknown unit is left out", "gauge", "a", "furlong", {}, "a"],
  ["a gauge of unit 1 is a ratio", "gauge", "a", "1", {}, "a_ratio"],
  ["a counter of unit 1 is no ratio", "counter", "a", "1", {}, "a_total"],
  ["a digit does not begin a name", "gauge", "2x..y", "", {}, "_2x_y"],
  ["names stay without suffixes", "counter", "a.b", "s", { suffixes: false }, "a_b"],
] as const) {
  test(title, () => {
    expect(prometheusName({ name, kind, unit }, options)).toBe(want);
  });
}

for (const [title, attribute, stripPrefix, want] of [
  ["a prefix is removed", "openclaw.reason", "openclaw.", "reason"],
  ["another prefix stays", "gen_ai.tool", "openclaw.", "gen_ai_tool"],
  ["an attribute that is only the prefix stays", "openclaw.", "openclaw.", "openclaw_"],
  ["nothing is removed without a prefix", "openclaw.reason", undefined, "openclaw_reason"],
] as const) {
  test(`labels: ${title}`, () => {
    const options = stripPrefix === undefined ? {} : { stripPrefix };
    expect(prometheusLabel(attribute, options)).toBe(want);
  });
}
