import { describe, expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import { lengthField } from "../../../src/otlp/byte-replacements.ts";
import type { Payload, Signal } from "../../../src/otlp/payload.ts";
import { sessionRef } from "../../../src/privacy/session-ref.ts";
import { schema } from "../../../src/processors/redaction/config.ts";
import { factory } from "../../../src/processors/redaction/factory.ts";
import { RedactionProgram } from "../../../src/processors/redaction/redaction-program.ts";
import { RequestRedactor } from "../../../src/processors/redaction/request-redactor.ts";
import { testSettings } from "../../exporters/settings.ts";
import { encodeModel, type Model, requestType } from "../../otlp/arbitrary-messages.ts";
import { type Decoded, strictlyDecoded } from "../../otlp/strict-decoder.ts";

const key = "00112233445566778899aabbccddeeff";
const all = { allow_all_keys: true } as const;
const openclaw = { ...all, hmac_key: key, presets: ["openclaw", "genai_content"] };

function encoded(signal: Signal, model: Model): Uint8Array {
  return Uint8Array.from(encodeModel(requestType(signal), model));
}

const ids = { traceId: new Uint8Array(16).fill(7), spanId: new Uint8Array(8).fill(8) };
const spans = (...list: Model[]) =>
  encoded("traces", {
    resourceSpans: [{ scopeSpans: [{ spans: list.map((span) => ({ ...ids, ...span })) }] }],
  });
const logs = (...logRecords: Model[]) =>
  encoded("logs", { resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
const attribute = (name: string, value: Model): Model => ({ key: name, value });
const text = (name: string, value: string) => attribute(name, { stringValue: value });
const array = (count: number, item: Model): Model => ({
  arrayValue: { values: Array.from({ length: count }, () => item) },
});
const map = (...values: Model[]): Model => ({ kvlistValue: { values } });

/** The redacted request, and how often the redactor asked whether to pause, and paused. */
function redacted(section: object, signal: Signal, bytes: Uint8Array, pauses = false) {
  const program = new RedactionProgram(schema.parse(section), 7);
  const counts = new Float64Array(program.counted.length);
  let asked = 0;
  const mustPause = () => {
    asked += 1;
    return pauses;
  };
  const redactor = new RequestRedactor(program, { signal, bytes }, { counts, mustPause });
  let paused = 0;
  for (const _ of redactor.run()) {
    paused += 1;
  }
  return { bytes: redactor.result(), asked, paused };
}

/** The values of the attributes of the records. */
function left(section: object, signal: Signal, bytes: Uint8Array): Record<string, Decoded>[] {
  const result = redacted(section, signal, bytes).bytes;
  const decoded = strictlyDecoded(signal, result!) as Record<string, never>;
  const names = {
    traces: ["resourceSpans", "scopeSpans", "spans"],
    logs: ["resourceLogs", "scopeLogs", "logRecords"],
    metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
  }[signal];
  const records = names.reduce<Decoded[]>(
    (holders, name) => holders.flatMap((holder) => (holder[name] ?? []) as Decoded[]),
    [decoded],
  );
  return records.map((record) =>
    Object.fromEntries(
      ((record["attributes"] ?? []) as { key?: string; value?: Decoded }[]).map(
        ({ key: name = "", value = {} }) => [name, value],
      ),
    ),
  );
}

const itemsOf = (value: Decoded | undefined) =>
  ((Object.values(value ?? {})[0] as Decoded | undefined)?.["values"] as unknown[] | undefined) ??
  [];

describe("the arrays and maps of a record", () => {
  for (const [name, value] of [
    ["numbers", array(100_001, { intValue: 1n })],
    ["truth values", array(100_001, { boolValue: true })],
    ["empty values", array(100_001, {})],
    ["empty arrays", array(100_001, { arrayValue: {} })],
    ["bytes", array(10_001, { bytesValue: Uint8Array.of(1) })],
    ["entries", map(...Array.from({ length: 10_001 }, () => attribute("k", { intValue: 1n })))],
    ["items at many depths", array(50_000, array(2, {}))],
  ] as const) {
    test(`with too many ${name} are hashed as one value, or masked`, () => {
      const attributes = [attribute("session.id", value), attribute("other", value)];
      expect(left(openclaw, "traces", spans({ attributes }))).toEqual([
        {
          "session.id": { stringValue: expect.stringMatching(/^[0-9a-f]{12}$/) },
          other: { stringValue: "****" },
        },
      ]);
    }, 60_000);
  }

  test("may have many numbers, as the vector of a text has", () => {
    const value = array(10_100, { doubleValue: 0.5 });
    const attributes = [attribute("session.id", value), attribute("weights", value)];
    const bytes = spans({ attributes });
    const [record] = left(openclaw, "traces", bytes);
    const ref = { stringValue: sessionRef(key, "0.5") };
    const hashed = itemsOf(record!["session.id"]).map((item) => JSON.stringify(item));
    expect(hashed).toHaveLength(10_100);
    expect(new Set(hashed)).toEqual(new Set([JSON.stringify(ref)]));
    expect(itemsOf(record!["weights"])).toHaveLength(10_100);
  });

  test("stay whole where they are kept", () => {
    const rules = [{ action: "keep", keys: ["vectors"] }];
    const bytes = spans({
      attributes: [attribute("vectors", array(100_001, { boolValue: true }))],
    });
    expect(redacted({ ...openclaw, rules }, "traces", bytes).bytes).toBe(bytes);
  });
});

describe("a long request", () => {
  const many = <T>(count: number, of: (index: number) => T) =>
    Array.from({ length: count }, (_, i) => of(i));
  const mail = (index: number) => text(`k${index % 100}`, "a@example.com");
  for (const [name, signal, bytes] of [
    ["of spans", "traces", spans(...many(5_000, (i) => ({ attributes: [mail(i)] })))],
    ["with one record of many attributes", "traces", spans({ attributes: many(5_000, mail) })],
    [
      "with one record of many events",
      "traces",
      spans({ events: many(5_000, (i) => ({ attributes: [mail(i)] })) }),
    ],
    [
      "with one log record of many attributes",
      "logs",
      logs({ attributes: many(5_000, mail), body: { stringValue: "a@example.com" } }),
    ],
    [
      "with one array",
      "traces",
      spans({ attributes: [attribute("x", array(9_000, { stringValue: "a@example.com" }))] }),
    ],
    [
      "with one array that is hashed",
      "traces",
      spans({
        attributes: [attribute("session.id", array(9_000, { stringValue: "x@example.com" }))],
      }),
    ],
    ["with one map", "traces", spans({ attributes: [attribute("x", map(...many(4_000, mail)))] })],
    ["with one body", "logs", logs({ body: map(...many(4_000, mail)) })],
  ] as const) {
    test(`${name} is redacted in parts, and as if it were in one`, () => {
      const whole = redacted(openclaw, signal, bytes);
      const parts = redacted(openclaw, signal, bytes, true);
      expect(whole.asked).toBeGreaterThan(bytes.length / 4_096);
      expect(parts.paused).toBeGreaterThan(bytes.length / 4_096);
      expect(Buffer.compare(parts.bytes!, whole.bytes!)).toBe(0);
      expect(Buffer.from(whole.bytes!).includes("example.com")).toBe(false);
    });
  }
});

test("the name of a log record is found behind many other attributes", () => {
  const others = Array.from({ length: 10_000 }, (_, i) => text(`k${i}`, "x"));
  const attributes = [...others, text("event.name", "gen_ai.user.message")];
  const record = { attributes, body: { stringValue: "what was asked" } };
  const { bytes } = redacted(openclaw, "logs", logs(record));
  expect(Buffer.from(bytes!).includes("what was asked")).toBe(false);
});

test("rules about a text that is longer than 1 MiB take it as a match as a whole, also those that detect", () => {
  const long = `${"x ".repeat(524_288)}a@example.com`;
  const rules = [{ action: "mask", detect: ["email"] }];
  expect(left({ ...all, rules }, "traces", spans({ attributes: [text("x", long)] }))).toEqual([
    { x: { stringValue: "****" } },
  ]);
});

test("allowed_values do not allow a text that is longer than 1 MiB", () => {
  const section = { ...all, allowed_values: ["^a"], blocked_values: ["b"] };
  const attributes = [text("x", "a".repeat(1_048_577)), text("y", "ab")];
  expect(left(section, "traces", spans({ attributes }))).toEqual([
    { x: { stringValue: "****" }, y: { stringValue: "ab" } },
  ]);
});

test("an attribute with more than 1000 keys and values is refused", () => {
  const fields = Buffer.concat(
    Array.from({ length: 1_001 }, () => lengthField(0x12, Buffer.alloc(0))),
  );
  const span = Buffer.concat([
    lengthField(0x0a, ids.traceId),
    lengthField(0x12, ids.spanId),
    lengthField(0x4a, fields),
  ]);
  const bytes = lengthField(0x0a, lengthField(0x12, lengthField(0x12, span)));
  expect(redacted(openclaw, "traces", bytes).bytes).toBeUndefined();
});

test("a summary of an earlier processor with more than 64 KiB is dropped", () => {
  const attributes = [text("redaction.masked.keys", "a,".repeat(40_000)), text("x", "y")];
  for (const summary of ["debug", "silent"]) {
    const section = { ...openclaw, summary };
    expect(left(section, "traces", spans({ attributes }))).toEqual([{ x: { stringValue: "y" } }]);
  }
});

test("a request may have 20 000 matches, and none counts twice", () => {
  const rules = [{ action: "mask", values: ["q"] }];
  const record = { attributes: [text("x", "q ".repeat(1_000))] };
  const values = left({ ...all, rules }, "logs", logs(...Array.from({ length: 21 }, () => record)));
  expect(values.map(({ x }) => x?.["stringValue"])).toEqual([
    ...new Array(20).fill("**** ".repeat(1_000)),
    "****",
  ]);
});

test("bytes that are an id have the hash of the text", () => {
  const bytesValue = new TextEncoder().encode("agent:main:x");
  const attributes = [attribute("session.id", { bytesValue }), attribute("y", { bytesValue })];
  const ref = sessionRef(key, "agent:main:x");
  expect(left(openclaw, "traces", spans({ attributes }))).toEqual([
    { "session.id": { stringValue: ref }, y: { bytesValue: Buffer.from(ref).toString("hex") } },
  ]);
});

test("bytes that are no UTF-8 have different hashes if they are different", () => {
  const hashOf = (byte: number) => attribute("user.id", { bytesValue: Uint8Array.of(0xff, byte) });
  const [a, b] = left(
    openclaw,
    "traces",
    spans({ attributes: [hashOf(0xfe)] }, { attributes: [hashOf(0xfd)] }),
  );
  expect(a!["user.id"]).not.toEqual(b!["user.id"]);
});

describe("redact_all_types", () => {
  const section = { ...openclaw, redact_all_types: true, blocked_values: ["4711"] };

  test("leaves no more of a map than its rules do", () => {
    const value = map(text("session.id", "s"), text("note", "a@example.com"), text("card", "4711"));
    expect(left(section, "traces", spans({ attributes: [attribute("x", value)] }))).toEqual([
      {
        x: {
          stringValue: `{"card":"****","note":"****","session.id":"${sessionRef(key, "s")}"}`,
        },
      },
    ]);
  });

  test("deletes a number that a rule deletes", () => {
    const rules = [{ action: "delete", values: ["^47"] }];
    const attributes = [attribute("x", { intValue: 4711n }), attribute("y", { intValue: 1n })];
    expect(left({ ...section, rules }, "traces", spans({ attributes }))).toEqual([
      { y: { intValue: "1" } },
    ]);
  });
});

test("in a body a blocked key goes before allowed_values", async () => {
  const section = { ...all, allowed_values: [".*"], blocked_key_patterns: ["token"] };
  const { settings } = testSettings("redaction");
  const taken: Payload[] = [];
  const consumer = factory.create(settings, section).processor!.wrap("logs", {
    consume: async (payload) => {
      taken.push(payload);
      return accepted;
    },
  });
  const body = map(attribute("token", array(1, { stringValue: "secret" })));
  await consumer.consume({ signal: "logs", bytes: logs({ body }), items: 1, transport: "http" });
  expect(Buffer.from(taken[0]!.bytes).toString("latin1")).not.toContain("secret");
});
