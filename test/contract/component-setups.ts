import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyFactory } from "../../src/component/factory.ts";
import { jsonOfRequest } from "../../src/otlp/json-text.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { callGrpc } from "../receivers/otlp/grpc-client.ts";
import { post, typed } from "../receivers/otlp/post.ts";
import { orphanedTool } from "../support/agent-spans.ts";
import type { ComponentSetup, Running } from "./component-setup.ts";
import { ordinaryPayload } from "./payloads.ts";

const grpcOnly = { grpc: { endpoint: "127.0.0.1:0" } };

/** One entry per component in `src/components.ts`, by kind and type. */
export const componentSetups: Readonly<Record<string, ComponentSetup>> = {
  "receiver otlp": {
    section: () => ({ protocols: { http: { endpoint: "127.0.0.1:0" } } }),
    variants: { "over gRPC": { protocols: grpcOnly } },
    listens: true,
    feed: {
      traces: (running) => sendOtlp(running, "traces"),
      metrics: (running) => sendOtlp(running, "metrics"),
      logs: (running) => sendOtlp(running, "logs"),
    },
  },
  "receiver otlp_json_file": {
    section: ({ folder }) => ({ include: [join(folder, "*.jsonl")], start_at: "beginning" }),
    variants: { "that deletes what it has read": { delete_after_read: true } },
    feed: {
      traces: (running) => appendLine(running, "traces"),
      metrics: (running) => appendLine(running, "metrics"),
      logs: (running) => appendLine(running, "logs"),
    },
  },
  "processor memory_limiter": {
    section: () => ({ limit_percentage: 80 }),
    variants: { "with a limit in MiB": { limit_mib: 400, spike_limit_mib: 100 } },
  },
  "processor session_activity": {
    section: () => ({}),
    variants: { "with closing spans": { close_spans: true } },
    feed: {
      logs: async (running) => {
        const answers = orphanedTool("contract", {}).map((bytes) =>
          running.consume("processor", { signal: "traces", bytes, items: 1 }),
        );
        await running.advance(15_000);
        await Promise.all(answers);
      },
      async metrics(running) {
        await running.advance(10_000);
        await running.advance(1_200); // It waits so long for a disk that hangs.
      },
    },
  },
  "processor redaction": {
    section: () => ({ allow_all_keys: true, blocked_values: ["secret"] }),
    variants: {
      "that removes every attribute": {},
      "with presets": {
        allow_all_keys: true,
        presets: ["openclaw", "genai_content"],
        hmac_key: "00112233445566778899aabbccddeeff",
        summary: "debug",
      },
    },
  },
  "exporter prometheus": {
    section: () => ({ endpoint: "127.0.0.1:0" }),
    variants: {
      "with attributes of resources": {
        resource_to_telemetry_conversion: { enabled: true },
        send_timestamps: true,
      },
      "at its bound": { max_series: 1 },
    },
    listens: true,
    request: (running) => get(running, "/metrics"),
  },
  "exporter otlp_http": {
    section: ({ backendUrl }) => ({ endpoint: backendUrl }),
    variants: {
      "without compression": { compression: "none" },
      "with JSON": { encoding: "json", compression: "zlib", compression_params: { level: 9 } },
      "with a connection for each request": { disable_keep_alives: true, max_conns_per_host: 0 },
      "without a queue": {
        sending_queue: { enabled: false },
        retry_on_failure: { enabled: false },
      },
      "with batches": { sending_queue: { batch: { min_size: 1 } } },
    },
  },
  "exporter otlp_grpc": {
    section: ({ grpcEndpoint }) => ({ endpoint: grpcEndpoint, tls: { insecure: true } }),
    variants: {
      "without compression": { compression: "none" },
      "without a queue": {
        sending_queue: { enabled: false },
        retry_on_failure: { enabled: false },
      },
      "with keepalive": { keepalive: { permit_without_stream: true } },
    },
  },
  "exporter file": {
    section: ({ folder }) => ({ path: join(folder, "out.jsonl") }),
    variants: {
      "with protobuf": { format: "proto" },
      "with compression": { compression: "zstd" },
      "with rotation": { rotation: { max_megabytes: 1 } },
    },
  },
  "exporter debug": {
    section: () => ({}),
  },
  "extension basic_auth": {
    section: () => ({ htpasswd: { inline: "user:password" } }),
  },
  "extension bearer_token_auth": {
    section: () => ({ token: "token" }),
  },
  "extension file_storage": {
    section: ({ folder }) => ({ directory: folder }),
  },
  "extension health_check": {
    section: () => ({ endpoint: "127.0.0.1:0" }),
    listens: true,
    request: (running) => get(running, "/"),
  },
};

/** The setup of a component. Throws an `Error` with the entry to add if there is none. */
export function setupOf(
  factory: Pick<AnyFactory, "kind" | "type">,
  setups = componentSetups,
): ComponentSetup {
  const key = `${factory.kind} ${factory.type}`;
  const setup = setups[key];
  if (setup === undefined) {
    throw new Error(
      `The contract suite has no setup for the ${key}. Add an entry "${key}" to test/contract/component-setups.ts with its minimal valid section` +
        " (port 0 for listeners, the given folder for files), `feed` for each signal of its receiver role, and `request` if it is scraped.",
    );
  }
  return setup;
}

async function sendOtlp(running: Running, signal: Signal): Promise<void> {
  const { bytes } = ordinaryPayload(signal);
  if (running.section["protocols"] === grpcOnly) {
    await callGrpc(Number(running.endpoint.split(":").at(-1)), signal, bytes);
    return;
  }
  await post(`http://${running.endpoint}/v1/${signal}`, bytes, typed("protobuf"));
}

/** Writes a line of OTLP JSON and lets the receiver find it. */
async function appendLine(running: Running, signal: Signal): Promise<void> {
  const { text } = jsonOfRequest(signal, ordinaryPayload(signal).bytes);
  appendFileSync(join(running.folder, "in.jsonl"), `${text}\n`);
  await running.advance(60_000);
}

/** Requests a page from the component. Resolves to the HTTP status. */
export async function get(running: Running, path: string): Promise<number> {
  const nothing = new Uint8Array(0);
  const { status } = await post(`http://${running.endpoint}${path}`, nothing, { method: "GET" });
  return status;
}
