import { describe, expect, test } from "vitest";
import { findValues } from "../../../src/processors/redaction/value-detectors.ts";

/** What is found in a text: kinds and parts, in the order of their ends. */
function foundIn(text: string): readonly string[] {
  const bytes = Buffer.from(`<${text}>`);
  const found: string[] = [];
  findValues(bytes, 1, bytes.length - 1, (kind, start, end) =>
    found.push(`${kind} ${bytes.subarray(start, end).toString()}`),
  );
  return found;
}

const key = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";

describe("session keys", () => {
  for (const [text, want] of [
    ["agent:main:main", ["agent:main:main"]],
    ["session agent:main:telegram:direct:4711.", ["agent:main:telegram:direct:4711"]],
    ['{"sessionKey":"agent:a:b","x":1}', ["agent:a:b"]],
    ["announce:v1:agent:main:x", ["agent:main:x"]],
    ["agent:main:whatsapp:group:123@g.us", ["agent:main:whatsapp:group:123@g.us"]],
    ["/sessions/agent%3Amain%3Amain", ["agent%3Amain%3Amain"]],
    ["Agent:Main:X", ["Agent:Main:X"]],
    ["agent:", []],
    ["the agent: it works", []],
    ["subagent:main", []],
    ["agent:é", ["agent:é"]],
  ] as const) {
    test(`in ${JSON.stringify(text)}: ${want.length === 0 ? "none" : want.join()}`, () => {
      const keys = foundIn(text).filter((found) => found.startsWith("session_key "));
      expect(keys).toEqual(want.map((each) => `session_key ${each}`));
    });
  }
});

describe("mail addresses", () => {
  for (const [text, want] of [
    ["alice@example.com", ["alice@example.com"]],
    ["mail to <a.b+c@mail.example.co.uk>, please", ["a.b+c@mail.example.co.uk"]],
    ["49123@s.whatsapp.net", ["49123@s.whatsapp.net"]],
    ["jörg@münchen.example", ["jörg@münchen.example"]],
    ["a@b.co,c@d.eu", ["a@b.co", "c@d.eu"]],
    ["package@1.2.3", []],
    ["@mention and user@host", []],
    ["a@b..co", []],
    ["x@y.c", []],
  ] as const) {
    test(`in ${JSON.stringify(text)}: ${want.length === 0 ? "none" : want.join()}`, () => {
      const mails = foundIn(text).filter((found) => found.startsWith("email "));
      expect(mails).toEqual(want.map((each) => `email ${each}`));
    });
  }
});

describe("secrets", () => {
  for (const [text, want] of [
    [`sk-proj-${key}`, [`sk-proj-${key}`]],
    [`key=sk-ant-${key}, x`, [`sk-ant-${key}`]],
    [`ghp_${key}`, [`ghp_${key}`]],
    [`github_pat_${key}`, [`github_pat_${key}`]],
    ["xoxb-1234567890-abc", ["xoxb-1234567890-abc"]],
    ["AKIAIOSFODNN7EXAMPLE", ["AKIAIOSFODNN7EXAMPLE"]],
    [`AIza${key}`, [`AIza${key}`]],
    [
      `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${key}`,
      [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${key}`],
    ],
    [`bot 123456789:${key.slice(0, 35)} runs`, [`123456789:${key.slice(0, 35)}`]],
    [`curl -H "Authorization: Bearer ${key}"`, [`Bearer ${key}`]],
    [`sent Bearer ${key} to it`, [key]],
    ["Basic dXNlcjpwYXNz", ["dXNlcjpwYXNz"]],
    ["https://user:pa55@example.com/x", ["user:pa55"]],
    ["?api_key=abc&x=1", ["abc"]],
    ['{"password": "two words", "x": 1}', ["two words"]],
    ['{\\"clientSecret\\":\\"abc\\"}', ["abc"]],
    ["OPENAI_API_KEY=abc", ["abc"]],
    ["token=abc", ["abc"]],
    [
      "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- x",
      ["-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"],
    ],
    ["-----BEGIN PRIVATE KEY-----\nabc", ["-----BEGIN PRIVATE KEY-----\nabc"]],
    ["input_tokens=5", []],
    ["max_tokens: 4096", []],
    ["basic authentication", []],
    ["task-force", []],
    ["sk-short", []],
    ["-----BEGIN CERTIFICATE-----", []],
    ["gpt-5.4 chat: 12:00:00", []],
  ] as const) {
    test(`in ${JSON.stringify(text)}: ${want.length === 0 ? "none" : want.length}`, () => {
      const secrets = foundIn(text).filter((found) => found.startsWith("secret "));
      expect(secrets).toEqual(want.map((each) => `secret ${each}`));
    });
  }
});

describe("the time of a search", () => {
  for (const unit of [
    "a",
    "a@",
    "a=",
    "agent:",
    "eyJ",
    "-eyJ",
    "sk-",
    "://",
    "Bearer ",
    '"password":',
    "-----BEGIN ",
    "1:",
    `${"a".repeat(64)}@${"b".repeat(60)}`,
    `${"a-".repeat(31)}=`,
  ]) {
    test(`is in proportion to the length of ${JSON.stringify(unit.slice(0, 12))} repeated`, () => {
      const bytes = Buffer.alloc(1_000_000, unit);
      const from = performance.now();
      findValues(bytes, 0, bytes.length, () => {});
      // A tenth of a second; minutes if each byte were looked at from each other one.
      expect(performance.now() - from).toBeLessThan(5_000);
    });
  }
});
