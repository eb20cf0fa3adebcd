import { expect, test } from "vitest";
import { z } from "zod";
import { schema } from "../../../src/exporters/otlp_grpc/config.ts";

const plain = { insecure: true };

test("the defaults are the Collector's", () => {
  expect(schema.parse({ endpoint: "backend:4317" })).toEqual({
    endpoint: { written: "backend:4317", host: "backend", port: 4317 },
    tls: {
      insecure: false,
      insecure_skip_verify: false,
      include_system_ca_certs_pool: false,
      min_version: "1.2",
      reload_interval: 10_000,
    },
    // Not the Collector's: OTLP recommends it.
    max_request_size: 64 * 1024 * 1024,
    headers: {},
    timeout: 5_000,
    compression: "gzip",
    balancer_name: "round_robin",
    wait_for_ready: false,
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

test("keepalive: {} pings after the Collector's 10 s", () => {
  expect(schema.parse({ endpoint: "backend:4317", keepalive: {} }).keepalive).toEqual({
    time: 10_000,
    timeout: 10_000,
    permit_without_stream: false,
  });
});

for (const [written, section, host, port] of [
  ["backend.example:4317", {}, "backend.example", 4317],
  ["127.0.0.1:4317", {}, "127.0.0.1", 4317],
  ["[::1]:4317", {}, "::1", 4317],
  ["https://backend:443", {}, "backend", 443],
  ["http://backend:4317", { tls: plain }, "backend", 4317],
  ["HTTP://backend:4317", { tls: plain }, "backend", 4317],
  ["dns:///backend:4317", {}, "backend", 4317],
  ["dns://backend:4317", {}, "backend", 4317],
] as const) {
  test(`${written} is an endpoint, and is written back as it was`, () => {
    const config = schema.parse({ endpoint: written, ...section });
    expect(config.endpoint).toMatchObject({ host, port });
    expect(z.encode(schema, config).endpoint).toBe(written);
  });
}

test("header values are never shown", () => {
  const config = schema.parse({ endpoint: "b:1", headers: { authorization: "Bearer topsecret" } });
  expect(JSON.stringify(config)).toContain('"authorization":"[REDACTED]"');
});

test("the value of a binary key may have any characters", () => {
  const headers = { "trace-bin": "\n\u0000ü", "Token-Bin": "ü" };
  expect(schema.safeParse({ endpoint: "b:1", headers }).success).toBe(true);
});

for (const [title, section, path, message] of [
  ["no endpoint", {}, "endpoint", ""],
  [
    "an empty endpoint",
    { endpoint: "" },
    "endpoint",
    "is not an endpoint; write a host and a port",
  ],
  ["a host without a port", { endpoint: "backend" }, "endpoint", "has no port; write a host"],
  [
    "an address of IPv6 without brackets",
    { endpoint: "::1:4317" },
    "endpoint",
    "is not an endpoint",
  ],
  ["a port that is none", { endpoint: "b:65536" }, "endpoint", "a port that does not exist"],
  ["any port", { endpoint: "b:0" }, "endpoint", "a port that does not exist"],
  ["a path", { endpoint: "https://b:4317/v1/traces" }, "endpoint", "has a path"],
  ["another scheme", { endpoint: "unix://b:1" }, "endpoint", "has a scheme that is not supported"],
  ["credentials", { endpoint: "https://u:topsecret@b:1" }, "endpoint", "contains credentials"],
  ["http:// while TLS is on", { endpoint: "http://b:1" }, "endpoint", "but tls is on"],
  [
    "https:// without TLS",
    { endpoint: "https://b:1", tls: plain },
    "tls.insecure",
    "turns TLS off",
  ],
  [
    "TLS options without TLS",
    { endpoint: "b:1", tls: { insecure: true, ca_file: "x" } },
    "tls.ca_file",
    "has no effect",
  ],
  [
    "a key that is not one of metadata",
    { endpoint: "b:1", headers: { "x y": "1" } },
    "headers.x y",
    "is not a key of gRPC metadata",
  ],
  [
    "a key of gRPC",
    { endpoint: "b:1", headers: { "Grpc-Timeout": "1" } },
    "headers.Grpc-Timeout",
    "is set by the exporter itself",
  ],
  [
    "a key of HTTP/2",
    { endpoint: "b:1", headers: { Connection: "close" } },
    "headers.Connection",
    "is set by the exporter itself",
  ],
  [
    "the user agent as a header",
    { endpoint: "b:1", headers: { "user-agent": "x" } },
    "headers.user-agent",
    "use the option user_agent",
  ],
  [
    "a secret that ends with a line break",
    { endpoint: "b:1", headers: { authorization: "topsecret\n" } },
    "headers.authorization",
    "contains a character that is not allowed in gRPC metadata",
  ],
  [
    "a value outside ASCII",
    { endpoint: "b:1", headers: { name: "topsecretü" } },
    "headers.name",
    "contains a character that is not allowed in gRPC metadata",
  ],
  [
    "another compression",
    { endpoint: "b:1", compression: "snappy" },
    "compression",
    "Invalid option",
  ],
  ["another balancer", { endpoint: "b:1", balancer_name: "x" }, "balancer_name", "Invalid option"],
  [
    "pings that backends refuse",
    { endpoint: "b:1", keepalive: { time: "1s" } },
    "keepalive.time",
    "at least 10s",
  ],
  [
    "an authority with a space",
    { endpoint: "b:1", authority: "a b" },
    "authority",
    "must be a host",
  ],
  ["a mistyped key", { endpoint: "b:1", header: {} }, "", "Unrecognized key"],
  [
    "credentials without TLS, as in the Collector",
    { endpoint: "b:1", tls: { insecure: true }, auth: { authenticator: "bearer_token_auth" } },
    "auth",
    "needs TLS",
  ],
] as const) {
  test(`${title} is refused`, () => {
    const { error } = schema.safeParse(section);
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
    expect(error?.issues[0]?.message).toContain(message);
    expect(JSON.stringify(error?.issues)).not.toContain("topsecret");
  });
}
