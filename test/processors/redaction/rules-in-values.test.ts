import { describe, expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { sessionRef } from "../../../src/privacy/session-ref.ts";
import { factory } from "../../../src/processors/redaction/factory.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { encodeModel, type Model, requestType } from "../../otlp/arbitrary-messages.ts";
import { type Decoded, strictlyDecoded } from "../../otlp/strict-decoder.ts";

const key = "00112233445566778899aabbccddeeff";
const ref = (value: string) => sessionRef(key, value);

type Json = string | number | readonly Json[] | { readonly [name: string]: Json };

function modelOf(value: Json): Model {
  if (typeof value === "string") {
    return { stringValue: value };
  }
  if (typeof value === "number") {
    return { intValue: BigInt(value) };
  }
  return Array.isArray(value)
    ? { arrayValue: { values: value.map(modelOf) } }
    : { kvlistValue: { values: entriesOf(value as Readonly<Record<string, Json>>) } };
}

function entriesOf(map: Readonly<Record<string, Json>>): Model[] {
  return Object.entries(map).map(([name, value]) => ({ key: name, value: modelOf(value) }));
}

function plain(value: Decoded = {}): unknown {
  const { arrayValue, kvlistValue, stringValue, intValue } = value as Record<string, never>;
  if (arrayValue !== undefined) {
    return ((arrayValue as { values?: Decoded[] }).values ?? []).map(plain);
  }
  return kvlistValue === undefined
    ? (stringValue ?? Number(intValue))
    : plainMap((kvlistValue as { values?: Decoded[] }).values);
}

function plainMap(entries: readonly Decoded[] = []): unknown {
  return Object.fromEntries(entries.map(({ key: name, value }) => [name, plain(value as Decoded)]));
}

/** The attributes that leave, and what was counted by rule. */
async function redacted(section: object, attributes: Readonly<Record<string, Json>>) {
  const { settings, ownMetrics } = testSettings("redaction");
  const component = factory.create(settings, { allow_all_keys: true, hmac_key: key, ...section });
  const taken: Payload[] = [];
  const consumer = component.processor!.wrap("logs", {
    consume: async (next) => {
      taken.push(next);
      return accepted;
    },
  });
  await component.start();
  const logRecords = [{ attributes: entriesOf(attributes) }];
  const model = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] };
  const bytes = Uint8Array.from(encodeModel(requestType("logs"), model));
  await consumer.consume({ signal: "logs", bytes, items: 1, transport: "http" });
  await component.shutdown(noDeadline());
  const request = strictlyDecoded("logs", taken[0]!.bytes) as Record<string, Decoded[]>;
  const scope = request["resourceLogs"]![0] as Record<string, Decoded[]>;
  const record = (scope["scopeLogs"]![0] as Record<string, Decoded[]>)["logRecords"]![0]!;
  const counts: Record<string, number> = {};
  for (const line of (await ownMetrics()).split("\n")) {
    const [, rule] = /redacted_values.*rule="([^"]+)"/.exec(line) ?? [];
    const count = Number(line.split(" ").at(-1));
    if (rule !== undefined && count > 0) {
      counts[rule] = count;
    }
  }
  return { left: plainMap(record["attributes"] as readonly Decoded[]), counts };
}

const hashM = { action: "hash", keys: ["m"] };

