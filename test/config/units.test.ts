import { describe, expect, test } from "vitest";
import { z } from "zod";
import { byteSize, duration, endpoint, opaque } from "../../src/config/units.ts";
import fc from "../support/fast-check.ts";

function messageOf(schema: z.ZodType, input: unknown): string {
  const result = schema.safeParse(input);
  return result.success
    ? `read as ${JSON.stringify(result.data)}`
    : (result.error.issues[0]?.message ?? "");
}

describe("duration", () => {
  for (const [text, ms] of [
    ["10s", 10_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["500ms", 500],
    ["1h0m0.5s", 3_600_500],
    ["250us", 0.25],
    ["250µs", 0.25],
    ["250μs", 0.25],
    ["100ns", 0.0001],
    ["0s", 0],
    [".5s", 500],
    ["2.s", 2_000],
    ["0.1ms0.2ms", 0.3],
    ["30d0h", undefined],
  ] as const) {
    test(`"${text}" is ${ms === undefined ? "refused" : `${ms} ms`}`, () => {
      expect(duration().safeParse(text).data).toBe(ms);
    });
  }

  for (const [input, message] of [
    [10, '"10" has no unit; write "10s" for seconds or "10ms" for milliseconds.'],
    [[0], "must be text, but is a list."],
    ["00", '"00" has no unit; write "00s" for seconds or "00ms" for milliseconds.'],
    ["10", '"10" has no unit; write "10s" for seconds or "10ms" for milliseconds.'],
    ["-5s", 'must not be negative, but is "-5s".'],
    ["5 s", '"5 s" is not a duration; write a number and a unit, e.g. "10s", "1h30m", "500ms".'],
    ["99999999999999h", '"99999999999999h" is too long.'],
  ] as const) {
    test(`${JSON.stringify(input)} is answered with what to write`, () => {
      expect(messageOf(duration(), input)).toBe(message);
    });
  }

  test("zero needs no unit, because it is the same in each", () => {
    expect([duration().parse(0), duration().parse("0")]).toEqual([0, 0]);
    expect(messageOf(duration({ min: "1s" }), 0)).toBe("must be at least 1s, but is 0s.");
  });

  test("bounds are told in the notation of the user", () => {
    const bounded = duration({ min: "1s", max: "1h" });
    expect(messageOf(bounded, "500ms")).toBe("must be at least 1s, but is 500ms.");
    expect(messageOf(bounded, "90m")).toBe("must be at most 1h, but is 1h30m.");
    expect(bounded.parse("1s")).toBe(1_000);
    expect(bounded.parse("1h")).toBe(3_600_000);
  });

  test("the longest that an option takes by itself is what a timer of the runtime can hold", () => {
    expect(duration().parse("576h")).toBeLessThan(2 ** 31);
    expect(messageOf(duration(), "720h")).toBe("must be at most 576h, but is 720h.");
    expect(messageOf(duration({ min: "1s" }), "720h")).toBe("must be at most 576h, but is 720h.");
    expect(duration({ max: "8760h" }).parse("720h")).toBe(2_592_000_000);
  });

  test("what is written back reads as the same number", () => {
    const anyMs = fc.oneof(
      fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      fc.nat({ max: 10_000_000_000 }).map((nanoseconds) => nanoseconds / 1e6),
    );
    const unbounded = duration({ max: "2501999792h59m0.991s" });
    fc.assert(
      fc.property(anyMs, (ms) => {
        expect(unbounded.parse(z.encode(unbounded, ms))).toBe(ms);
      }),
    );
  });

  test("a default in written form shows in the JSON Schema and is read like any other", () => {
    const schema = z.strictObject({ timeout: duration().prefault("1m30s").describe("How long.") });
    expect(schema.parse({})).toEqual({ timeout: 90_000 });
    expect(z.encode(schema, { timeout: 90_000 })).toEqual({ timeout: "1m30s" });
    const property = z.toJSONSchema(schema, { io: "input" }).properties?.["timeout"];
    const text = { type: "string", pattern: expect.stringContaining("ns|us") };
    expect(property).toMatchObject({
      anyOf: [text, { const: 0 }],
      default: "1m30s",
      description: "How long.",
    });
    const pattern = new RegExp(String(Object(property).anyOf[0].pattern));
    expect(["10s", "1h30m", "10", "-1s", ""].map((text) => pattern.test(text))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("byteSize", () => {
  for (const [input, bytes] of [
    [4_194_304, 4_194_304],
    ["4194304", 4_194_304],
    ["4MiB", 4_194_304],
    ["4 MiB", 4_194_304],
    ["1.5KiB", 1_536],
    ["1KB", 1_000],
    ["2GB", 2_000_000_000],
    ["2GiB", 2_147_483_648],
    ["7B", 7],
    [0, 0],
  ] as const) {
    test(`${JSON.stringify(input)} is ${bytes} bytes`, () => {
      expect(byteSize().parse(input)).toBe(bytes);
    });
  }

  for (const [input, message] of [
    ["4mib", /^"4mib" is not a size; write a whole number of bytes or a number and a unit/],
    ["-1MiB", /^must not be negative, but is "-1MiB"\.$/],
    ["1.0001KiB", /^"1.0001KiB" is not a whole number of bytes\.$/],
    [-4, /^must not be negative, but is "-4"\.$/],
    [1.5, /but is 1\.5\.$/],
    [true, /but is true\.$/],
    [{}, /but is a map\.$/],
    ["99999999TiB", /is too large/],
  ] as const) {
    test(`${JSON.stringify(input)} is refused with a reason`, () => {
      expect(messageOf(byteSize(), input)).toMatch(message);
    });
  }

  test("bounds are told in the notation of the user", () => {
    expect(messageOf(byteSize({ min: "1KiB" }), 12)).toBe("must be at least 1KiB, but is 12B.");
    expect(messageOf(byteSize({ max: "1KiB" }), "1MiB")).toBe("must be at most 1KiB, but is 1MiB.");
  });

  test("what is written back reads as the same number", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(byteSize().parse(z.encode(byteSize(), bytes))).toBe(bytes);
      }),
    );
    expect(z.encode(byteSize(), 20_971_520)).toBe("20MiB");
  });
});

describe("endpoint", () => {
  for (const [text, host, port] of [
    ["127.0.0.1:4318", "127.0.0.1", 4318],
    ["localhost:0", "localhost", 0],
    ["[::1]:4317", "::1", 4317],
  ] as const) {
    test(`"${text}" is a host and a port, and is written back the same`, () => {
      expect(endpoint().parse(text)).toEqual({ host, port });
      expect(z.encode(endpoint(), { host, port })).toBe(text);
    });
  }

  for (const [text, message] of [
    ["http://127.0.0.1:4318", /is a URL; write only the host and the port/],
    ["127.0.0.1", /has no port; write one, e.g. "127.0.0.1:4318"/],
    ["localhost:", /has no port; write one, e.g. "localhost:4318"/],
    ["4318", /is only a port; write "127.0.0.1:4318"/],
    ["", /must not be empty/],
    ["::1:4318", /IPv6 address without brackets; write e.g. "\[::1\]:4318"/],
    [":::4318", /IPv6 address without brackets/],
    ["localhost:otlp", /has a port that is not a number/],
    ["localhost:-1", /has a port that is not a number/],
    [" 127.0.0.1:4318", /contains blanks; write "127.0.0.1:4318"/],
    ["127.0.0.1:4318/v1/traces", /contains a path; write "127.0.0.1:4318"/],
    ["http://0.0.0.0:4318/", /is a URL; write only the host and the port, e.g. "0.0.0.0:4318"/],
    ["http://collector", /is a URL; write only the host and the port, e.g. "127.0.0.1:4318"/],
    ["$HOST:4318", /contains \$HOST, which is not expanded; write "\$\{env:HOST\}:4318"/],
    ["$MY_POD_IP:4318", /write "\$\{env:MY_POD_IP\}:4318"/],
    ["a,b", /is not an endpoint; write a host and a port/],
    ["127.0.0.1:70000", /has a port above 65535\.$/],
    [":4318", /has no host; write "127\.0\.0\.1:4318" for this machine only or "0\.0\.0\.0:4318"/],
  ] as const) {
    test(`"${text}" is refused with a reason`, () => {
      expect(messageOf(endpoint(), text)).toMatch(message);
    });
  }
});

describe("opaque", () => {
  test("a secret is only told when asked for by name", () => {
    const schema = z.strictObject({ token: opaque() });
    const config = schema.parse({ token: "hunter2" });
    expect(`${config.token} ${JSON.stringify(config)}`).toBe('[REDACTED] {"token":"[REDACTED]"}');
    expect(config.token.reveal()).toBe("hunter2");
    expect(z.encode(schema, config)).toEqual({ token: "hunter2" });
    expect(z.toJSONSchema(schema, { io: "input" }).properties?.["token"]).toMatchObject({
      type: "string",
    });
  });
});
