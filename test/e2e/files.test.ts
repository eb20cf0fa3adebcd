import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { type CaptureName, captured, orphanedMarkers } from "../support/captures.ts";
import { type OtlpSink, openSink, type SinkRequest } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { send } from "../support/send.ts";

const requests = {
  traces: otlp.ExportTraceServiceRequest,
  metrics: otlp.ExportMetricsServiceRequest,
  logs: otlp.ExportLogsServiceRequest,
} as const;

/** All that real gateways have sent, of all three signals. */
const sent = (Object.keys(orphanedMarkers) as CaptureName[]).flatMap((name) => captured(name));

/** What a request says, whatever its bytes look like. */
function meaningOf(signal: Signal, bytes: Uint8Array): string {
  return `${signal} ${JSON.stringify(requests[signal].decode(new Uint8Array(bytes)))}`;
}

const known = new WeakMap<SinkRequest, string>();

/** What has arrived, in no order. Each request is decoded once. */
const arrived = (all: readonly SinkRequest[]): readonly string[] =>
  all
    .map((request) => {
      const meaning = known.get(request) ?? meaningOf(request.signal, request.bytes);
      known.set(request, meaning);
      return meaning;
    })
    .sort();

const sentOnce = sent.map(({ signal, body }) => meaningOf(signal, body));

const wanted = (rounds: number): readonly string[] =>
  Array.from({ length: rounds }, () => sentOnce)
    .flat()
    .sort();

describe("data of gateways that one collector writes to files and another reads", () => {
  const folder = mkdtempSync(join(tmpdir(), "files-"));
  let backend: OtlpSink;
  let writer: RunningCollector;
  let reader: RunningCollector;

  const all = (component: string) =>
    ["traces", "metrics", "logs"].map((signal) => `    ${signal}: ${component}`).join("\n");

  function config(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  const startWriter = () =>
    startCollector({
      configs: [
        config(
          "writer.yaml",
          `receivers:
  otlp: { protocols: { http: {} } }
exporters:
  file: { path: ${folder}/data/telemetry.jsonl, create_directory: true, rotation: { max_megabytes: 1 } }
service:
  pipelines:
${all("{ receivers: [otlp], exporters: [file] }")}
`,
        ),
      ],
    });

  const startReader = () =>
    startCollector({
      configs: [
        config(
          "reader.yaml",
          `receivers:
  otlp_json_file: { include: ["${folder}/data/*.jsonl"], start_at: beginning, poll_interval: 20ms, storage: file_storage }
exporters:
  otlp_http: { endpoint: ${backend.url}, sending_queue: { enabled: false } }
extensions:
  file_storage: { directory: ${folder}/state }
service:
  extensions: [file_storage]
  pipelines:
${all("{ receivers: [otlp_json_file], exporters: [otlp_http] }")}
`,
        ),
      ],
    });

  async function post(): Promise<void> {
    for (const { signal, contentType, body } of sent) {
      const { status } = await send(writer.endpoints.otlp, signal, body, {
        "content-type": contentType,
      });
      expect(status).toBe(200);
    }
  }

  beforeAll(async () => {
    backend = await openSink();
    [writer, reader] = await Promise.all([startWriter(), startReader()]);
  });

  afterAll(async () => {
    await writer?.stop();
    await reader?.stop();
    await backend?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("arrives whole and once, over many rotations", async () => {
    await post();
    await backend.until("all has arrived", (all) => all.length >= sent.length || undefined, 30_000);
    expect(arrived(backend.requests)).toEqual(wanted(1));
  });

  test("also when the reader is restarted meanwhile, and the writer goes on", async () => {
    const posted = post();
    await backend.until("some have arrived", (all) => all.length > sent.length + 20 || undefined);
    expect(await reader.stop()).toMatchObject({ exitCode: 0 });
    await posted;
    await writer.stop();
    writer = await startWriter();
    await post();
    reader = await startReader();
    await backend.until(
      "all has arrived",
      (all) => all.length >= 3 * sent.length || undefined,
      30_000,
    );
    expect(arrived(backend.requests)).toEqual(wanted(3));
    expect(readdirSync(join(folder, "data")).length).toBeGreaterThan(4);
  });

  test("and nothing is missing when the reader is killed; only its last lines may come twice", async () => {
    const posted = post();
    await backend.until(
      "some have arrived",
      (all) => all.length > 3 * sent.length + 20 || undefined,
    );
    reader.kill("SIGKILL");
    await reader.ended();
    await posted;
    const before = backend.requests.length;
    reader = await startReader();
    const missing = () => {
      const counts = new Map<string, number>();
      for (const text of arrived(backend.requests)) {
        counts.set(text, (counts.get(text) ?? 0) + 1);
      }
      return wanted(4).filter((text) => {
        counts.set(text, (counts.get(text) ?? 0) - 1);
        return (counts.get(text) ?? 0) < 0;
      });
    };
    expect(missing().length).toBeGreaterThan(0);
    await backend.until("the rest has arrived", () => missing().length === 0 || undefined, 30_000);
    expect(before).toBeLessThan(4 * sent.length);
    expect(backend.requests.length - 4 * sent.length).toBeLessThan(40);
  });
});
