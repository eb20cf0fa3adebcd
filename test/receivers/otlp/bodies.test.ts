import { Agent } from "node:http";
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { gzipBomb } from "../../net/gzip-bomb.ts";
import { rawSocket } from "../../net/raw-socket.ts";
import { deferred } from "../../support/deferred.ts";
import fc from "../../support/fast-check.ts";
import { closeReceivers, openReceiver } from "./open-receiver.ts";
import { encodings, oneItem, requestOfSize, textBytes } from "./otlp-requests.ts";
import { post, statusOf, typed } from "./post.ts";

afterEach(closeReceivers);

/** Unknown fields are data of somebody newer than us: they must survive. */
function requestOf(spans: number): Uint8Array {
  const known = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: Array.from({ length: spans }, (_, index) => ({
              traceId: Uint8Array.from(
                { length: 16 },
                (_, at) => ((index * 7919 + at * 31) % 255) + 1,
              ),
              spanId: Uint8Array.from(
                { length: 8 },
                (_, at) => ((index * 104_729 + at * 17) % 255) + 1,
              ),
              name: `span ${index}`,
            })),
          },
        ],
      },
    ],
  }).finish();
  const unknownField = Uint8Array.of(0x9a, 0x06, 0x02, 0x08, 0x01);
  return Buffer.concat([known, unknownField]);
}

const compressors = [
  ["no encoding", undefined, (bytes: Uint8Array) => bytes],
  ["identity", "identity", (bytes: Uint8Array) => bytes],
  ["gzip", "gzip", (bytes: Uint8Array) => gzipSync(bytes)],
  ["deflate", "deflate", (bytes: Uint8Array) => deflateSync(bytes)],
  ["raw deflate", "deflate", (bytes: Uint8Array) => deflateRawSync(bytes)],
  ["zstd", "zstd", (bytes: Uint8Array) => zstdCompressSync(bytes)],
] as const;

describe("the bytes handed on are the bytes that were sent", () => {
  for (const [name, encoding, compress] of compressors) {
    for (const isChunked of [false, true]) {
      for (const spans of [1, 2000, 60_000]) {
        test(`${spans} spans with ${name}, ${isChunked ? "chunked" : "in one piece"}`, async () => {
          const receiver = await openReceiver();
          const request = requestOf(spans);
          const received = await post(`${receiver.url}/v1/traces`, compress(request), {
            ...typed("protobuf", encoding === undefined ? {} : { "Content-Encoding": encoding }),
            isChunked,
          });
          expect(received.status).toBe(200);
          const [payload] = receiver.payloads;
          expect(payload?.items).toBe(spans);
          expect(Buffer.compare(payload!.bytes, request)).toBe(0);
        });
      }
    }
  }
});

describe("the limit", () => {
  const limit = 100_000;
  const exactly = requestOfSize(limit);
  const over = requestOfSize(limit + 1);
  for (const [name, encoding, compress] of compressors) {
    for (const isChunked of [false, true]) {
      test(`takes exactly so many bytes and not one more, ${name}, ${isChunked ? "chunked" : "in one piece"}`, async () => {
        const receiver = await openReceiver({ http: { max_request_body_size: limit } });
        const options = {
          ...typed("protobuf", encoding === undefined ? {} : { "Content-Encoding": encoding }),
          isChunked,
        };
        const taken = await post(`${receiver.url}/v1/traces`, compress(exactly), options);
        const refused = await post(`${receiver.url}/v1/traces`, compress(over), options);
        expect([taken.status, refused.status]).toEqual([200, 413]);
        expect(statusOf(refused).code).toBe(8);
        expect(await receiver.refused()).toEqual({ too_large: 1 });
      });
    }
  }

  test("lets a bomb of 1 GiB cost no more than itself; the next request is taken", async () => {
    const receiver = await openReceiver();
    const bomb = await gzipBomb(1024);
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 1);
    const gzip = typed("protobuf", { "Content-Encoding": "gzip" });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post(`${receiver.url}/v1/traces`, bomb, gzip)),
    );
    clearInterval(watch);
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 10 }, () => 413));
    expect(peak - before).toBeLessThan(400 << 20);
    expect(receiver.payloads).toEqual([]);
    const good = await post(`${receiver.url}/v1/traces`, gzipSync(requestOf(3)), gzip);
    expect(good.status).toBe(200);
  });
});

