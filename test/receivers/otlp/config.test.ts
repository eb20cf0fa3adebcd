import { describe, expect, test } from "vitest";
import { z } from "zod";
import { schema } from "../../../src/receivers/otlp/config.ts";

const defaults = {
  endpoint: { host: "127.0.0.1", port: 4318 },
  traces_url_path: "/v1/traces",
  metrics_url_path: "/v1/metrics",
  logs_url_path: "/v1/logs",
  max_request_body_size: 20_971_520,
  compression_algorithms: ["", "gzip", "zstd", "zlib", "deflate"],
  read_header_timeout: 15_000,
  read_timeout: 60_000,
  idle_timeout: 75_000,
};

test("a bare http: enables HTTP with its defaults", () => {
  for (const http of [null, {}]) {
    expect(schema.parse({ protocols: { http } })).toEqual({ protocols: { http: defaults } });
  }
});

test("what is written back reads as the same", () => {
  const config = schema.parse({ protocols: { http: { endpoint: "[::1]:1", read_timeout: "2m" } } });
  expect(schema.parse(z.encode(schema, config))).toEqual(config);
});

test("there is a JSON Schema for editors", () => {
  expect(z.toJSONSchema(schema, { io: "input" })).toMatchObject({
    properties: {
      protocols: { properties: { http: { anyOf: [{ type: "object" }, { type: "null" }] } } },
    },
  });
});

describe("a mistake is explained where it was made", () => {
  for (const [section, path, message] of [
    [{}, "protocols", /^must name at least one protocol, e\.g\. "http: \{\}"\.$/],
    [{ protocols: null }, "protocols", /^must name at least one protocol/],
    [{ protocols: {} }, "protocols", /^must name at least one protocol/],
    [{ protocols: { grpc: null } }, "protocols.grpc", /^is not supported yet.*protocols\.http\.$/],
    [{ protocols: { http: {}, grpc: {} } }, "protocols.grpc", /^is not supported yet/],
    [{ protocols: { http: { endpoint: "4318" } } }, "protocols.http.endpoint", /only a port/],
    [
      { protocols: { http: { traces_url_path: "v1/traces" } } },
      "protocols.http.traces_url_path",
      /begins with "\/"/,
    ],
    [
      { protocols: { http: { traces_url_path: "/v1/logs" } } },
      "protocols.http",
      /a different path for each signal/,
    ],
    [
      { protocols: { http: { max_request_body_size: 10 } } },
      "protocols.http.max_request_body_size",
      /at least 1KiB/,
    ],
    [
      { protocols: { http: { compression_algorithms: ["snappy"] } } },
      "protocols.http.compression_algorithms.0",
      /gzip/,
    ],
    [{ protocols: { http: { endpont: "x" } } }, "protocols.http", /endpont/],
    [{ protocols: { http: { read_timeout: 5 } } }, "protocols.http.read_timeout", /unit/],
  ] as const) {
    test(JSON.stringify(section), () => {
      const { error } = schema.safeParse(section);
      expect(error?.issues).toHaveLength(1);
      expect(error?.issues[0]?.path.join(".")).toBe(path);
      expect(error?.issues[0]?.message).toMatch(message);
    });
  }
});
