import { expect, test } from "vitest";
import { EncodedBodies } from "../../src/delivery/encoded-bodies.ts";
import type { Payload } from "../../src/otlp/payload.ts";

const payload: Payload = { signal: "logs", bytes: new Uint8Array(10), items: 1 };

for (const [length, calls] of [
  [9, 1],
  [10, 2],
] as const) {
  test(`a body of ${length} bytes for a payload of 10 is encoded ${calls} times for two attempts`, async () => {
    let encoded = 0;
    const bodies = new EncodedBodies(async () => {
      encoded += 1;
      return new Uint8Array(length);
    });
    bodies.keep(payload, (await bodies.of(payload))!);
    expect((await bodies.of(payload))?.length).toBe(length);
    expect(encoded).toBe(calls);
  });
}