describe("a sender that breaks off", () => {
  const head = (length: number) =>
    `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${length}\r\n\r\n`;

  test("and leaves is counted; the next request is taken", async () => {
    const receiver = await openReceiver();
    const socket = await rawSocket(receiver.port);
    socket.send(`${head(1000)}half`);
    await post(`${receiver.url}/v1/logs`, oneItem("logs", "json"), typed("json"));
    socket.destroy();
    while ((await receiver.refused())["disconnected"] === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await receiver.refused()).toEqual({ disconnected: 1 });
    expect(receiver.payloads.map((payload) => payload.signal)).toEqual(["logs"]);
  });

  test("and stays silent is cut when its time is over", async () => {
    const receiver = await openReceiver({ http: { read_timeout: "100ms" } });
    const socket = await rawSocket(receiver.port);
    socket.send(`${head(1000)}half`);
    expect(await socket.closed()).toMatch(/^HTTP\/1.1 408 /);
    expect(await receiver.refused()).toEqual({ timeout: 1 });
    expect(receiver.payloads).toEqual([]);
  });

  test("and does not speak HTTP is counted", async () => {
    const receiver = await openReceiver();
    const socket = await rawSocket(receiver.port);
    socket.send("HELO there\r\n\r\n");
    expect(await socket.closed()).toMatch(/^HTTP\/1.1 400 /);
    expect(await receiver.refused()).toEqual({ malformed_http: 1 });
  });
});

test("a connection is used again after every kind of error", async () => {
  const receiver = await openReceiver({ http: { max_request_body_size: "64KiB" } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  agent.on("free", (socket: unknown) => sockets.add(socket));
  const good = oneItem("traces", "protobuf");
  const at = `${receiver.url}/v1/traces`;
  const statuses: number[] = [];
  for (const [url, body, headers, isChunked] of [
    [at, good, {}, false],
    [`${receiver.url}/nowhere`, good, {}, false],
    [at, textBytes("garbage"), {}, false],
    [at, new Uint8Array(300_000), {}, false],
    [at, new Uint8Array(300_000), {}, true],
    [at, good, { "Content-Encoding": "br" }, false],
    [at, good, {}, false],
  ] as const) {
    const options = { ...typed("protobuf", headers), agent, isChunked };
    statuses.push((await post(url, body, options)).status);
  }
  agent.destroy();
  expect(statuses).toEqual([200, 404, 400, 413, 413, 400, 200]);
  expect(sockets.size).toBe(1);
});

test("200 requests at a time are all taken", async () => {
  const receiver = await openReceiver();
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const encoding = encodings[index % 2]!;
      const body = oneItem("traces", encoding);
      return (await post(`${receiver.url}/v1/traces`, body, typed(encoding))).status;
    }),
  );
  expect(statuses).toEqual(Array.from({ length: 200 }, () => 200));
  expect(receiver.payloads).toHaveLength(200);
});

test("more bodies than fit are asked to come back, and are taken then", async () => {
  const held: ((result: ConsumeResult) => void)[] = [];
  const full = deferred<void>();
  const receiver = await openReceiver({
    http: { max_request_body_size: 100_000 },
    consume: () =>
      new Promise((resolve) => {
        held.push(resolve);
        if (held.length === 7) full.resolve();
      }),
  });
  const body = requestOfSize(100_000);
  const url = `${receiver.url}/v1/traces`;
  // The last eighth is for other peers.
  const first = Array.from({ length: 7 }, () => post(url, body, typed("protobuf")));
  await full.promise;
  const refused = await post(url, body, typed("protobuf"));
  expect([refused.status, refused.headers["retry-after"], statusOf(refused).code]).toEqual([
    503,
    "1",
    14,
  ]);
  expect(await receiver.refused()).toEqual({ busy: 1 });
  for (const answer of held) answer(accepted);
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual(Array(7).fill(200));
  const later = post(url, body, typed("protobuf"));
  while (held.length < 8) await new Promise((resolve) => setImmediate(resolve));
  held.at(-1)?.(accepted);
  expect((await later).status).toBe(200);
});

test("whatever the bytes are, the answer is a documented one", async () => {
  const receiver = await openReceiver({ http: { max_request_body_size: "2KiB" } });
  const agent = new Agent({ keepAlive: true });
  const mutated = fc
    .tuple(fc.constantFrom(...encodings), fc.nat(), fc.nat(255))
    .map(([encoding, at, value]) => {
      const bytes = new Uint8Array(oneItem("traces", encoding));
      bytes[at % bytes.length] = value;
      return bytes;
    });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(mutated, fc.uint8Array({ maxLength: 3000 })),
      fc.constantFrom(...encodings),
      fc.constantFrom(...compressors),
      fc.boolean(),
      fc.boolean(),
      async (bytes, encoding, [, name, compress], isCompressed, isChunked) => {
        const received = await post(
          `${receiver.url}/v1/traces`,
          isCompressed ? compress(bytes) : bytes,
          {
            ...typed(encoding, name === undefined ? {} : { "Content-Encoding": name }),
            agent,
            isChunked,
          },
        );
        expect([200, 400, 413]).toContain(received.status);
        expect(received.headers["content-type"]).toBe(typed(encoding).headers["Content-Type"]);
        if (received.status !== 200) {
          expect(statusOf(received).message).not.toBe("");
        }
      },
    ),
    { numRuns: 1500 },
  );
  agent.destroy();
  expect((await receiver.refused())["fault"]).toBeUndefined();
  expect(receiver.lines.filter(({ level }) => level === "error")).toEqual([]);
});
