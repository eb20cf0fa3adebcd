import { request as httpRequest } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { type BodyResult, readBody } from "../../src/net/body.ts";
import { FairShares, type RequestShare } from "../../src/net/fair-shares.ts";
import { type HttpServer, listen } from "../../src/net/server.ts";
import { deferred } from "../support/deferred.ts";
import { FakeClock } from "../support/fake-clock.ts";
import fc from "../support/fast-check.ts";
import { rawSocket } from "./raw-socket.ts";

const opened: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close(AbortSignal.abort())));
});

async function open(limits: { maxBytes: number; limitBytes?: number; requestTimeoutMs?: number }) {
  const shares = new FairShares(
    { maxRequests: 1000, limitBytes: limits.limitBytes ?? 1 << 30 },
    new FakeClock(),
  );
  const results: BodyResult[] = [];
  const taken: RequestShare[] = [];
  const settled = deferred<BodyResult>();
  const reading = deferred<void>();
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    requestTimeoutMs: limits.requestTimeoutMs ?? 30_000,
    async handler(request, response) {
      request.once("data", () => reading.resolve());
      const share = shares.enter({ peer: "a", connection: request.socket });
      taken.push(share);
      const result = await readBody(request, { maxBytes: limits.maxBytes, share });
      results.push(result);
      settled.resolve(result);
      response.end(result.ok ? "" : result.problem);
    },
  });
  opened.push(server);
  return { server, shares, taken, results, settled: settled.promise, reading: reading.promise };
}

/** Sends `pieces` one by one, with an announced length or in chunks. */
function post(port: number, pieces: readonly Uint8Array[], isChunked: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const request = httpRequest(
      {
        port,
        host: "127.0.0.1",
        method: "POST",
        headers: isChunked ? {} : { "Content-Length": length },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve(text));
      },
    );
    request.on("error", reject);
    for (const piece of pieces) {
      request.write(piece);
    }
    request.end();
  });
}

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

describe("a body arrives as it was sent", () => {
  for (const length of [0, 1, 1000, 64 * 1024, 64 * 1024 + 1, 1024 * 1024, 3_000_001]) {
    for (const isChunked of [false, true]) {
      test(`${length} bytes, ${isChunked ? "chunked" : "with a length"}`, async () => {
        const { server, results, shares } = await open({ maxBytes: 4 << 20 });
        const bytes = bytesOf(length);
        const half = length >> 1;
        await post(server.port, [bytes.subarray(0, half), bytes.subarray(half)], isChunked);
        const [result] = results;
        expect(result?.ok && Buffer.compare(result.bytes, bytes)).toBe(0);
        expect(result?.ok && result.bytes.length * 4 >= result.bytes.buffer.byteLength * 3).toBe(
          true,
        );
        expect(shares.takenBytes).toBe(length);
      });
    }
  }

  test("in whatever pieces", async () => {
    const { server, results } = await open({ maxBytes: 1 << 20 });
    const piecesOf = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40_000 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(piecesOf, fc.boolean(), async (pieces, isChunked) => {
        await post(server.port, pieces, isChunked);
        const result = results.pop();
        expect(result?.ok && Buffer.compare(result.bytes, Buffer.concat(pieces))).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe("the limit", () => {
  for (const isChunked of [false, true]) {
    const how = isChunked ? "counted" : "announced";
    test(`takes a body of exactly so many bytes, ${how}`, async () => {
      const { server } = await open({ maxBytes: 100_000 });
      expect(await post(server.port, [bytesOf(100_000)], isChunked)).toBe("");
    });

    test(`refuses one byte more, ${how}, and owes nothing`, async () => {
      const { server, shares } = await open({ maxBytes: 100_000 });
      expect(await post(server.port, [bytesOf(100_001)], isChunked)).toBe("too_large");
      expect(shares.takenBytes).toBe(0);
    });
  }

  test("refuses an announced length before any of the body was sent", async () => {
    const { server } = await open({ maxBytes: 10 });
    const socket = await rawSocket(server.port);
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n");
    expect(await socket.heard("too_large")).toContain("too_large");
    socket.destroy();
  });

  test("an announced length costs no memory until the bytes come", async () => {
    const { server, reading, shares } = await open({ maxBytes: 1 << 30 });
    const before = process.memoryUsage().arrayBuffers;
    const socket = await rawSocket(server.port);
    socket.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${1 << 30}\r\n\r\nabc`);
    await reading;
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
    expect(shares.takenBytes).toBe(3);
    socket.destroy();
  });
});

describe("what all bodies may take", () => {
  test("refuses what would exceed it, and takes it when there is room again", async () => {
    const { server, shares, taken } = await open({ maxBytes: 1000, limitBytes: 1000 });
    expect(await post(server.port, [bytesOf(700)], true)).toBe("");
    expect(await post(server.port, [bytesOf(700)], true)).toBe("busy");
    expect(shares.takenBytes).toBe(700);
    taken[0]?.leave();
    expect(await post(server.port, [bytesOf(1000)], false)).toBe("");
  });
});

describe("a sender that leaves", () => {
  test("in the middle leaves nothing behind", async () => {
    const { server, settled, reading, shares } = await open({ maxBytes: 1 << 20 });
    const socket = await rawSocket(server.port);
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf");
    await reading;
    socket.destroy();
    expect(await settled).toEqual({ ok: false, problem: "aborted" });
    expect(shares.takenBytes).toBe(0);
  });

  test("is what one looks like that is too slow", async () => {
    const { server, settled } = await open({ maxBytes: 1 << 20, requestTimeoutMs: 100 });
    const socket = await rawSocket(server.port);
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    expect(await settled).toEqual({ ok: false, problem: "aborted" });
    expect(await socket.closed()).toMatch(/^HTTP\/1.1 408 /);
  });
});
