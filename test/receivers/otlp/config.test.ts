import { describe, expect, test } from "vitest";
import { z } from "zod";
import { schema } from "../../../src/receivers/otlp/config.ts";
import {
  grpcSchema,
  serverOptionsOf,
  wantedMessageBytes,
} from "../../../src/receivers/otlp/grpc-config.ts";

const grpcDefaults = {
  endpoint: { host: "127.0.0.1", port: 4317 },
  transport: "tcp",
  allowed_hosts: [],
  max_recv_msg_size_mib: 4,
  max_concurrent_streams: 100,
  keepalive: {
    server_parameters: { time: 7_200_000, timeout: 20_000 },
    enforcement_policy: { min_time: 300_000, permit_without_stream: false },
  },
};

const defaults = {
  endpoint: { host: "127.0.0.1", port: 4318 },
  transport: "tcp",
  allowed_hosts: [],
  response_headers: {},
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

test("a bare grpc: enables gRPC with its defaults", () => {
  for (const grpc of [null, {}, { keepalive: { server_parameters: {} } }]) {
    expect(schema.parse({ protocols: { grpc } })).toEqual({ protocols: { grpc: grpcDefaults } });
  }
});

test("0 stands for the default of gRPC, and of a duration for never, as in the Collector", () => {
  const zeros = grpcSchema.parse({
    max_recv_msg_size_mib: 0,
    max_concurrent_streams: 0,
    keepalive: { server_parameters: { max_connection_idle: "0s", max_connection_age: "0s" } },
  });
  const defaultsOfGrpc = grpcSchema.parse({});
  expect(wantedMessageBytes(zeros)).toBe(4_194_304);
  expect(serverOptionsOf(zeros)).toEqual(serverOptionsOf(defaultsOfGrpc));
  expect(serverOptionsOf(zeros)).toMatchObject({
    maxConcurrentStreams: 100,
    keepalive: { maxIdleMs: undefined, maxAgeMs: undefined, maxAgeGraceMs: undefined },
  });
});

test("what is written back reads as the same", () => {
  const config = schema.parse({
    protocols: {
      http: { endpoint: "[::1]:1", read_timeout: "2m" },
      grpc: { keepalive: { server_parameters: { max_connection_age: "1h30m" } } },
    },
  });
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
    [{}, "protocols", /^must name at least one protocol, e\.g\. "grpc: \{\}" or "http: \{\}"\.$/],
    [{ protocols: null }, "protocols", /^must name at least one protocol/],
    [{ protocols: {} }, "protocols", /^must name at least one protocol/],
    [{ protocols: { grpc: { endpoint: "4317" } } }, "protocols.grpc.endpoint", /only a port/],
    [
      { protocols: { grpc: { max_recv_msg_size_mib: 0.5 } } },
      "protocols.grpc.max_recv_msg_size_mib",
      /int/,
    ],
    [
      { protocols: { grpc: { max_concurrent_streams: -1 } } },
      "protocols.grpc.max_concurrent_streams",
      />=0/,
    ],
    [
      { protocols: { grpc: { keepalive: { server_parameters: { time: "10ms" } } } } },
      "protocols.grpc.keepalive.server_parameters.time",
      /at least 1s/,
    ],
    [
      { protocols: { grpc: { keepalive: { enforcement_policy: { min_tim: "1s" } } } } },
      "protocols.grpc.keepalive.enforcement_policy",
      /min_tim/,
    ],
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
