import fc from "fast-check";
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
    [String.raw`{"text":"Session:\nagent:main:x"}`, ["agent:main:x"]],
    [String.raw`{\"text\":\"a\\tagent:main:x\\nb\"}`, ["agent:main:x"]],
    ["chat%2Fagent%3Amain%3Ax", ["agent%3Amain%3Ax"]],
    ["%252Fagent%253Amain%253Ax", ["agent%253Amain%253Ax"]],
    ["a%0Aagent:main:x%0Ab", ["agent:main:x"]],
    ["a%250Aagent%253Amain%253Ax", ["agent%253Amain%253Ax"]],
    [String.raw`{"k":"agent\u003amain\u003Ax\nb"}`, [String.raw`agent\u003amain\u003Ax`]],
    [String.raw`{"k":"agent:main:caf\u00e9"}`, [String.raw`agent:main:caf\u00e9`]],
    [String.raw`\u0022agent:main:x\u0022`, ["agent:main:x"]],
    ["session_agent:main:x", ["agent:main:x"]],
    ["sub_agent:x", []],
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
    ["to=%22carol@example.com%22", ["carol@example.com"]],
    ["%20carol@example.com", ["carol@example.com"]],
    [String.raw`{"to":"x\ncarol@example.com"}`, ["carol@example.com"]],
    [String.raw`carol\u0040example.com`, [String.raw`carol\u0040example.com`]],
    [String.raw`\u003ccarol@example.com\u003e`, ["carol@example.com"]],
    ["carol@example.xn--p1ai", ["carol@example.xn--p1ai"]],
    ["mailto:carol@example.com", ["carol@example.com"]],
    ...["o'brien", "a!b", "a$b", "a*b", "a^b", "a~b", "o'a'brien"].flatMap(
      (part) =>
        [
          [`to ${part}@example.com, x`, [`${part}@example.com`]],
          [`https://h/${part}@example.com`, [`${part}@example.com`]],
          [`'${part}@example.com'`, [`${part}@example.com`]],
        ] as const,
    ),
    ["to=o%27brien%40example.com", ["o%27brien%40example.com"]],
    ...["bob/smith", "a=b", "a?b", "a#b", "a&b", "a|b", "a{b", "a`b"].map(
      (part) => [`x <${part}@example.com>`, [`${part}@example.com`]] as const,
    ),
    ["mailto:bob/smith@example.com?subject=x", ["bob/smith@example.com"]],
    ["f'carol@example.com' b'carol@example.com is it'", ["carol@example.com", "carol@example.com"]],
    ["see*carol@example.com* x/carol@example.com", ["carol@example.com", "carol@example.com"]],
    ["https://h/users/carol@example.com", ["carol@example.com"]],
    ["a|carol@example.com|b", ["carol@example.com"]],
    ["USER#carol@example.com u=carol@example.com", ["carol@example.com", "carol@example.com"]],
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

