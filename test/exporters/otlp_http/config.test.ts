import { expect, test } from "vitest";
import { z } from "zod";
import { schema } from "../../../src/exporters/otlp_http/config.ts";

test("the defaults are the Collector's", () => {
  expect(schema.parse({ endpoint: "http://127.0.0.1:14318" })).toEqual({
    endpoint: "http://127.0.0.1:14318",
    headers: {},
    timeout: 30_000,
    compression: "gzip",
    retry_on_failure: {
      enabled: true,
      initial_interval: 5_000,
      randomization_factor: 0.5,
      multiplier: 1.5,
      max_interval: 30_000,
      max_elapsed_time: 300_000,
    },
    sending_queue: {
      enabled: true,
      num_consumers: 10,
      queue_size: 1000,
      sizer: "requests",
      block_on_overflow: false,
      wait_for_result: false,
    },
  });
});

test("header values are never shown", () => {
  const config = schema.parse({
    endpoint: "https://backend/",
    headers: { authorization: "Bearer topsecret" },
  });
  expect(JSON.stringify(config)).toContain('"authorization":"[REDACTED]"');
});

for (const [title, section, path, message] of [
  ["no endpoint at all", {}, "", "must have an endpoint"],
  ["only a timeout", { timeout: "1s" }, "", "must have an endpoint"],
  ["a host without scheme", { endpoint: "127.0.0.1:4318" }, "endpoint", "is not a URL"],
  ["another scheme", { endpoint: "grpc://127.0.0.1:4317" }, "endpoint", "is not a URL"],
  ["a scheme without host", { endpoint: "http://" }, "endpoint", "is not a URL"],
  [
    "credentials in a URL",
    { logs_endpoint: "http://u:topsecret@h/" },
    "logs_endpoint",
    "contains credentials, which logs",
  ],
  ["a base with a query", { endpoint: "http://h/?a=1" }, "endpoint", "cannot have a query"],
  ["a fragment", { traces_endpoint: "http://h/#x" }, "traces_endpoint", "has a fragment (#x)"],
  [
    "a header that is ours",
    { endpoint: "http://h", headers: { "Content-Type": "text/plain" } },
    "headers.Content-Type",
    "is set by the exporter itself",
  ],
  [
    "a header name with a space",
    { endpoint: "http://h", headers: { "x y": "1" } },
    "headers.x y",
    "is not a header name",
  ],
  [
    "a secret that ends with a line break",
    { endpoint: "http://h", headers: { authorization: "topsecret\n" } },
    "headers.authorization",
    "contains a character that is not allowed in a header",
  ],
  [
    "an unknown compression",
    { endpoint: "http://h", compression: "br" },
    "compression",
    "Invalid option",
  ],
  ["a bare number of seconds", { endpoint: "http://h", timeout: 30 }, "timeout", "30"],
  ["a mistyped key", { endpoint: "http://h", header: {} }, "", "Unrecognized key"],
] as const) {
  test(`${title} is refused`, () => {
    const { error } = schema.safeParse(section);
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
    expect(error?.issues[0]?.message).toContain(message);
    expect(JSON.stringify(error?.issues)).not.toContain("topsecret");
  });
}

test("a config can be written back as it was read", () => {
  const written = {
    endpoint: "http://127.0.0.1:14318",
    headers: { "x-key": "v" },
    timeout: "30s",
    compression: "gzip",
  } as const;
  expect(z.encode(schema, schema.parse(written))).toMatchObject(written);
});
