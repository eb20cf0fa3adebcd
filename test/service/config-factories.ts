import { z } from "zod";
import { type AnyFactory, declare, type Factory } from "../../src/component/factory.ts";
import { anyCase } from "../../src/config/any-case.ts";
import { storageId } from "../../src/config/storage-id.ts";
import { byteSize, duration, endpoint, opaque } from "../../src/config/units.ts";

/** Types of components that resemble the real ones and do nothing, so that the config can be tested alone. */
export const factories: readonly AnyFactory[] = [
  fake({
    type: "otlp",
    listensAt: [
      ["protocols", "grpc", "endpoint"],
      ["protocols", "http", "endpoint"],
    ],
    kind: "receiver",
    roles: { receiver: ["traces", "metrics", "logs"] },
    schema: z.strictObject({
      protocols: z.strictObject({
        http: z
          .strictObject({
            endpoint: endpoint().prefault("127.0.0.1:4318"),
            max_request_body_size: byteSize({ max: "1GiB" }).prefault("20MiB"),
            read_timeout: duration({ min: "100ms" }).prefault("60s"),
          })
          .optional(),
        grpc: z.strictObject({ endpoint: endpoint().prefault("127.0.0.1:4317") }).optional(),
      }),
    }),
  }),
  fake({
    type: "session_activity",
    kind: "processor",
    roles: { processor: ["traces", "logs"], receiver: ["metrics", "logs"] },
    storageKey: ["storage"],
    schema: z
      .strictObject({
        allowed_lateness: duration().prefault("10s"),
        max_age: duration().prefault("12h"),
        max_sessions: z.int().min(1).prefault(100_000),
        trace_context: z.boolean().prefault(true),
        storage: storageId(),
      })
      .check((context) => {
        const { allowed_lateness: latenessMs, max_age: maxAgeMs } = context.value;
        if (latenessMs >= maxAgeMs) {
          context.issues.push({
            code: "custom",
            input: context.value,
            path: ["allowed_lateness"],
            message: "must be shorter than max_age.",
          });
        }
      }),
  }),
  fake({
    type: "memory_limiter",
    kind: "processor",
    roles: { processor: ["traces", "metrics", "logs"] },
    schema: z.strictObject({ limit_percentage: z.number().min(1).max(100) }),
  }),
  fake({
    type: "prometheus",
    listensAt: [["endpoint"]],
    kind: "exporter",
    roles: { exporter: ["metrics"], scraped: true },
    schema: z.strictObject({ endpoint: endpoint().prefault("127.0.0.1:9464") }),
  }),
  fake({
    type: "otlp_http",
    deprecatedAlias: "otlphttp",
    kind: "exporter",
    roles: { exporter: ["traces", "metrics", "logs"] },
    storageKey: ["sending_queue", "storage"],
    schema: z.strictObject({
      endpoint: z.url(),
      headers: z.record(z.string(), opaque()).prefault({}),
      compression: z.enum(["gzip", "none"]).prefault("gzip"),
      timeout: duration().prefault("30s"),
      sending_queue: z
        .strictObject({ enabled: z.boolean().optional(), storage: storageId() })
        .optional(),
      retry_on_failure: z.looseObject({}).optional(),
      tls: z.union([z.boolean(), z.strictObject({ ca_file: z.string().min(1) })]).optional(),
    }),
  }),
  fake({
    type: "debug",
    kind: "exporter",
    roles: { exporter: ["traces", "metrics", "logs"] },
    schema: z.strictObject({
      verbosity: anyCase(["basic", "normal", "detailed"]).prefault("basic"),
      note: z.string().optional(),
    }),
  }),
  fake({
    type: "trace_file",
    kind: "exporter",
    roles: { exporter: ["traces"] },
    schema: z.strictObject({}),
  }),
  fake({
    type: "health_check",
    listensAt: [["endpoint"]],
    kind: "extension",
    roles: {},
    schema: z.strictObject({ endpoint: endpoint().prefault("127.0.0.1:13133") }),
  }),
  fake({
    type: "file_storage",
    kind: "extension",
    roles: { storage: true },
    schema: z.strictObject({ directory: z.string().prefault("./data") }),
  }),
];

/** A config with nothing wrong in it, to be laid under the one mistake a test is about. */
export const wholeConfig = `
receivers:
  otlp:
    protocols:
      http:
processors:
  session_activity:
exporters:
  prometheus:
  debug:
service:
  pipelines:
    traces: { receivers: [otlp], processors: [session_activity], exporters: [debug] }
    metrics/activity: { receivers: [session_activity], exporters: [prometheus, debug] }
`;

function fake<C>(factory: Omit<Factory<C>, "stability" | "description" | "create">): AnyFactory {
  return declare({
    ...factory,
    stability: "development",
    description: "Does nothing.",
    create: () => ({ start: async () => {}, shutdown: async () => {} }),
  });
}
