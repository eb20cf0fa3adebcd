import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Encoding } from "../../src/otlp/encode.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { callGrpc } from "../receivers/otlp/grpc-client.ts";
import { oneItem } from "../receivers/otlp/otlp-requests.ts";
import { post, statusOf, typed } from "../receivers/otlp/post.ts";
import { scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";

const folder = new URL("../testdata/hostile/", import.meta.url);

interface Hostile {
  readonly file: string;
  readonly signal: Signal;
  readonly encoding: Encoding;
  /** 200, or 413 with the reason under which it is counted. */
  readonly refused?: "too_large" | "too_complex";
  /** Items that are accepted. */
  readonly items?: number;
}

const bodies: readonly Hostile[] = [
  { file: "bigint-19M-digits.json.gz", signal: "traces", encoding: "json", refused: "too_large" },
  { file: "json-deep-unknown.gz", signal: "traces", encoding: "json", refused: "too_complex" },
  { file: "content-1MB-objects.gz", signal: "traces", encoding: "protobuf", items: 1 },
  { file: "labels-20000.pb.gz", signal: "traces", encoding: "protobuf", items: 20_000 },
  { file: "labels-poison.pb.gz", signal: "traces", encoding: "protobuf", items: 1_024 },
  {
    file: "logs-empty-attributes.gz",
    signal: "logs",
    encoding: "protobuf",
    refused: "too_complex",
  },
  {
    file: "logs-empty-records+session.start.gz",
    signal: "logs",
    encoding: "protobuf",
    refused: "too_complex",
  },
  { file: "throws-deep-body.log.pb.gz", signal: "logs", encoding: "protobuf", items: 1 },
];

// Also with the verbosities that decode what arrives, which the shipped config uses for events only.
for (const verbosity of ["basic", "detailed"]) {
  describe(`a collector with a heap of 180 MiB, that shows what arrives as ${verbosity},`, () => {
    let collector: RunningCollector;

    beforeAll(async () => {
      collector = await startCollector({
        env: { NODE_OPTIONS: "--max-old-space-size=180" },
        overrides: [
          `exporters::debug::verbosity: ${verbosity}`,
          // Larger than the default, so that the bodies get as far as over HTTP.
          "receivers::otlp::protocols::grpc::max_recv_msg_size_mib: 20",
        ],
      });
    });

    afterAll(async () => {
      await collector?.stop();
    });

    const good = async (signal: Signal) =>
      (
        await post(
          `${collector.endpoints.otlp}/v1/${signal}`,
          oneItem(signal, "protobuf"),
          typed("protobuf"),
        )
      ).status;
    const counted = async (transport: string, { signal, refused }: Hostile) => {
      const page = await scrape(collector.endpoints.telemetry);
      return refused === undefined
        ? page.sum(`otelcol_receiver_accepted_${signal === "traces" ? "spans" : "log_records"}`, {
            transport,
          })
        : page.sum("otelcol_receiver_refused_requests", { transport, reason: refused });
    };

    for (const hostile of bodies) {
      const { file, signal, encoding, refused, items } = hostile;
      const compressed = readFileSync(new URL(file, folder));

      test(`lives on after ${file}, answers it and those who send meanwhile`, async () => {
        const before = await counted("http", hostile);
        const send = () =>
          post(
            `${collector.endpoints.otlp}/v1/${signal}`,
            compressed,
            typed(encoding, { "Content-Encoding": "gzip" }),
          );
        // Of another signal, so that they count elsewhere.
        const other = signal === "traces" ? "logs" : "traces";
        const [answer, ...goods] = await Promise.all([send(), good(other), good(other)]);
        expect([answer.status, ...goods]).toEqual([refused === undefined ? 200 : 413, 200, 200]);
        if (refused !== undefined) {
          expect(statusOf(answer)).toEqual({ code: 8, message: expect.stringMatching(/\.$/) });
        }
        expect((await counted("http", hostile)) - before).toBe(items ?? 1);
        // Several at once may also be too many for the moment.
        const more = await Promise.all([send(), send(), send(), send()]);
        expect(more.map(({ status }) => status)).toEqual(
          Array(4).fill(expect.toBeOneOf([answer.status, 503])),
        );
        expect(await good(other)).toBe(200);
      }, 120_000);

      if (encoding === "protobuf") {
        test(`does the same over gRPC`, async () => {
          const before = await counted("grpc", hostile);
          const port = Number(new URL(`http://${collector.endpoints.otlpGrpc}`).port);
          const result = await callGrpc(port, signal, gunzipSync(compressed), {
            deadlineMs: 60_000,
            channel: { "grpc.max_send_message_length": -1 },
          });
          expect([result.code, await good("traces")]).toEqual([refused === undefined ? 0 : 8, 200]);
          expect((await counted("grpc", hostile)) - before).toBe(items ?? 1);
        }, 120_000);
      }
    }

    test("has the limits in its log with what to do, and no bug", () => {
      const log = collector.stderr();
      expect(log).toMatch(/holds more than one request may.*find out what sends it/);
      expect(log).not.toMatch(/[Pp]lease report it|FATAL|JavaScript heap/);
    });
  });
}
