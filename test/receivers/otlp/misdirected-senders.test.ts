import { connect, type Http2Session } from "node:http2";
import { connect as connectTls } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { rawSocket } from "../../net/raw-socket.ts";
import {
  closeReceivers,
  type OpenOptions,
  type OpenReceiver,
  openReceiver,
} from "./open-receiver.ts";
import { oneItem, secret, textBytes } from "./otlp-requests.ts";
import { type PostOptions, post, typed } from "./post.ts";

afterEach(closeReceivers);

const protobuf = typed("protobuf");

function warnings({ lines }: OpenReceiver) {
  return lines.filter(({ level }) => level === "warn");
}

interface Sent extends PostOptions {
  readonly open?: OpenOptions;
  readonly path?: string;
  readonly body?: Uint8Array;
}

type Case = readonly [
  what: string,
  reason: string,
  sent: Sent,
  message: RegExp,
  fields: Readonly<Record<string, unknown>>,
];

const cases: readonly Case[] = [
  [
    "an unknown path",
    "unknown_path",
    { path: `/v1/trace?${secret}` },
    /no endpoint at its path\. Set OTEL_EXPORTER_OTLP_ENDPOINT/,
    { paths: ["/v1/traces", "/v1/metrics", "/v1/logs"] },
  ],
  [
    "a signal without a pipeline",
    "no_pipeline",
    { open: { signals: ["logs"] } },
    /Name the receiver in a pipeline/,
    { detail: "No pipeline receives traces from this receiver." },
  ],
  ["another method", "method", { method: "PUT" }, /method is not POST/, {}],
  [
    "another media type",
    "content_type",
    { headers: { "Content-Type": `text/${secret}` } },
    /Set OTEL_EXPORTER_OTLP_PROTOCOL .* to http\/protobuf or http\/json/,
    { media_types: ["application/x-protobuf", "application/json"] },
  ],
  [
    "an unknown compression",
    "content_encoding",
    { headers: { ...protobuf.headers, "Content-Encoding": secret } },
    /Set OTEL_EXPORTER_OTLP_COMPRESSION .* to gzip or none/,
    { compression_algorithms: ["none", "gzip", "zstd", "zlib", "deflate"] },
  ],
  [
    "a body that is too large",
    "too_large",
    {
      open: { http: { max_request_body_size: "1KiB" } },
      headers: { ...protobuf.headers, "Content-Encoding": "gzip" },
      body: gzipSync(new Uint8Array(2048)),
    },
    /smaller batches.*raise max_request_body_size/,
    { max_bytes: 1024, detail: expect.stringMatching(/at most 1024 bytes/) },
  ],
  [
    "JSON that does not fit",
    "undecodable",
    { ...typed("json"), body: textBytes(`{"resourceSpans": "${secret}"}`) },
    /cannot be decoded/,
    { detail: expect.stringMatching(/resourceSpans/) },
  ],
];

for (const [what, reason, sent, message, fields] of cases) {
  test(`${what} shows in the log with the remedy, and nothing of the request does`, async () => {
    const { open, path = "/v1/traces", body = oneItem("traces", "protobuf"), ...how } = sent;
    const receiver = await openReceiver(open);
    await post(`${receiver.url}${path}`, body, { ...protobuf, ...how });
    expect(warnings(receiver)).toEqual([
      {
        level: "warn",
        message: expect.stringMatching(message),
        fields: { reason, requests: 1, ...fields },
      },
    ]);
    expect(JSON.stringify(receiver.lines)).not.toContain(secret);
    expect(await receiver.refused()).toEqual({ [reason]: 1 });
  });
}

test("each reason has one line in ten seconds, with the number of requests since the last one", async () => {
  const receiver = await openReceiver();
  const wrong = async (path: string) =>
    post(`${receiver.url}${path}`, oneItem("traces", "protobuf"), { method: "GET" });
  const seen = () => warnings(receiver).map(({ fields }) => [fields["reason"], fields["requests"]]);
  await wrong("/nowhere");
  await wrong("/nowhere");
  await wrong("/v1/traces");
  receiver.clock.advance(9_999);
  await wrong("/nowhere");
  const first = [
    ["unknown_path", 1],
    ["method", 1],
  ];
  expect(seen()).toEqual(first);
  receiver.clock.advance(1);
  await wrong("/nowhere");
  expect(seen()).toEqual([...first, ["unknown_path", 3]]);
});

test("what is not the sender's mistake is no line", async () => {
  const receiver = await openReceiver({
    refusal: () => ({ status: "retryable", message: "Full." }),
  });
  const { status } = await post(`${receiver.url}/v1/logs`, oneItem("logs", "protobuf"), protobuf);
  expect(status).toBe(503);
  expect(warnings(receiver)).toEqual([]);
});

describe("a client of HTTP/2 at the HTTP port", () => {
  test("is told by GOAWAY to use HTTP/1.1, and is counted once", async () => {
    const receiver = await openReceiver();
    const session = connect(receiver.url);
    session.on("error", () => {});
    const call = session.request({ ":method": "POST", ":path": "/x" });
    call.on("error", () => {});
    call.write(Buffer.alloc(200_000));
    const { code, text } = await goAwayOf(session);
    expect([code, text]).toEqual([0x0d, expect.stringMatching(/port of protocols\.grpc/)]);
    session.destroy();
    expect(await receiver.refused()).toEqual({ unexpected_http2: 1 });
    expect(warnings(receiver)).toMatchObject([
      { message: expect.stringMatching(/4317, or set OTEL_EXPORTER_OTLP_PROTOCOL=http\/protobuf/) },
    ]);
  });

  test("is known from a preface that comes byte by byte, and is cut when it stays", async () => {
    const receiver = await openReceiver();
    const socket = await rawSocket(receiver.port);
    for (const byte of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
      socket.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await socket.closed()).toContain("4317");
    expect(await receiver.refused()).toEqual({ unexpected_http2: 1 });
  });
});

test("a client of TLS at a port without it is counted, and sees that the port has none", async () => {
  const receiver = await openReceiver();
  const socket = connectTls({ host: "127.0.0.1", port: receiver.port });
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.on("error", resolve));
  expect(error.code).toMatch(/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/);
  expect(await receiver.refused()).toEqual({ unexpected_tls: 1 });
  expect(warnings(receiver)).toMatchObject([
    { message: expect.stringMatching(/http:\/\/ instead of https:\/\//) },
  ]);
});

function goAwayOf(session: Http2Session): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    session.on("goaway", (code, _, data) => resolve({ code, text: String(data) }));
  });
}
