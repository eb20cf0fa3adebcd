import { describe, expect, test } from "vitest";
import { schema } from "../../../src/processors/redaction/config.ts";

const key = "00112233445566778899aabbccddeeff";

describe("a config is refused", () => {
  for (const [name, section, path, message] of [
    [
      "whose preset hashes without a key",
      { presets: ["openclaw"] },
      "",
      'must have an hmac_key, because the preset openclaw hashes. Make one with "openssl rand -hex 32"',
    ],
    [
      "whose rule hashes without a key",
      { rules: [{ action: "hash", keys: ["x"] }] },
      "",
      "must have an hmac_key, because rules[0] hashes.",
    ],
    [
      "whose hash function needs a key",
      { hash_function: "hmac-sha256" },
      "",
      "must have an hmac_key for hash_function: hmac-sha256.",
    ],
    [
      "whose key is too short for its hash function",
      { hash_function: "hmac-sha512", hmac_key: key },
      "hmac_key",
      "must have at least 64 bytes for hash_function: hmac-sha512, but has 32.",
    ],
    [
      "whose key can be guessed",
      { presets: ["openclaw"], hmac_key: "short" },
      "hmac_key",
      "must be a key of at least 32 characters, but has 5.",
    ],
    [
      "that sanitizes URLs",
      { url_sanitizer: { enabled: true, attributes: ["http.route"] } },
      "url_sanitizer.enabled",
      "is not supported: it recognizes ids in URLs by a model of words. Write a rule",
    ],
    [
      "that sanitizes statements",
      { db_sanitizer: { sql: { enabled: true, attributes: ["db.statement"] } } },
      "db_sanitizer.sql.enabled",
      "is not supported: statements of databases are not parsed. Write a rule",
    ],
    [
      "with a masking string beside a hash function",
      { hash_function: "md5", masking_string: "x" },
      "masking_string",
      "has no effect with hash_function; remove one of them.",
    ],
    [
      "with a lookahead",
      { blocked_values: ["a(?=b)"] },
      "blocked_values.0",
      "must be a regular expression in the syntax of Go (RE2), which has no lookaround and no backreferences",
    ],
    [
      "with an open bracket in a rule",
      { rules: [{ action: "mask", values: ["("] }] },
      "rules.0.values.0",
      "missing closing )",
    ],
    [
      "with a pattern that takes too much memory",
      { blocked_values: ["((a{90}){90}){90}"] },
      "blocked_values.0",
      "regular expression",
    ],
    [
      "with a rule that matches everything",
      { rules: [{ action: "delete" }] },
      "rules.0",
      "matches everything. Write keys, key_patterns, values, detect or in",
    ],
  ] as const) {
    test(name, () => {
      const { error } = schema.safeParse(section);
      const issue = error?.issues.find((each) => each.path.join(".") === path);
      expect(issue?.message).toContain(message);
      expect(JSON.stringify(error?.issues)).not.toContain(key);
    });
  }
});

test("patterns have Go's syntax", () => {
  const patterns = ["(?i)token", "(?P<x>a)", "[[:alpha:]]+", "\\Aa\\z", "\\pL", "\\Qa.b\\E"];
  expect(schema.safeParse({ blocked_values: patterns }).success).toBe(true);
});

test("the sanitizers of the Collector are accepted while they are off", () => {
  for (const section of [
    { url_sanitizer: { enabled: false } },
    { url_sanitizer: { enabled: false, attributes: ["http.route"], sanitize_span_name: true } },
    { db_sanitizer: { sql: { enabled: false }, redis: { enabled: false, attributes: ["x"] } } },
    { db_sanitizer: {} },
  ]) {
    expect(schema.safeParse(section).success).toBe(true);
  }
});
