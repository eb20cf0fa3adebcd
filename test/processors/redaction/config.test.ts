import { describe, expect, test } from "vitest";
import { schema } from "../../../src/processors/redaction/config.ts";
import { redactionNotices } from "../../../src/processors/redaction/redaction-notices.ts";

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
      'must have an hmac_key for hash_function: hmac-sha256. Make one with "openssl rand -hex 32"',
    ],
    [
      "whose key is too short for its hash function",
      { hash_function: "hmac-sha512", hmac_key: key },
      "hmac_key",
      'must be a key of at least 64 characters for hash_function: hmac-sha512, but has 32. Make one with "openssl rand -hex 32"',
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
      "has no effect: hash_function hashes what the blocked lists would mask, and no rule masks. Remove one of them.",
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

test("a masking string is accepted beside a hash function if a rule or a preset masks", () => {
  for (const rest of [
    { rules: [{ action: "mask", keys: ["a"] }] },
    { presets: ["openclaw"], hmac_key: key },
  ]) {
    const section = { hash_function: "md5", masking_string: "x", ...rest };
    expect(schema.safeParse(section).success).toBe(true);
  }
});

describe("a place that does not exist is answered with the one that is meant", () => {
  for (const [written, meant] of [
    ["body", "log.body"],
    ["span.attributes", "span"],
    ["log.attributes", "log"],
    ["event", "spanevent"],
    ["links", "spanlink"],
    ["data_point", "datapoint"],
    ["status.message", "span.status.message"],
    ["spans", "span"],
  ] as const) {
    test(`${written} is ${meant}`, () => {
      const rules = [{ action: "delete", in: [written] }];
      const [issue] = schema.safeParse({ rules }).error?.issues ?? [];
      expect(issue?.message).toContain(`Did you mean "${meant}"?`);
    });
  }

  for (const [written, meant] of [
    ["body", "log.body"],
    ["log.body", "log.body"],
    ["event", "spanevent"],
  ] as const) {
    test(`${written} without brackets is [${meant}]`, () => {
      const rules = [{ action: "delete", in: written }];
      const [issue] = schema.safeParse({ rules }).error?.issues ?? [];
      expect(issue?.message).toBe(`must be a list, but is text. Write [${meant}].`);
    });
  }

  test("and a list of no place with none", () => {
    const rules = [{ action: "delete", in: ["quux.zzyzx"] }];
    const [issue] = schema.safeParse({ rules }).error?.issues ?? [];
    expect(issue?.message).toMatch(/^must be a context such as .* or span\.status\.message\.$/);
  });
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

test("a part of a value that is kept from blocked lists has a notice", () => {
  for (const lists of [{ blocked_values: ["foo"] }, { blocked_key_patterns: ["foo"] }]) {
    const rules = [{ action: "keep", values: ["^public"] }];
    const notices = redactionNotices(schema.parse({ allow_all_keys: true, rules, ...lists }));
    expect(notices.map(({ path }) => path)).toEqual([["rules", 0, "values", 0]]);
  }
});

describe("a config that may be meant otherwise has no notice", () => {
  for (const [name, section] of [
    ["with all keys", { allow_all_keys: true }],
    ["with some keys", { allowed_keys: ["a.b-c", "a/b:c"] }],
    [
      "with a key that a rule hashes with",
      { allow_all_keys: true, hmac_key: key, rules: [{ action: "hash", keys: ["a"] }] },
    ],
    [
      "with a key that a list hashes with",
      { allow_all_keys: true, hmac_key: key, hash_function: "hmac-sha256" },
    ],
    ["that ignores some keys", { allow_all_keys: true, ignored_key_patterns: ["^safe[.]", "a"] }],
    [
      "that keeps an allowed key",
      { allowed_keys: ["a"], rules: [{ action: "keep", keys: ["a"] }] },
    ],
    [
      "that keeps an ignored key",
      {
        allowed_keys: ["a"],
        ignored_key_patterns: ["^b"],
        rules: [{ action: "keep", keys: ["b"] }],
      },
    ],
    [
      "that keeps whole values",
      {
        allow_all_keys: true,
        rules: [
          { action: "keep", values: ["^a$", "(?i)\\Ab\\z"] },
          { action: "mask", values: ["a"] },
        ],
      },
    ],
    [
      "that keeps the rest",
      {
        allow_all_keys: true,
        rules: [
          { action: "mask", values: ["a"] },
          { action: "keep", key_patterns: [".*"], values: ["b"] },
        ],
      },
    ],
  ] as const) {
    test(name, () => {
      expect(redactionNotices(schema.parse(section))).toEqual([]);
    });
  }
});