test("a slash is part of a mail address that is the whole text", () => {
  const bytes = Buffer.from("bob/smith@example.com");
  const found: unknown[] = [];
  findValues(bytes, 0, bytes.length, (...each) => found.push(each));
  expect(found).toEqual([["email", 0, bytes.length]]);
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
    ["AccountName=a;AccountKey=ab+/c==;EndpointSuffix=x", ["ab+/c=="]],
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
    ...[
      String.raw`\n`,
      String.raw`\t`,
      String.raw`\\n`,
      "%0A",
      "%20",
      "%3D",
      "%250A",
      "%22",
      String.raw`\u0022`,
      "_",
    ].map((before) => [`x${before}ghp_${key}`, [`ghp_${key}`]] as const),
    [String.raw`{"env":"KEYS:\nsk-proj-${key}"}`, [`sk-proj-${key}`]],
    [
      `x%0AeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${key}`,
      [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${key}`],
    ],
    [`Bearer%20${key}`, [key]],
    [String.raw`{"h":"Bearer\t${key}"}`, [key]],
    ["%7B%22password%22%3A%22abc%22%7D", ["abc"]],
    [String.raw`{\u0022password\u0022:\u0022abc\u0022}`, ["abc"]],
    [String.raw`C:\token=abc`, ["abc"]],
    [String.raw`{"password":"abc\"def"}`, [String.raw`abc\"def`]],
    [String.raw`{\"password\":\"abc\\\"def\"}`, [String.raw`abc\\\"def`]],
    ["%22password%22%3A%22abc%5C%22def%22", ["abc%5C%22def"]],
    [String.raw`{"password":"abc\\","user":"x"}`, ["abc"]],
    ['{"password":"it\'s","user":"x"}', ["it's"]],
    ["password='it''s' x", ["it''s"]],
    ["password='it's def' x", ["it's def"]],
    ["password='abc'def x='y'", ["abc'def"]],
    ["password='abc'def", ["abc'def"]],
    ['{"password":"abc"}, "x": "y"', ["abc"]],
    [String.raw`{"m": "{ password: 'a\\'bc', x: 1 }"}`, [String.raw`a\\'bc`]],
    [String.raw`{"m": "{ password: 'a\\' bc', x: 'y' }"}`, [String.raw`a\\' bc`]],
    ["f(password='abc'if x else 'y')", ["abc'if"]],
    ['{"password":"","user":"x"}', []],
    [String.raw`mssql://CORP\nina:abc@sql/db`, [String.raw`CORP\nina:abc`]],
    [String.raw`https://CORP\tom:abc@proxy:8080`, [String.raw`CORP\tom:abc`]],
    ["mssql://CORP%5Cbob:abc@sql/db", ["CORP%5Cbob:abc"]],
    ["mssql%3A%2F%2FCORP%5Cbob%3Aabc%40sql%2Fdb", ["CORP%5Cbob%3Aabc"]],
    ["postgres://user:a%5Cbc@host/db", ["user:a%5Cbc"]],
    ["?password=a%5Cbc&x=1", ["a%5Cbc"]],
    ["?password=a%5Cu0020c&x=1", ["a%5Cu0020c"]],
    ['{"url":"https://h/p?password=a%5Cbc"}', ["a%5Cbc"]],
    ["?next=%2F%3Fpassword%3Da%255Cnc%26x%3D1&y=2", ["a%255Cnc"]],
    ["?next=%2F%3Fpassword%3Da%5Cnc%26x%3D1&y=2", ["a%5Cnc"]],
    [`?token=sk-proj-abc%5Cb${key}`, [`sk-proj-abc%5Cb${key}`]],
    ...["b", "f", "n", "r", "t"].flatMap((letter) =>
      [
        [String.raw`password=a\~c x`, String.raw`a\~c`],
        [String.raw`--password a\~c x`, String.raw`a\~c`],
        [String.raw`curl -u CORP\~x:abc http://h`, String.raw`CORP\~x:abc`],
        [String.raw`curl -u CORP\\~x:abc http://h`, String.raw`CORP\\~x:abc`],
        [String.raw`{"m":"password=a\\~c x"}`, String.raw`a\\~c`],
        [String.raw`{"m":"password=abc\~x"}`, "abc"],
        [String.raw`{"m":"{\"m\":\"a\\~b password=abc\\~x\"}"}`, "abc"],
        [String.raw`{"m":"{\"m\":\"password=a\\\\~c x\"}"}`, String.raw`a\\\\~c`],
        ["%22password%3Dabc%5C~x%22", "abc"],
      ].map(
        ([text = "", value = ""]) =>
          [text.replaceAll("~", letter), [value.replaceAll("~", letter)]] as const,
      ),
    ),
    [String.raw`{"m":"said \"x\" to mssql://CORP\\nina:abc@h"}`, [String.raw`CORP\\nina:abc`]],
    [
      String.raw`5" x
mssql://CORP\nina:abc@h`,
      [String.raw`CORP\nina:abc`],
    ],
    [String.raw`password=abc\nuser=x pass=def\r\nHost: x`, ["abc", "def"]],
    [String.raw`Authorization: Token a\nc x`, [String.raw`Token a\nc x`]],
    [String.raw`Authorization: Token abc\r\nHost: x`, ["Token abc"]],
    [String.raw`Cookie: a=abc\nHost: x`, ["a=abc"]],
    ['{"password":"abc', ["abc"]],
    ...[
      "abc,def",
      "abc#def",
      "ab(cd)ef",
      "ab)cd",
      "abc;def",
      "abc&def",
      "a@b",
      "it's",
      'a"b',
      "a|b",
    ].map((value) => [`password=${value} x`, [value]] as const),
    ["password=two%20words x", ["two%20words"]],
    ["token=abc, user=x; pass=def", ["abc", "def"]],
    ["f(password=abc).then {token: def}", ["abc", "def"]],
    ["?next=%2F%3Ftoken%3Dabc%26x%3D1&y=2", ["abc"]],
    ["postgres://user:pa@ss@db/x", ["user:pa@ss"]],
    ["postgres://user:pa#ss@db/x", ["user:pa#ss"]],
    ["redis://:ab/cd@db", [":ab/cd"]],
    [`https://user:${"a".repeat(300)}@db`, [`user:${"a".repeat(300)}`]],
    ["https%3A%2F%2Fuser%3Apass%40host", ["user%3Apass"]],
    [String.raw`https:\/\/user:pass@host`, ["user:pass"]],
    ["redis://a:b@c,redis://d:e@f", ["a:b", "d:e"]],
    ["http://host:4318/x@y https://h/@scope/a?to=x http://[::1]:80/@a", []],
    ["Authorization: ApiKey abc", ["ApiKey abc"]],
    ["Authorization: SSWS abc\nHost: x", ["SSWS abc"]],
    [String.raw`"Authorization: SSWS abc\r\nHost: x"`, ["SSWS abc"]],
    [
      'Authorization: Digest username="bob", response="abc"',
      ['Digest username="bob", response="abc"'],
    ],
    [`curl -H 'Authorization: Digest username="bob"' https://x`, ['Digest username="bob"']],
    ['{"log":"Authorization: ApiKey abc","x":1}', ["ApiKey abc"]],
    ...[
      "[x]yz",
      "{x}yz",
      "{Xy9!}yz",
      "[x][y]z",
      "[x,y]z",
      "{x}#z",
      "[x9",
      "{x9!",
      "[x]%20",
    ].flatMap(
      (value) =>
        [
          [`?password=${value}&x=1`, [value]],
          [`password=${value}`, [value]],
        ] as const,
    ),
    ["?password=%5Bx%5Dyz&x=1", ["%5Bx%5Dyz"]],
    ["?password=%7Bx%7Dyz&x=1", ["%7Bx%7Dyz"]],
    ["?password=%5Bx%20y%5D%20z&x=1", ["%5Bx%20y%5D%20z"]],
    ["?next=%3Fpassword%3D%5Bx%5Dyz%26x%3D1", ["%5Bx%5Dyz"]],
    ["?next=%3Fpassword%3D%255Bx%255Dyz%26x%3D1", ["%255Bx%255Dyz"]],
    ["password==abc ?password==abc&x=1", ["abc", "abc"]],
    ["?password=%3Dabc&x=1", ["abc"]],
    ['?tokens=["x"] password=[x] password=[x, y9] token={x} token={user.token}', []],
    ["<A token={token} b/> token={!token && x} token={() => x} token=[x].y", []],
    ["PyJWT==2.8.0 if(token==other) token==null token==undefined&&x token===x", []],
    ['Authorization: Bearer "abcd"', ['Bearer "abcd"']],
    ["Authorization: Token 'abc def', x: 1", ["Token 'abc def', x: 1"]],
    [`curl -H 'Authorization: Bearer "abcd"' "https://x"`, ['Bearer "abcd"']],
    [String.raw`curl -H "Authorization: Bearer \"abcd\"" x`, [String.raw`Bearer \"abcd\"`]],
    [String.raw`{"log":"x Authorization: Bearer \"abcd\"","x":"y"}`, [String.raw`Bearer \"abcd\"`]],
    ['log("x Authorization: Token abc", "y")', ["Token abc"]],
    ['token: Bearer "abc def" x', ['Bearer "abc def']],
    ["Authorization=Token 'abc' x", ["Token 'abc"]],
    ["Cookie: theme=dark; sid=abc", ["theme=dark; sid=abc"]],
    ["curl -b x -H 'Cookie: theme=dark; sid=abc' https://x", ["theme=dark; sid=abc"]],
    ['{"cookie":"a=b; sid=abc"}', ["a=b; sid=abc"]],
    ["<password>abc</password>", ["abc"]],
    ["<a:api-key type='x'>abc</a:api-key>", ["abc"]],
    ["<password><![CDATA[a<b]]></password>", ["a<b"]],
    ["<property name='password'>abc</property>", ["abc"]],
    ['<add key="password" value="abc"/>', ["abc"]],
    ['{"name":"Authorization","value":"ApiKey abc"}', ["ApiKey abc"]],
    ['{"key":"api_key","value":{"stringValue":"abc"}}', ["abc"]],
    ["- name: API_TOKEN\n  value: abc", ["abc"]],
    ['{"name":"max_tokens","value":"abc"}', []],
    ['{"value":"abc","name":"x-api-key"}', ["abc"]],
    ['[{ "value": "abc, d", "type": "x", "key": "password" }]', ["abc, d"]],
    ['{"value":{"stringValue":"abc"},"key":"api_key"}', ["abc"]],
    ["<add value='abc' key='password'/>", ["abc"]],
    ["- value: abc\n  name: API_TOKEN", ["abc"]],
    [String.raw`{\"value\":\"abc\",\"name\":\"token\"}`, ["abc"]],
    ['{"name":"password","type":"x","value":"abc"}', ["abc"]],
    ["<property name='password' type=\"x y\" value='abc'/>", ["abc"]],
    ["- name: API_TOKEN\n  type: x\n  value: abc", ["abc"]],
    ['[{"value":"abc"},{"name":"token"}] {"a":{"value":"abc"}, "b":{"name":"token"}}', []],
    ["key=a value=hello key=token_type value=def", []],
    ["- value: abc\n- name: token", []],
    ['postgres://user:pa"ss@db', ['user:pa"ss']],
    ["--user=bob:abc", ["bob:abc"]],
    ['"password" => "abc", $x[\'token\'] = "def"', ["abc", "def"]],
    ['password := "abc"', ["abc"]],
    ['{"password":["abc"]}', ["abc"]],
    ['{"passwords":["abc","def"],"x":["y"]}', ['abc","def']],
    ['{"password":{"value":"abc"},"x":"y"}', ["abc"]],
    ['{"auth":{"type":"x","token":"abc","n":5},"y":"z"}', ['x","token":"abc']],
    ["CLIENT_SECRET_VALUE=abc clientSecretValue=def API_KEY_PROD=ghi", ["abc", "def", "ghi"]],
    ["Server=x;PWD={a;b};y", ["a;b"]],
    ["value=x production=y draw: z max_tokens_value=3", []],
    ["token=$TOKEN_2 token: <token> token=$TOKEN token=**** token={{ token }}", []],
    ["token=$" + "{TOKEN}", []],
    ["if (token === undefined || token == null) token => token;", []],
    ["<token> and <password>", []],
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

test("the values in a text that another one quotes are found with its escapes", () => {
  const inner = JSON.stringify({ k: "agent:main:x", password: 'a"b', to: "x@example.com" });
  for (const text of [
    inner,
    JSON.stringify({ inner }),
    JSON.stringify({ inner: JSON.stringify({ inner }) }),
    `https://h/?q=${encodeURIComponent(inner)}&x=1`,
    `https://h/?q=${encodeURIComponent(`https://h/?q=${encodeURIComponent(inner)}`)}&x=1`,
    JSON.stringify({ url: `https://h/?q=${encodeURIComponent(inner)}` }),
  ]) {
    expect(foundIn(text).map((found) => found.split(" ")[0])).toEqual([
      "session_key",
      "secret",
      "email",
    ]);
  }
});

/** A text that counts how often one of its bytes is read. */
function counted(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly reads: () => number } {
  let reads = 0;
  const handler: ProxyHandler<Uint8Array> = {
    get(target, name) {
      if (typeof name === "string" && /^[0-9]+$/.test(name)) {
        reads += 1;
        return target[Number(name)];
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  };
  return { bytes: new Proxy(bytes, handler), reads: () => reads };
}

describe("the work of a search", () => {
  const units = [
    "a",
    "a@",
    "a'",
    "a'a@b.co",
    "'/@b.co",
    "a=",
    "agent:",
    "_agent:a ",
    "eyJ",
    "-eyJ",
    "sk-",
    "://",
    "://a:b ",
    "Bearer ",
    '"password":',
    '"password":{',
    '"password":["',
    "'password':{'",
    "password='",
    "password=a,",
    `password=,${"a".repeat(63)}`,
    'Authorization: a="',
    '"name":"password","value":',
    "value:",
    '{"value":"',
    ",value:a,value=a",
    "{value:{",
    ' name="a" a="b" c="d" value="',
    ' value="a" a="b" c="d" name="',
    "--user=",
    "<a name='password'>",
    "'Authorization: ",
    "cookie: a",
    "password='a'b ",
    "password='a'b'c",
    "token='a'b=",
    "--token 'a'b,",
    "token=[",
    "token=[]",
    "token=[x]y",
    "token={x",
    "token==",
    "token==a",
    "token==a)",
    "Authorization: Token 'a",
    "token: Bearer '",
    "token: Bearer 'a' ",
    String.raw`password=a\\n`,
    String.raw`"password=a\\n`,
    "<password>",
    "<password><![CDATA[",
    "<password a='",
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
    "%3",
    "%3A",
    "%25",
    "\\",
    String.raw`\"password\":`,
    String.raw`\u003a`,
    "agent%3A",
    "/agent:a/",
    "a%40",
    "s/",
    "/webhooks/1",
    `${"a".repeat(64)}@${"b".repeat(60)}`,
    `${"a-".repeat(31)}=`,
  ];
  /** Reads for each byte; a byte that is looked at from each other one would be read thousands of times. */
  const most = 200;

  function readsPerByte(text: string): number {
    const { bytes, reads } = counted(Buffer.from(text));
    findValues(bytes, 0, bytes.length, () => {});
    return reads() / bytes.length;
  }

  for (const unit of units) {
    test(`is in proportion to the length of ${JSON.stringify(unit.slice(0, 20))} repeated`, () => {
      expect(readsPerByte(unit.repeat(Math.ceil(12_000 / unit.length)))).toBeLessThan(most);
    });
  }

  test("is in proportion to the length of any of these behind each other", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...units), { minLength: 2, maxLength: 6 }), (parts) => {
        const unit = parts.join("");
        expect(readsPerByte(unit.repeat(Math.ceil(8_000 / unit.length)))).toBeLessThan(most);
      }),
      { numRuns: 100 },
    );
  });
});
