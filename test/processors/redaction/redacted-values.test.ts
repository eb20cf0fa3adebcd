import { describe, expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import { factory } from "../../../src/processors/redaction/factory.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { encodeModel, type Model, requestType } from "../../otlp/arbitrary-messages.ts";

const all = { allow_all_keys: true, hmac_key: "00112233445566778899aabbccddeeff" } as const;
const text = (value: string): Model => ({ stringValue: value });
const list = (...values: Model[]): Model => ({ arrayValue: { values } });
const map = (entries: Readonly<Record<string, Model>>): Model => ({
  kvlistValue: { values: attributesOf(entries) },
});

function attributesOf(entries: Readonly<Record<string, Model>>): Model[] {
  return Object.entries(entries).map(([key, value]) => ({ key, value }));
}

/** What `otelcol_processor_redaction_redacted_values` says by rule after a span with these attributes; zeros are left out. */
async function countsOf(section: object, attributes: Readonly<Record<string, Model>>) {
  const { settings, ownMetrics } = testSettings("redaction");
  const component = factory.create(settings, { ...all, ...section });
  const consumer = component.processor!.wrap("traces", { consume: async () => accepted });
  await component.start();
  const span = { traceId: new Uint8Array(16).fill(7), spanId: new Uint8Array(8).fill(8) };
  const spans = [{ ...span, attributes: attributesOf(attributes) }];
  const model = { resourceSpans: [{ scopeSpans: [{ spans }] }] };
  const bytes = Uint8Array.from(encodeModel(requestType("traces"), model));
  await consumer.consume({ signal: "traces", bytes, items: 1, transport: "http" });
  await component.shutdown(noDeadline());
  const counts: Record<string, number> = {};
  for (const line of (await ownMetrics()).split("\n")) {
    const [, rule] = /redacted_values.*rule="([^"]+)"/.exec(line) ?? [];
    const count = Number(line.split(" ").at(-1));
    if (rule !== undefined && count > 0) {
      counts[rule] = count;
    }
  }
  return counts;
}

describe("redacted_values counts", () => {
  for (const [name, section, attributes, want] of [
    [
      "each match of a rule with values, and those that overlap once",
      { rules: [{ action: "mask", values: ["[0-9]+", "2y"] }] },
      { a: text("x12y12") },
      { "rules[0]": 2 },
    ],
    [
      "matches that overlap for the first of their rules",
      {
        rules: [
          { action: "mask", values: ["ab"] },
          { action: "hash", values: ["bc"] },
        ],
      },
      { a: text("abc") },
      { "rules[0]": 1 },
    ],
    [
      "a value that a rule removes once, and an entry of a list each",
      { rules: [{ action: "delete", values: ["x"] }] },
      { a: text("xx"), b: list(text("x"), text("x"), text("y")) },
      { "rules[0]": 3 },
    ],
    [
      "a value of a rule about the whole value once, with all that is in it",
      { rules: [{ action: "hash", keys: ["a"] }] },
      { a: list(text("x"), text("y"), map({ b: text("z") })) },
      { "rules[0]": 1 },
    ],
    [
      "a key of a map in which a rule detects something once",
      { rules: [{ action: "mask", detect: ["email"] }] },
      { a: map({ "a@b.cc,d@e.ff": text("x") }) },
      { "rules[0]": 1 },
    ],
    [
      "nothing for a rule that keeps",
      {
        rules: [
          { action: "keep", keys: ["a"] },
          { action: "mask", values: ["x"] },
        ],
      },
      { a: text("x") },
      {},
    ],
    [
      "each value that blocked_values change once, however many matches there are",
      { blocked_values: ["[0-9]", "y"] },
      { a: text("x12y12"), b: list(text("1"), text("2")) },
      { blocked_values: 3 },
    ],
    [
      "a value for a rule and for a list if both change it",
      { blocked_values: ["y"], rules: [{ action: "mask", values: ["x"] }] },
      { a: text("xxy") },
      { "rules[0]": 2, blocked_values: 1 },
    ],
    [
      "each attribute that is not allowed",
      { allow_all_keys: false, allowed_keys: ["a"] },
      { a: text("x"), b: text("x"), c: map({ d: text("x") }) },
      { allowed_keys: 2 },
    ],
    [
      "each value of a blocked key",
      { blocked_key_patterns: ["a"] },
      { a: text("x"), b: text("x") },
      { blocked_key_patterns: 1 },
    ],
  ] as const) {
    test(name, async () => {
      expect(await countsOf(section, attributes)).toEqual(want);
    });
  }
});
