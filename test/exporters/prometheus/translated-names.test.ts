import { expect, test } from "vitest";
import { familyNameOf, labelNameOf } from "../../../src/exporters/prometheus/translated-names.ts";

const rules = { namespace: "", suffixes: true };

for (const [name, unit, kind, want] of [
  ["system.filesystem.usage", "By", "gauge", "system_filesystem_usage_bytes"],
  ["http.server.duration", "s", "histogram", "http_server_duration_seconds"],
  ["requests", "{request}", "counter", "requests_total"],
  ["requests.total.count", "1", "counter", "requests_count_total"],
  ["requests_total", "", "counter", "requests_total"],
  ["cpu.utilization", "1", "gauge", "cpu_utilization_ratio"],
  ["cpu.ratio.used", "1", "gauge", "cpu_used_ratio"],
  ["queue.length", "1", "up_down_counter", "queue_length"],
  ["load", "%", "gauge", "load_percent"],
  ["speed", "m/s", "gauge", "speed_meters_per_second"],
  ["speed", "By/min", "gauge", "speed_bytes_per_min"],
  ["rate", "{packet}/s", "gauge", "rate_per_second"],
  ["rate", "By/{packet}", "gauge", "rate_bytes"],
  ["disk.bytes.read", "By", "counter", "disk_bytes_read_total"],
  ["a__b..c", "", "gauge", "a_b_c"],
  ["_a_", "", "gauge", "a"],
  ["2xx", "", "gauge", "_2xx"],
  ["job:rate", "", "gauge", "job:rate"],
  ["temp", "Cel", "gauge", "temp_celsius"],
  ["x", "foo bar", "gauge", "x_foo_bar"],
  ["ünï", "", "gauge", "n"],
  ["日本", "s", "counter", undefined],
  ["", "s", "counter", undefined],
  ["___", "s", "counter", undefined],
] as const) {
  test(`the ${kind} "${name}" in "${unit}" is ${want}`, () => {
    expect(familyNameOf({ name, unit, kind }, rules)).toBe(want);
  });
}

test("without suffixes a name keeps its underscores, and a namespace is put in front", () => {
  const metric = { name: "a__b.c", unit: "s", kind: "counter" } as const;
  expect(familyNameOf(metric, { namespace: "", suffixes: false })).toBe("a__b_c");
  expect(familyNameOf(metric, { namespace: "1 x", suffixes: true })).toBe(
    "_1_x_a_b_c_seconds_total",
  );
});

for (const [key, want] of [
  ["http.method", "http_method"],
  ["a--b", "a_b"],
  ["2xx", "key_2xx"],
  ["_a", "key_a"],
  ["__name__", "key_name_"],
  ["日", "key_"],
  ["", undefined],
] as const) {
  test(`the attribute "${key}" is the label ${want}`, () => expect(labelNameOf(key)).toBe(want));
}
