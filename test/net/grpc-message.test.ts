import { describe, expect, test } from "vitest";
import { FairShares } from "../../src/net/fair-shares.ts";
import { type MessageProblem, MessageReader } from "../../src/net/grpc-message.ts";
import { type GrpcMessage, messagePrefix } from "../../src/net/grpc-protocol.ts";
import { FakeClock } from "../support/fake-clock.ts";
import fc from "../support/fast-check.ts";

interface Read {
  readonly result: GrpcMessage | MessageProblem;
  /** What the reader has taken at the end. */
  readonly takenBytes: number;
}

function sharesOf(limitBytes: number) {
  const shares = new FairShares({ maxRequests: 1000, limitBytes }, new FakeClock());
  return { shares, enter: () => shares.enter({ peer: "a", connection: {} }) };
}

/** Reads the pieces; a problem is released. */
function read(pieces: readonly Uint8Array[], maxBytes = 1000, limitBytes = 10_000): Read {
  const { shares, enter } = sharesOf(limitBytes);
  const reader = new MessageReader({ maxBytes, share: enter() });
  const whole = () => {
    for (const piece of pieces) {
      const problem = reader.take(piece);
      if (problem !== undefined) {
        return problem;
      }
    }
    return reader.end();
  };
  const result = whole();
  if (typeof result === "string") {
    reader.release();
  }
  return { result, takenBytes: shares.takenBytes };
}

function framed(bytes: Uint8Array, isCompressed = false): Uint8Array {
  return Buffer.concat([messagePrefix(bytes.length, isCompressed), bytes]);
}

/** The pieces between the cuts. */
function cutAt(bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const at = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

/** What the bytes of a call are, by the specification, in the plainest way. */
function expected(bytes: Uint8Array, maxBytes: number): GrpcMessage | MessageProblem {
  if (bytes.length === 0) return "none";
  if (bytes.length < 5) return "truncated";
  const length = Buffer.from(bytes).readUInt32BE(1);
  if (bytes[0]! > 1) return "malformed";
  if (length > maxBytes) return "too_large";
  if (bytes.length - 5 > length) return "several";
  if (bytes.length - 5 < length) return "truncated";
  return { isCompressed: bytes[0] === 1, bytes: bytes.subarray(5) };
}

function plain(result: GrpcMessage | MessageProblem) {
  return typeof result === "string" ? result : { ...result, bytes: [...result.bytes] };
}

const message = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);

test("a message cut at any two places is the same message", () => {
  const bytes = framed(message, true);
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const { result, takenBytes } = read(cutAt(bytes, [first, second]));
      expect(plain(result)).toEqual({ isCompressed: true, bytes: [...message] });
      expect(takenBytes).toBe(message.length);
    }
  }
});

describe("a call", () => {
  for (const [what, bytes, want] of [
    ["of no bytes", new Uint8Array(0), "none"],
    ["of half a prefix", framed(message).subarray(0, 4), "truncated"],
    ["that lacks the end of its message", framed(message).subarray(0, -1), "truncated"],
    ["with a byte too many", Buffer.concat([framed(message), Uint8Array.of(0)]), "several"],
    ["with two messages", Buffer.concat([framed(message), framed(message)]), "several"],
    ["with an unknown flag", Uint8Array.of(2, 0, 0, 0, 0), "malformed"],
    ["that announces too much", Uint8Array.of(0, 0, 0, 0x03, 0xe9), "too_large"],
    ["that announces 4 GiB", Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff), "too_large"],
  ] as const) {
    test(`${what} is ${want}, and takes nothing`, () => {
      expect(read([bytes])).toEqual({ result: want, takenBytes: 0 });
    });
  }

  test("that does not fit is busy, and gives back what it took", () => {
    const pieces = cutAt(framed(new Uint8Array(900)), [500]);
    expect(read(pieces, 1000, 899)).toEqual({ result: "busy", takenBytes: 0 });
    expect(read(pieces, 1000, 900).takenBytes).toBe(900);
  });

  test("of any bytes in any pieces is what the specification says", () => {
    const callBytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.uint8Array({ maxLength: 60 }), fc.boolean(), fc.uint8Array({ maxLength: 3 }))
        .map(([bytes, isCompressed, more]) => Buffer.concat([framed(bytes, isCompressed), more])),
      fc
        .tuple(fc.uint8Array({ maxLength: 60 }), fc.nat(70))
        .map(([bytes, length]) => framed(bytes).subarray(0, length)),
    );
    fc.assert(
      fc.property(callBytes, fc.array(fc.nat(60), { maxLength: 8 }), (bytes, cuts) => {
        const pieces = cutAt(
          bytes,
          cuts.map((cut) => Math.min(cut, bytes.length)),
        );
        const { result, takenBytes } = read(pieces, 50);
        expect(plain(result)).toEqual(plain(expected(bytes, 50)));
        expect(takenBytes).toBe(typeof result === "string" ? 0 : result.bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });

  test("keeps no more memory than has arrived, whatever it announces", () => {
    const { shares, enter } = sharesOf(2 ** 30);
    const maxBytes = 2 ** 30;
    const readers = Array.from(
      { length: 200 },
      () => new MessageReader({ maxBytes, share: enter() }),
    );
    const before = process.memoryUsage().arrayBuffers;
    for (const reader of readers) {
      reader.take(Buffer.concat([messagePrefix(2 ** 29, false), Uint8Array.of(1)]));
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 20_000);
    expect(shares.takenBytes).toBe(200);
  });
});
