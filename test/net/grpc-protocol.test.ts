import { expect, test } from "vitest";
import {
  encodeGrpcMessage,
  formatGrpcTimeout,
  messagePrefix,
  parseGrpcTimeout,
  parseOnlyMessage,
} from "../../src/net/grpc-protocol.ts";
import fc from "../support/fast-check.ts";

for (const [ms, want] of [
  [5_000, "5000m"],
  [0.25, "1m"],
  [99_999_999, "99999999m"],
  [100_000_000, "100000S"],
  [100_000_001, "100001S"],
] as const) {
  test(`a timeout of ${ms} ms is written ${want}, in eight digits at the most`, () => {
    expect(formatGrpcTimeout(ms)).toBe(want);
  });
}

test("a message is read back from behind its prefix", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  for (const isCompressed of [true, false]) {
    const framed = Buffer.concat([messagePrefix(bytes.length, isCompressed), bytes]);
    expect(parseOnlyMessage(framed)).toEqual({ isCompressed, bytes: Buffer.from(bytes) });
  }
});

for (const [header, want] of [
  ["5S", 5_000],
  ["100m", 100],
  ["2M", 120_000],
  ["1H", 3_600_000],
  ["99999999u", 99_999.999],
  ["500000n", 0.5],
  ["0m", 0],
  ["", undefined],
  ["5", undefined],
  ["S", undefined],
  ["5s", undefined],
  ["-5S", undefined],
  ["123456789m", undefined],
  ["5S5S", undefined],
] as const) {
  test(`the timeout ${JSON.stringify(header)} is ${want ?? "none"}`, () => {
    expect(parseGrpcTimeout(header)).toBeOneOf([want, want && expect.closeTo(want)]);
  });
}

test("what is written as a timeout is read back, or a little more", () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1e10, noNaN: true }), (ms) => {
      const read = parseGrpcTimeout(formatGrpcTimeout(ms))!;
      expect(read).toBeGreaterThanOrEqual(ms);
      expect(read).toBeLessThanOrEqual(ms + 1_000);
    }),
  );
});

test("a message in a header is printable ASCII, and reads back as what was meant", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const header = encodeGrpcMessage(text);
      expect(header).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeURIComponent(header)).toBe(text.toWellFormed());
    }),
  );
  expect(encodeGrpcMessage("100 % – voll")).toBe("100 %25 %E2%80%93 voll");
});

test("any bytes are one message, or none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const message = parseOnlyMessage(bytes);
      expect(message === undefined || message.bytes.length === bytes.length - 5).toBe(true);
    }),
  );
});
