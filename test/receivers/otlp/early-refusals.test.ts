import { Agent } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { ConsumeResult } from "../../../src/component/consumer.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { rawSocket } from "../../net/raw-socket.ts";
import { fakeMemory } from "../../support/fake-memory.ts";
import { until } from "../../support/prometheus.ts";
import { closeReceivers, openReceiver } from "./open-receiver.ts";
import { encodings, oneItem, textBytes } from "./otlp-requests.ts";
import { post, statusOf, typed } from "./post.ts";

afterEach(closeReceivers);

type Refusal = Exclude<ConsumeResult, { readonly status: "accepted" }>;
const refused: Refusal = {
  status: "retryable",
  message: "data refused due to high memory usage",
  retryAfterMs: 2_500,
};
const mebibyte = 1024 * 1024;

describe("while the pipelines refuse everything", () => {
  for (const encoding of encodings) {
    for (const signal of ["traces", "metrics", "logs"] as const) {
      test(`${signal} in ${encoding} are answered with 503, and when to come back`, async () => {
        const receiver = await openReceiver({ refusal: () => refused });
        const body = oneItem(signal, encoding);
        const answer = await post(`${receiver.url}/v1/${signal}`, body, typed(encoding));
        expect([answer.status, answer.headers["retry-after"], statusOf(answer)]).toEqual([
          503,
          "3",
          expect.objectContaining({ code: 14, message: refused.message }),
        ]);
        expect(await receiver.refused()).toEqual({ pipeline_refused: 1 });
        expect(receiver.payloads).toEqual([]);
      });
    }
  }

  test("a sender that waits in the middle of its body has its answer, and its body takes no room", async () => {
    let isRefusing = true;
    const receiver = await openReceiver({
      memory: fakeMemory({ limitMiB: 12 }), // Room for 2 MiB of bodies.
      refusal: () => (isRefusing ? refused : undefined),
    });
    const sockets = await Promise.all(Array.from({ length: 8 }, () => rawSocket(receiver.port)));
    for (const socket of sockets) {
      socket.send(
        `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${mebibyte}\r\n\r\n`,
      );
      socket.send(Buffer.alloc(0.8 * mebibyte));
      expect(await socket.heard("high memory usage")).toMatch(/^HTTP\/1.1 503 /);
    }
    isRefusing = false;
    const whole = await post(
      `${receiver.url}/v1/traces`,
      new Uint8Array(mebibyte),
      typed("protobuf"),
    );
    expect(whole.status).toBe(400); // Zeros are no request, but they were read.
    expect(await receiver.refused()).toEqual({ pipeline_refused: 8, undecodable: 1 });
    for (const socket of sockets) {
      socket.destroy();
    }
  });

  for (const isChunked of [false, true]) {
    test(`a connection is used again after a refused body, ${isChunked ? "chunked" : "in one piece"}`, async () => {
      let isRefusing = true;
      const receiver = await openReceiver({
        refusal: () => (isRefusing ? refused : undefined),
      });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const sockets = new Set<unknown>();
      agent.on("free", (socket: unknown) => sockets.add(socket));
      const at = `${receiver.url}/v1/traces`;
      const options = { ...typed("protobuf"), agent, isChunked };
      const first = await post(at, new Uint8Array(3 * mebibyte), options);
      isRefusing = false;
      const second = await post(at, oneItem("traces", "protobuf"), options);
      agent.destroy();
      expect([first.status, second.status, sockets.size]).toEqual([503, 200, 1]);
      expect(await receiver.refused()).toEqual({ pipeline_refused: 1 });
    });
  }

  test("a sender that closes its connection after each request reads the answer, too", async () => {
    const receiver = await openReceiver({ refusal: () => refused });
    const agent = new Agent({ keepAlive: false });
    const options = { ...typed("protobuf"), agent };
    const body = new Uint8Array(8 * mebibyte);
    expect((await post(`${receiver.url}/v1/traces`, body, options)).status).toBe(503);
    agent.destroy();
  });

  test("a request that is wrong anyway gets the answer for that", async () => {
    const receiver = await openReceiver({ refusal: () => refused });
    const body = oneItem("traces", "protobuf");
    const answer = await post(`${receiver.url}/nowhere`, body, typed("protobuf"));
    expect(answer.status).toBe(404);
    expect(await receiver.refused()).toEqual({ unknown_path: 1 });
  });
});

