import { expect, test } from "vitest";
import { formatGrpcTimeout, messagePrefix, parseOnlyMessage } from "../../src/net/grpc-protocol.ts";

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