describe("in an array or a map that a rule hashes, the rules before it apply to what is inside:", () => {
  for (const [title, before, value, want, counts] of [
    [
      "one that masks",
      [{ action: "mask", keys: ["x"] }],
      { x: "secret", y: "foo" },
      { x: "****", y: ref("foo") },
      { "rules[0]": 1, "rules[1]": 1 },
    ],
    [
      "one that deletes by the key, also in maps in arrays",
      [{ action: "delete", keys: ["pin"] }],
      [{ pin: 1234, y: [{ pin: "1" }, "foo"] }],
      [{ y: [{}, ref("foo")] }],
      { "rules[0]": 2, "rules[1]": 1 },
    ],
    [
      "one that deletes by the value, also in arrays",
      [{ action: "delete", values: ["secret"] }],
      { x: "secret", y: ["a secret", "foo"] },
      { y: [ref("foo")] },
      { "rules[0]": 2, "rules[1]": 1 },
    ],
    [
      "one that keeps a key",
      [{ action: "keep", keys: ["x"] }],
      { x: { m: ["kept"] }, y: 7 },
      { x: { m: ["kept"] }, y: ref("7") },
      { "rules[1]": 1 },
    ],
    [
      "one that keeps by the value",
      [{ action: "keep", keys: ["m"], values: ["^public$"] }],
      { x: ["public", "foo"], y: "public" },
      { x: ["public", ref("foo")], y: "public" },
      { "rules[1]": 1 },
    ],
    [
      "one that keeps, with what an earlier one masked in it",
      [
        { action: "mask", keys: ["m"], values: ["secret"] },
        { action: "keep", values: ["public"] },
      ],
      { x: "public secret", y: "secret" },
      { x: "public ****", y: ref("secret") },
      { "rules[0]": 1, "rules[2]": 1 },
    ],
    [
      "one that hashes",
      [{ action: "hash", keys: ["x"] }],
      { x: ["a"], y: "b" },
      { x: [ref("a")], y: ref("b") },
      { "rules[0]": 1, "rules[1]": 1 },
    ],
  ] as const) {
    test(title, async () => {
      const section = { rules: [...before, hashM] };
      expect(await redacted(section, { m: value })).toEqual({ left: { m: want }, counts });
    });
  }

  test("also where a preset hashes", async () => {
    const rules = [{ action: "delete", keys: ["pin"] }];
    const section = { rules, presets: ["openclaw"] };
    const { left } = await redacted(section, { user: { pin: "1234", name: "alice" } });
    expect(left).toEqual({ user: { name: ref("alice") } });
  });

  test("and those behind it only to keys", async () => {
    const rules = [
      { action: "mask", keys: ["x"] },
      hashM,
      { action: "mask", keys: ["y"] },
      { action: "mask", detect: ["email"] },
    ];
    const { left } = await redacted({ rules }, { m: { y: "foo", "alice@example.com": "bar" } });
    expect(left).toEqual({ m: { y: ref("foo"), "****": ref("bar") } });
  });
});

test("what a rule masks or deletes as a whole goes with what an earlier one keeps in it", async () => {
  const rules = [
    { action: "keep", keys: ["x"] },
    { action: "mask", keys: ["m"] },
    { action: "delete", keys: ["d"] },
  ];
  const { left } = await redacted({ rules }, { m: { x: "1" }, d: { x: "1" }, x: "1" });
  expect(left).toEqual({ m: "****", x: "1" });
});

describe("with redact_all_types a map in which something is blocked", () => {
  const section = { redact_all_types: true, blocked_values: ["4[0-9]{3}"] };

  test("is masked as a text, as in the Collector", async () => {
    const { left } = await redacted(section, { m: { x: "4111", y: "b" } });
    expect(left).toEqual({ m: '{"x":"****","y":"b"}' });
  });

  for (const [title, more, value, want] of [
    ["a key", { rules: [{ action: "keep", keys: ["x"] }] }, { x: "4111", y: "4222" }, "****"],
    ["a value", { rules: [{ action: "keep", values: ["^4111"] }] }, { x: "4111", y: 4222 }, "****"],
    ["an ignored key", { ignored_keys: ["x"] }, { x: "4111", y: "a 4222" }, "a ****"],
  ] as const) {
    test(`is masked value by value if ${title} in it is kept`, async () => {
      const { left, counts } = await redacted({ ...section, ...more }, { m: value });
      expect(left).toEqual({ m: { x: "4111", y: want } });
      expect(counts).toEqual({ blocked_values: 1 });
    });
  }

  test("has each entry in the summary once", async () => {
    const rules = [{ action: "keep", keys: ["x"] }];
    const { left } = await redacted(
      { ...section, rules, summary: "info" },
      { m: { x: "4111", y: "4222" } },
    );
    expect(left).toMatchObject({ "redaction.ignored.count": 1, "redaction.masked.count": 1 });
  });

  test("takes nothing out of the summary that was there before it", async () => {
    const rules = [{ action: "keep", keys: ["x"] }];
    const { left } = await redacted(
      { ...section, rules, summary: "debug" },
      { a: "4999", m: { x: "4111", y: "4222" } },
    );
    expect(left).toMatchObject({
      "redaction.masked.keys": "a,m",
      "redaction.masked.count": 2,
    });
  });
});