test("a permanent refusal is a 500, as it is after the body was read", async () => {
  const receiver = await openReceiver({ refusal: () => ({ status: "permanent", message: "no" }) });
  const answer = await post(
    `${receiver.url}/v1/logs`,
    oneItem("logs", "protobuf"),
    typed("protobuf"),
  );
  expect(answer.status).toBe(500);
});

describe("under a small memory limit", () => {
  test("a body that can never fit is too large, with a warning at the start", async () => {
    const receiver = await openReceiver({ memory: fakeMemory({ limitMiB: 12 }) });
    const url = `${receiver.url}/v1/traces`;
    const over = await post(url, new Uint8Array(1.1 * mebibyte), typed("protobuf"));
    const within = await post(url, oneItem("traces", "protobuf"), typed("protobuf"));
    expect([over.status, within.status]).toEqual([413, 200]);
    expect(receiver.lines.filter(({ level }) => level === "warn")).toMatchObject([
      { fields: { max_request_body_size: 20 * mebibyte, fitting: mebibyte } },
      { fields: { reason: "too_large", max_bytes: mebibyte } },
    ]);
  });

  test("JSON whose values can never fit is too large, and the same in protobuf is not", async () => {
    const receiver = await openReceiver({ memory: fakeMemory({ limitMiB: 12 }) });
    const url = `${receiver.url}/v1/traces`;
    const spans = 50_000;
    const json = `{"resourceSpans":[{"scopeSpans":[{"spans":[{}${",{}".repeat(spans - 1)}]}]}]}`;
    const protobuf = otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: spans }, () => ({})) }] }],
    }).finish();
    const refused = await post(url, textBytes(json), typed("json"));
    expect(refused.status).toBe(413);
    expect(Buffer.from(refused.body).toString()).toMatch(/smaller batches, or send protobuf/);
    expect((await post(url, protobuf, typed("protobuf"))).status).toBe(200);
    expect((await post(url, textBytes("{}"), typed("json"))).status).toBe(200);
    expect(receiver.lines.filter(({ level }) => level === "warn")).toContainEqual(
      expect.objectContaining({
        fields: expect.objectContaining({
          reason: "too_large",
          detail: expect.stringMatching(/more values than fit/),
        }),
      }),
    );
  });

  test("JSON whose values fit only later is asked to come back", async () => {
    const receiver = await openReceiver({ memory: fakeMemory({ limitMiB: 12 }) });
    const socket = await rawSocket(receiver.port);
    const half = mebibyte / 2;
    socket.send(
      `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${mebibyte}\r\n\r\n${"x".repeat(half)}`,
    );
    const json = `{"resourceSpans":[{}${",{}".repeat(20_000)}]}`;
    const url = `${receiver.url}/v1/traces`;
    await until("the half body has arrived", 5_000, async () => {
      const { status } = await post(url, textBytes(json), typed("json"));
      return status === 503;
    });
    socket.destroy();
    await until("there is room again", 5_000, async () => {
      const { status } = await post(url, textBytes(json), typed("json"));
      return status === 200;
    });
  });

  test("half-sent bodies that do not fit together are asked to come back", async () => {
    const receiver = await openReceiver({ memory: fakeMemory({ limitMiB: 12 }) });
    const sockets = await Promise.all(Array.from({ length: 3 }, () => rawSocket(receiver.port)));
    for (const socket of sockets) {
      socket.send(
        `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${mebibyte}\r\n\r\n`,
      );
      socket.send(Buffer.alloc(0.8 * mebibyte));
    }
    const answers = await Promise.race(sockets.map((socket) => socket.heard("503")));
    expect(answers).toMatch(/^HTTP\/1.1 503 /);
    expect(await receiver.refused()).toEqual({ busy: 1 });
    for (const socket of sockets) {
      socket.destroy();
    }
  });
});
