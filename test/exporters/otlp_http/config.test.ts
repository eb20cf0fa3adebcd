import { expect, test } from "vitest";
import { z } from "zod";
import { schema } from "../../../src/exporters/otlp_http/config.ts";

test("the defaults are the Collector's", () => {
  expect(schema.parse({ endpoint: "http://127.0.0.1:14318" })).toEqual({
    endpoint: "http://127.0.0.1:14318",
    headers: {},
    timeout: 30_000,
    encoding: "proto",
    compression: "gzip",
    compression_params: {},
    tls: {
      insecure: false,
      insecure_skip_verify: false,
      include_system_ca_certs_pool: false,
      min_version: "1.2",
      reload_interval: 10_000,
    },
    // Not the Collector's: OTLP recommends it.
    max_request_size: 64 * 1024 * 1024,
    max_conns_per_host: 100,
    idle_conn_timeout: 90_000,
    disable_keep_alives: false,
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
  ...["snappy", "x-snappy-framed", "lz4"].map(
    (compression) =>
      [
        `the compression ${compression}`,
        { endpoint: "http://h", compression },
        "compression",
        `is ${compression}, which is not supported; write zstd`,
      ] as const,
  ),
  ...(
    [
      ["gzip", 10, "must be 1 to 9 for gzip, but is 10"],
      ["zlib", 0, "must be 1 to 9 for zlib, but is 0"],
      ["deflate", -1, "must be 1 to 9 for deflate, but is -1"],
      ["zstd", 23, "must be 1 to 22 for zstd, but is 23"],
      ["none", 1, "has no effect, because compression is none"],
    ] as const
  ).map(
    ([compression, level, message]) =>
      [
        `level ${level} of ${compression}`,
        { endpoint: "http://h", compression, compression_params: { level } },
        "compression_params.level",
        message,
      ] as const,
  ),
  [
    "no TLS for an https URL",
    { endpoint: "http://h", logs_endpoint: "https://h/logs", tls: { insecure: true } },
    "tls.insecure",
    "contradicts logs_endpoint, which begins with https://",
  ],
  ...["ca_file", "ca_pem", "insecure_skip_verify", "server_name_override"].map(
    (option) =>
      [
        `${option} for http URLs`,
        {
          endpoint: "http://h",
          tls: { [option]: option === "insecure_skip_verify" || "topsecret" },
        },
        `tls.${option}`,
        `has no effect, because endpoint begins with http://, which means no TLS; write https:// there or remove ${option}.`,
      ] as const,
  ),
  [
    "a client certificate for http URLs and an http proxy",
    {
      logs_endpoint: "http://h",
      proxy_url: "http://proxy:3128",
      tls: { cert_file: "c", key_file: "k" },
    },
    "tls.cert_file",
    "has no effect, because logs_endpoint begins with http://",
  ],
  [
    "an authority for no TLS",
    { endpoint: "http://h", tls: { insecure: true, ca_file: "a" } },
    "tls.ca_file",
    "has no effect, because insecure is true",
  ],
  [
    "a base that ends with the path of a signal",
    { endpoint: "http://h:4318/v1/traces" },
    "endpoint",
    'ends with /v1/traces, which is appended to it; write "http://h:4318", or write the URL of one signal as traces_endpoint',
  ],
  [
    "a base with a path that ends with that of a signal",
    { endpoint: "https://h/topsecret/v1/logs/" },
    "endpoint",
    "ends with /v1/logs/, which is appended to it; leave it out, or write",
  ],
  [
    "a queue of as many bytes as it has requests by default",
    { endpoint: "http://h", sending_queue: { sizer: "bytes" } },
    "sending_queue.sizer",
    "is bytes, but queue_size is 1000",
  ],
  [
    "a proxy that is none",
    { endpoint: "http://h", proxy_url: "ftp://u:topsecret@h" },
    "proxy_url",
    "is not the URL of a proxy",
  ],
  [
    "a SOCKS proxy",
    { endpoint: "http://h", proxy_url: "socks5://u:topsecret@h" },
    "proxy_url",
    "names a SOCKS proxy, which is not supported",
  ],
  [
    "an idle time that no timer can hold",
    { endpoint: "http://h", idle_conn_timeout: "720h" },
    "idle_conn_timeout",
    "must be at most 576h, but is 720h.",
  ],
  ...(
    [
      ["cookies", { enabled: true }, "cookies of the backend are ignored"],
      ["middlewares", [{ id: "x" }], "there are no middleware extensions"],
      ["force_attempt_http2", true, "requests are sent over HTTP/1.1"],
      ["http2_read_idle_timeout", "10s", "requests are sent over HTTP/1.1"],
      ["http2_ping_timeout", "10s", "requests are sent over HTTP/1.1"],
      ["max_idle_conns", 100, "max_conns_per_host bounds idle connections too"],
      ["max_idle_conns_per_host", 10, "max_conns_per_host bounds idle connections too"],
      ["read_buffer_size", 1, "the buffers of connections have a fixed size"],
      ["write_buffer_size", 1, "the buffers of connections have a fixed size"],
      ["profiles_endpoint", "http://h", "this program handles no profiles"],
    ] as const
  ).map(
    ([key, value, message]) =>
      [`the Collector's ${key}`, { endpoint: "http://h", [key]: value }, key, message] as const,
  ),
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

test("a proxy URL is a secret", () => {
  const config = schema.parse({ endpoint: "http://h", proxy_url: "http://u:topsecret@proxy:3128" });
  expect(JSON.stringify(config)).not.toContain("topsecret");
  expect(config.proxy_url?.reveal()).toBe("http://u:topsecret@proxy:3128");
});

test("tls.insecure goes with http URLs", () => {
  expect(schema.safeParse({ endpoint: "http://h", tls: { insecure: true } }).success).toBe(true);
});

for (const [title, section] of [
  ["the URL of one signal", { logs_endpoint: "https://h" }],
  ["a proxy with https", { proxy_url: "HTTPS://proxy:3128" }],
] as const) {
  test(`options of TLS go with http URLs if ${title} needs them`, () => {
    const tls = { ca_file: "ca.pem" };
    expect(schema.safeParse({ endpoint: "http://h", tls, ...section }).success).toBe(true);
  });
}

for (const endpoint of [
  "http://h/v1",
  "http://h/v1/traces/x",
  "http://h/otlp",
  "http://h/v1/spans",
]) {
  test(`${endpoint} is a base URL`, () => {
    expect(schema.safeParse({ endpoint }).success).toBe(true);
  });
}

test("a queue may count bytes if queue_size is a number of bytes", () => {
  const sending_queue = { sizer: "bytes", queue_size: 67_108_864 };
  expect(schema.safeParse({ endpoint: "http://h", sending_queue }).success).toBe(true);
});

test("a config can be written back as it was read", () => {
  const written = {
    endpoint: "http://127.0.0.1:14318",
    headers: { "x-key": "v" },
    timeout: "30s",
    compression: "gzip",
  } as const;
  expect(z.encode(schema, schema.parse(written))).toMatchObject(written);
});
