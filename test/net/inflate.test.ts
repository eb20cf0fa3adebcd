import { constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import pLimit from "p-limit";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type ContentEncoding,
  contentEncodings,
  type InflateResult,
  inflate,
  parseContentEncoding,
} from "../../src/net/inflate.ts";
import fc from "../support/fast-check.ts";
import { gzipBomb } from "./gzip-bomb.ts";

const slots = pLimit(2);
const mebibyte = 1 << 20;

function inflated(bytes: Uint8Array, encoding: ContentEncoding, maxBytes = 20 * mebibyte) {
  return inflate(bytes, encoding, { maxBytes, slots });
}

function equals(result: InflateResult, bytes: Uint8Array): boolean {
  return result.ok && Buffer.compare(result.bytes, bytes) === 0;
}

/** Hardly compressible, so that input and output are of a size. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
}

const compressors = [
  ["gzip", "gzip", (bytes: Uint8Array) => gzipSync(bytes)],
  ["deflate", "deflate", (bytes: Uint8Array) => deflateSync(bytes)],
  ["zlib", "zlib", (bytes: Uint8Array) => deflateSync(bytes)],
  ["deflate without its zlib header", "deflate", (bytes: Uint8Array) => deflateRawSync(bytes)],
  ["zstd", "zstd", (bytes: Uint8Array) => zstdCompressSync(bytes)],
] as const;

describe("the header Content-Encoding", () => {
  for (const [header, want] of [
    [undefined, "identity"],
    ["", "identity"],
    ["identity", "identity"],
    [" GZIP ", "gzip"],
    ["zstd", "zstd"],
    ["br", undefined],
    ["gzip, gzip", undefined],
    ["toString", undefined],
  ] as const) {
    test(`${JSON.stringify(header)} is ${want ?? "unknown"}`, () => {
      expect(parseContentEncoding(header)).toBe(want);
    });
  }
});

for (const [name, encoding, compress] of compressors) {
  describe(name, () => {
    for (const [size, bytes] of [
      ["nothing", new Uint8Array(0)],
      ["one byte", Uint8Array.of(7)],
      ["a small body", noise(10_000)],
      ["a body that goes through the pool", noise(3 * mebibyte)],
      ["a small input that becomes large", new Uint8Array(5 * mebibyte)],
    ] as const) {
      test(`gives back ${size}, without slack behind it`, async () => {
        const result = await inflated(compress(bytes), encoding);
        expect(equals(result, bytes)).toBe(true);
        expect(result.ok && result.bytes.length * 4 >= result.bytes.buffer.byteLength * 3).toBe(
          true,
        );
      });
    }

    for (const size of [1000, mebibyte, mebibyte + 1, 3 * mebibyte]) {
      test(`takes exactly ${size} bytes and refuses one more`, async () => {
        const compressed = compress(new Uint8Array(size));
        expect((await inflated(compressed, encoding, size)).ok).toBe(true);
        expect(await inflated(compressed, encoding, size - 1)).toEqual({
          ok: false,
          problem: "too_large",
        });
      });
    }

    for (const size of [1000, 3 * mebibyte]) {
      const compressed = compress(noise(size));
      for (const [what, bytes] of [
        ["that lacks its last byte", compressed.subarray(0, -1)],
        ["that lacks its second half", compressed.subarray(0, compressed.length >> 1)],
        ["with garbage behind it", Buffer.concat([compressed, Buffer.from("garbage")])],
        ["with zeros behind it", Buffer.concat([compressed, Buffer.alloc(9)])],
      ] as const) {
        test(`of ${size} bytes ${what} is corrupt`, async () => {
          expect(await inflated(bytes, encoding)).toEqual({ ok: false, problem: "corrupt" });
        });
      }
    }

    test("of no bytes at all is corrupt", async () => {
      expect(await inflated(new Uint8Array(0), encoding)).toEqual({
        ok: false,
        problem: "corrupt",
      });
    });
  });
}

test("identity gives back the same bytes", async () => {
  const bytes = noise(10);
  expect(await inflated(bytes, "identity", 10)).toEqual({ ok: true, bytes });
  expect(await inflated(bytes, "identity", 9)).toEqual({ ok: false, problem: "too_large" });
});

for (const [name, encoding, compress] of [compressors[0], compressors[4]]) {
  test(`streams of ${name} that follow each other are one body`, async () => {
    const parts = [noise(1000), noise(0), noise(50)];
    const compressed = Buffer.concat(parts.map(compress));
    expect(equals(await inflated(compressed, encoding), Buffer.concat(parts))).toBe(true);
    expect(await inflated(compressed, encoding, 1049)).toEqual({ ok: false, problem: "too_large" });
  });
}

for (const [name, encoding, compress, most] of [
  ["gzip members may follow each other, any number", "gzip", gzipSync, 10_000],
  ["zstd frames may follow each other, up to 64", "zstd", zstdCompressSync, 64],
] as const) {
  test(name, async () => {
    const streams = Array.from({ length: most }, () => compress(Uint8Array.of(7)));
    const expected = new Uint8Array(most).fill(7);
    expect(equals(await inflated(Buffer.concat(streams), encoding), expected)).toBe(true);
  });
}

test("empty zstd frames by the thousand are refused", async () => {
  const frame = zstdCompressSync(new Uint8Array(0));
  const frames = Buffer.concat(Array.from({ length: 10_000 }, () => frame));
  expect(await inflated(frames, "zstd")).toEqual({ ok: false, problem: "corrupt" });
});

test("a zstd frame that wants a window far larger than the limit is refused", async () => {
  const wide = zstdCompressSync(noise(1000), {
    params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 },
  });
  // Byte 4 describes the frame; without a content size the window follows it.
  wide[4] = 0;
  wide[5] = (27 - 10) << 3;
  expect(await inflated(wide, "zstd", mebibyte)).toEqual({ ok: false, problem: "too_large" });
  expect(equals(await inflated(wide, "zstd", 128 * mebibyte), noise(1000))).toBe(true);
});

describe("a gzip bomb of 1 GiB", () => {
  let bomb = new Uint8Array(0);
  beforeAll(async () => {
    bomb = new Uint8Array(await gzipBomb(1024));
  });

  test("is refused at the cost of the limit, also twenty at a time", async () => {
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 1);
    const results = await Promise.all(Array.from({ length: 20 }, () => inflated(bomb, "gzip")));
    clearInterval(watch);
    peak = Math.max(peak, process.memoryUsage().rss);
    expect(new Set(results.map((result) => !result.ok && result.problem))).toEqual(
      new Set(["too_large"]),
    );
    expect(peak - before).toBeLessThan(300 * mebibyte);
  });
});

test("any bytes are answered, never thrown", async () => {
  const mutated = fc
    .tuple(
      fc.constantFrom(...compressors),
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(),
      fc.nat(255),
    )
    .map(([[, encoding, compress], bytes, at, value]) => {
      const compressed = new Uint8Array(compress(bytes));
      compressed[at % compressed.length] = value;
      return [encoding, compressed] as const;
    });
  const arbitrary = fc.tuple(
    fc.constantFrom(...contentEncodings),
    fc.uint8Array({ maxLength: 300 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated, arbitrary), async ([encoding, bytes]) => {
      const result = await inflated(bytes, encoding, 200);
      expect(result.ok ? result.bytes.length <= 200 : result.problem).toBeTruthy();
    }),
    { numRuns: 2000 },
  );
});

test("as many large bodies are inflated at one time as there are slots, in order, also after one that failed", async () => {
  const two = pLimit(2);
  const whole = gzipSync(new Uint8Array(2 * mebibyte));
  const cut = whole.subarray(0, whole.length - 9);
  let started = 0;
  let running = 0;
  let most = 0;
  const slots = <T>(task: () => Promise<T>) =>
    two(async () => {
      const isFourth = ++started === 4;
      running += 1;
      most = Math.max(most, running);
      const result = await task();
      running -= 1;
      if (isFourth) throw new Error("one fails");
      return result;
    });
  const results = await Promise.allSettled(
    [whole, cut, whole, whole, cut, whole].map((bytes) =>
      inflate(bytes, "gzip", { maxBytes: 20 * mebibyte, slots }),
    ),
  );
  expect(
    results.map((each) => (each.status === "fulfilled" ? each.value.ok : each.reason)),
  ).toEqual([true, false, true, new Error("one fails"), false, true]);
  expect(most).toBe(2);
  expect(started).toBe(6);
});
