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
    ["/sessions/agent%3amain%3amain/messages", ["agent%3amain%3amain"]],
    ["/sessions/agent:main%3Amain?limit=5", ["agent:main%3Amain"]],
    ["https://h/?k=agent%3Amain%3Ax&y=1", ["agent%3Amain%3Ax"]],
    ["https://h/?k=agent:main:x&y=1#z", ["agent:main:x"]],
    ["?next=%2Fchat%3Fk%3Dagent%253Amain%253Ax%26y%3D1", ["agent%253Amain%253Ax"]],
    ["%7B%22key%22%3A%22agent%3Amain%3Ax%22%7D", ["agent%3Amain%3Ax"]],
    ["k=agent:main:irc:channel:#chan", ["agent:main:irc:channel:#chan"]],
    ["/s/agent%3Amain%3Asignal%3Agroup%3Aab/cD1%3D", ["agent%3Amain%3Asignal%3Agroup%3Aab/cD1%3D"]],
    ["agent%3", []],
    ["agent%3A", []],
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
    ["https://x/?to=carol%40example.com&y", ["carol%40example.com"]],
    ["mailto:carol%40example.com", ["carol%40example.com"]],
    ["u=carol%2540example.com", ["carol%2540example.com"]],
    ["100%40x", []],
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
    ["OPENCLAW_GATEWAY_TOKEN=abc", ["abc"]],
    ["GITHUB_TOKEN=abc GITHUB_PAT=def", ["abc", "def"]],
    ["gateway_token=abc", ["abc"]],
    ['{"gatewayToken":"abc","appToken": "def"}', ["abc", "def"]],
    ["pass=abc; db-pass: def", ["abc", "def"]],
    ["TOKEN_2=abc", ["abc"]],
    ["dbPassword: abc", ["abc"]],
    ["AccountName=a;AccountKey=ab+/c==;x", ["ab+/c=="]],
    ["next=%2F%3Ftoken%3Dabc", ["abc"]],
    ["--token abc --gateway-token=def --password 'g h'", ["abc", "def", "g h"]],
    ['["--api-key","abc", "--token", "def"]', ["abc", "def"]],
    ["curl -u bob:abc https://x", ["bob:abc"]],
    ["curl --user 'bob:abc'", ["bob:abc"]],
    ["MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDe.abcdefghijklmnopqrstuvwxyz0123456789AB", "all"],
    ["110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "all"],
    [
      "/bot110201543%3AAAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe",
      ["110201543%3AAAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"],
    ],
    [`https://discord.com/api/webhooks/123456789012345678/${key}`, [`123456789012345678/${key}`]],
    [
      "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXX",
      ["T00000000/B00000000/XXXXXXXXXXXXXXXX"],
    ],
    ["syt_YWxpY2U_abcdefghijklmnopqrst_0abcde", "all"],
    [`SG.abcdefghijklmnopqrstuv.${key}`, "all"],
    [`ya29.a0AfH6SMB${key}.`, [`ya29.a0AfH6SMB${key}`]],
    ["GOCSPX-abcdefghijklmnopqrstuvwxyz01", "all"],
    ["input_tokens=5", []],
    ["max_token=5, time_to_first_token: 4, outputTokens: 3", []],
    ["token_type=x token.count=5", []],
    ["--max-tokens 4096 --verbose", []],
    ["--token --verbose", []],
    ["docker run -u 1000:1000", []],
    ["bypass=1 compass: 2", []],
    ["1.234567.8 and 1712345678901.234567.890", []],
    ["/webhooks/1/delivery", []],
    ["/services/Telegram/status", []],
    ["max_tokens: 4096", []],
    ["basic authentication", []],
    ["task-force", []],
    ["sk-short", []],
    ["-----BEGIN CERTIFICATE-----", []],
    ["gpt-5.4 chat: 12:00:00", []],
  ] as const) {
    test(`in ${JSON.stringify(text)}: ${want.length === 0 ? "none" : want}`, () => {
      const secrets = foundIn(text).filter((found) => found.startsWith("secret "));
      const parts = want === "all" ? [text] : want;
      expect(secrets).toEqual(parts.map((each) => `secret ${each}`));
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
    ".",
    "SG.",
    "abcdef.",
    "ken ",
    "--token ",
    '"--token",',
    "-u ",
    "-u '",
    "%3A",
    "%25",
    "agent%3A",
    "/agent:a/",
    "a%40",
    "s/",
    "/webhooks/1",
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
