import { describe, expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import type { Payload, Signal } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { sessionRef } from "../../../src/privacy/session-ref.ts";
import { factory } from "../../../src/processors/redaction/factory.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";
import { encodeModel, type Model, requestType } from "../../otlp/arbitrary-messages.ts";
import { type Decoded, strictlyDecoded } from "../../otlp/strict-decoder.ts";

const key = "00112233445566778899aabbccddeeff";
const all = { allow_all_keys: true } as const;
const openclaw = { ...all, hmac_key: key, presets: ["openclaw"] };
const content = { ...all, presets: ["genai_content"] };

/** What leaves a processor with this section. */
async function afterwards(section: object, payload: Payload) {
  const { settings, ...test } = testSettings("redaction");
  const component = factory.create(settings, section);
  const taken: Payload[] = [];
  const consumer = component.processor!.wrap(payload.signal, {
    consume: async (next) => {
      taken.push(next);
      return accepted;
    },
  });
  await component.start();
  const answer = await consumer.consume(payload);
  await component.shutdown(noDeadline());
  return { ...test, answer, taken, payload: taken[0] };
}

function request(signal: Signal, model: Model): Payload {
  const bytes = Uint8Array.from(encodeModel(requestType(signal), model));
  return { signal, bytes, items: 1, transport: "http" };
}

const ids = { traceId: new Uint8Array(16).fill(7), spanId: new Uint8Array(8).fill(8) };
const attribute = (name: string, value: Model): Model => ({ key: name, value });
const text = (name: string, value: string) => attribute(name, { stringValue: value });
const spans = (span: Model): Payload =>
  request("traces", { resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, ...span }] }] }] });
const logs = (record: Model): Payload =>
  request("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });

/** The attributes of the only span, log record or event, as text. */
function attributesOf(payload: Payload | undefined, ...path: string[]): unknown {
  const decoded = strictlyDecoded(payload!.signal, payload!.bytes);
  const record = path.reduce<unknown>(
    (at, name) => (Array.isArray(at) ? (at[0] as Decoded)[name] : (at as Decoded)[name]),
    decoded,
  );
  const list = (Array.isArray(record) ? record : []) as { key?: string; value?: Decoded }[];
  return Object.fromEntries(
    list.map(({ key: name = "", value = {} }) => [name, Object.values(value)[0]]),
  );
}

const spanPath = ["resourceSpans", "scopeSpans", "spans", "attributes"];
const logPath = ["resourceLogs", "scopeLogs", "logRecords", "attributes"];

describe("the Collector's lists", () => {
  const span = spans({
    attributes: [
      text("id", "1"),
      text("note", "card 4111111111111111, mail a@mycompany.com"),
      text("safe", "4111111111111111"),
      text("api_token", "x"),
      attribute("number", { intValue: 4111111111111111n }),
      text("mail", "a@mycompany.com 4111111111111111"),
    ],
  });
  const visa = "4[0-9]{12}(?:[0-9]{3})?";

  for (const [name, section, want] of [
    ["without allowed keys remove everything", {}, {}],
    [
      "keep allowed keys and mask in their values",
      { allowed_keys: ["id", "note"], blocked_values: [visa] },
      { id: "1", note: "card ****, mail a@mycompany.com" },
    ],
    [
      "leave ignored keys as they are",
      { ignored_keys: ["safe"], ignored_key_patterns: ["^i"], blocked_values: [visa, "1"] },
      { id: "1", safe: "4111111111111111" },
    ],
    [
      "leave allowed values as they are",
      { allowed_keys: ["mail", "note"], allowed_values: ["^.+@mycompany"], blocked_values: [visa] },
      {
        mail: "a@mycompany.com 4111111111111111",
        note: "card 4111111111111111, mail a@mycompany.com",
      },
    ],
    [
      "mask the values of blocked keys, with the masking string",
      { allowed_keys: ["api_token"], blocked_key_patterns: ["token"], masking_string: "[X]" },
      { api_token: "[X]" },
    ],
    [
      "match numbers with redact_all_types",
      { allowed_keys: ["number"], blocked_values: [visa], redact_all_types: true },
      { number: "****" },
    ],
    [
      "mask no empty text",
      { allowed_keys: ["id", "number", "api_token"], blocked_values: ["x*", "9|"] },
      { id: "1", api_token: "****", number: "4111111111111111" },
    ],
    [
      "leave numbers without it",
      { allowed_keys: ["number"], blocked_values: [visa] },
      { number: "4111111111111111" },
    ],
    [
      "hash instead of masking",
      { allowed_keys: ["api_token"], blocked_key_patterns: ["token"], hash_function: "md5" },
      { api_token: "9dd4e461268c8034f5c8564e155c67a6" },
    ],
    [
      "hash with a key",
      {
        allowed_keys: ["api_token"],
        blocked_key_patterns: ["token"],
        hash_function: "hmac-sha256",
        hmac_key: key,
      },
      { api_token: expect.stringMatching(new RegExp(`^${sessionRef(key, "x")}[0-9a-f]{52}$`)) },
    ],
    [
      "add a summary with counts and keys",
      {
        allowed_keys: ["id", "note"],
        ignored_keys: ["safe"],
        blocked_values: [visa],
        summary: "debug",
      },
      {
        id: "1",
        note: "card ****, mail a@mycompany.com",
        safe: "4111111111111111",
        "redaction.redacted.keys": "api_token,mail,number",
        "redaction.redacted.count": "3",
        "redaction.masked.keys": "note",
        "redaction.masked.count": "1",
        "redaction.ignored.count": "1",
      },
    ],
  ] as const) {
    test(name, async () => {
      const { payload } = await afterwards(section, span);
      expect(attributesOf(payload, ...spanPath)).toEqual(want);
    });
  }

  test("of several processors add up the summaries", async () => {
    const section = { ...all, blocked_values: ["a"], summary: "debug" };
    const first = await afterwards(
      section,
      spans({ attributes: [text("x", "a"), text("y", "b")] }),
    );
    const { payload } = await afterwards({ ...section, blocked_values: ["b"] }, first.payload!);
    expect(attributesOf(payload, ...spanPath)).toEqual({
      x: "****",
      y: "****",
      "redaction.masked.keys": "x,y",
      "redaction.masked.count": "2",
    });
  });

  test("apply to the keys and values of a log body", async () => {
    const body = {
      kvlistValue: {
        values: [
          text("id", "4111111111111111"),
          text("other", "x"),
          attribute("list", { arrayValue: { values: [{ intValue: 4111111111111111n }] } }),
        ],
      },
    };
    const section = { allowed_keys: ["id", "list"], blocked_values: [visa], summary: "info" };
    const { payload } = await afterwards(section, logs({ body }));
    const decoded = strictlyDecoded("logs", payload!.bytes);
    expect(JSON.stringify(decoded)).not.toMatch(/4111|other/);
    expect(attributesOf(payload, ...logPath)).toEqual({
      "redaction.body.redacted.count": "1",
      "redaction.body.masked.count": "2",
    });
  });
});

describe("the summary of rules", () => {
  const debug = { ...openclaw, summary: "debug" };
  const ref = sessionRef(key, "agent:main:x");

  test("names keys without what is detected in them", async () => {
    const attributes = [text("a", "x"), text("agent:main:x", "x"), text("user@example.com", "x")];
    const section = { hmac_key: key, allowed_keys: ["a"], presets: ["openclaw"], summary: "debug" };
    const { payload } = await afterwards(section, spans({ attributes }));
    expect(attributesOf(payload, ...spanPath)).toEqual({
      a: "x",
      "redaction.redacted.keys": `****,${ref}`,
      "redaction.redacted.count": "2",
    });
    const changed = spans({ attributes: [text("agent:main:x", "a@example.com")] });
    expect(attributesOf((await afterwards(debug, changed)).payload, ...spanPath)).toEqual({
      [ref]: "****",
      "redaction.masked.keys": ref,
      "redaction.masked.count": "1",
    });
  });

  test("names keys in bodies without what is detected in them", async () => {
    const inner = { kvlistValue: { values: [text("mail", "a@example.com"), text("b", "x")] } };
    const body = { kvlistValue: { values: [attribute("agent:main:x", inner)] } };
    const { payload } = await afterwards(debug, logs({ body }));
    expect(attributesOf(payload, ...logPath)).toEqual({
      "redaction.body.masked.keys": `${ref},${ref}.mail`,
      "redaction.body.masked.count": "2",
    });
  });

  test("of an earlier processor has no more in it than other attributes", async () => {
    const attributes = [
      text("redaction.masked.keys", "agent:main:x,b"),
      attribute("redaction.masked.count", { intValue: 2n }),
    ];
    for (const section of [openclaw, debug]) {
      const { payload } = await afterwards(section, spans({ attributes }));
      expect(attributesOf(payload, ...spanPath)).toEqual({
        "redaction.masked.keys": `${ref},b`,
        "redaction.masked.count": "2",
      });
    }
  });

  for (const [name, rules, body, want] of [
    ["masks in a body", [{ action: "mask", detect: ["email"] }], "mail a@example.com", "masked"],
    ["hashes a body", [{ action: "hash", in: ["log.body"] }], "x", "masked"],
    ["deletes a body", [{ action: "delete", in: ["log.body"] }], "x", "redacted"],
  ] as const) {
    test(`counts what a rule ${name}`, async () => {
      const section = { ...all, hmac_key: key, rules, summary: "debug" };
      const { payload } = await afterwards(section, logs({ body: { stringValue: body } }));
      expect(attributesOf(payload, ...logPath)).toEqual({
        [`redaction.body.${want}.keys`]: "body",
        [`redaction.body.${want}.count`]: "1",
      });
    });
  }

  test("counts a body that a rule and a list change once", async () => {
    const section = {
      ...all,
      rules: [{ action: "mask", detect: ["email"] }],
      blocked_values: ["4711"],
      summary: "info",
    };
    const body = {
      kvlistValue: { values: [text("x", "a@example.com 4711"), text("y", "4711"), text("z", "")] },
    };
    const { payload } = await afterwards(section, logs({ body }));
    expect(attributesOf(payload, ...logPath)).toEqual({ "redaction.body.masked.count": "2" });
  });
});

describe("rules", () => {
  test("are tried in their order, and the first about a whole value decides", async () => {
    const rules = [
      { action: "keep", keys: ["session.id"] },
      { action: "delete", key_patterns: ["^session[.]"] },
      { action: "mask", values: ["s"] },
    ];
    const { payload } = await afterwards(
      { ...all, rules },
      spans({ attributes: [text("session.id", "s1"), text("session.name", "x"), text("z", "s2")] }),
    );
    expect(attributesOf(payload, ...spanPath)).toEqual({ "session.id": "s1", z: "****2" });
  });

  test("apply only in the places that they name", async () => {
    const rules = [{ action: "delete", keys: ["x"], in: ["spanevent", "resource"] }];
    const traces = request("traces", {
      resourceSpans: [
        {
          resource: { attributes: [text("x", "1"), text("y", "1")] },
          scopeSpans: [
            {
              spans: [
                {
                  ...ids,
                  attributes: [text("x", "1")],
                  events: [{ name: "e", attributes: [text("x", "1")] }],
                },
              ],
            },
          ],
        },
      ],
    });
    const { payload } = await afterwards({ ...all, rules }, traces);
    expect(attributesOf(payload, "resourceSpans", "resource", "attributes")).toEqual({ y: "1" });
    expect(attributesOf(payload, ...spanPath)).toEqual({ x: "1" });
    expect(attributesOf(payload, ...spanPath.slice(0, 3), "events", "attributes")).toEqual({});
  });

  test("find keys in maps, and values in arrays and in keys", async () => {
    const rules = [
      { action: "hash", keys: ["user"] },
      { action: "hash", detect: ["session_key"] },
    ];
    const map = { kvlistValue: { values: [text("user", "u"), text("agent:a:b", "agent:a:b")] } };
    const list = { arrayValue: { values: [{ stringValue: "to agent:a:b" }, map] } };
    const { payload } = await afterwards(
      { ...all, hmac_key: key, rules },
      spans({ attributes: [attribute("x", list)] }),
    );
    const leaves = JSON.stringify(strictlyDecoded("traces", payload!.bytes));
    expect(leaves).not.toContain("agent:");
    expect(leaves.split(sessionRef(key, "agent:a:b"))).toHaveLength(4);
    expect(leaves).toContain(sessionRef(key, "u"));
  });

  test("about a text that is longer than 1 MiB take it as a match as a whole", async () => {
    const long = `${"x".repeat(1_048_570)} secret`;
    const rules = [{ action: "mask", values: ["secret"] }];
    const { payload } = await afterwards(
      { ...all, rules },
      spans({ attributes: [text("x", long)] }),
    );
    expect(attributesOf(payload, ...spanPath)).toEqual({ x: "****" });
  });

  test("with too many matches in a text take it as a match as a whole", async () => {
    const rules = [{ action: "mask", values: ["s"] }];
    const many = spans({ attributes: [text("x", "s ".repeat(1_001)), text("y", "s s")] });
    const { payload } = await afterwards({ ...all, rules }, many);
    expect(attributesOf(payload, ...spanPath)).toEqual({ x: "****", y: "**** ****" });
  });

  test("reach names, states, messages and bodies", async () => {
    const rules = [{ action: "mask", values: ["secret"] }];
    const span = spans({
      name: "a secret",
      traceState: "k=secret",
      status: { message: "secret!" },
      links: [{ ...ids, attributes: [text("x", "secret")] }],
    });
    const traces = await afterwards({ ...all, rules }, span);
    expect(Buffer.from(traces.payload!.bytes).toString("latin1")).not.toContain("secret");
    const log = logs({ body: { bytesValue: Buffer.from("a secret") }, eventName: "secret" });
    const records = await afterwards({ ...all, rules }, log);
    expect(Buffer.from(records.payload!.bytes).toString("latin1")).not.toContain("secret");
  });
});

describe("nothing that a rule has matched leaves", () => {
  const map = (name: string, values: Model[]) => attribute(name, { kvlistValue: { values } });
  const secretIn = (name: string, model: Model) => ({
    attributes: [attribute(name, model)],
  });

  for (const [title, section, record, wanted] of [
    [
      "when a later rule keeps the value",
      {
        rules: [
          { action: "mask", values: ["secret"] },
          { action: "keep", values: ["public"] },
          { action: "mask", keys: ["b"] },
        ],
      },
      secretIn("b", { stringValue: "secret public" }),
      ["**** public"],
    ],
    [
      "when a later rule keeps the value from a preset",
      {
        ...openclaw,
        rules: [
          { action: "mask", values: ["secret"] },
          { action: "keep", values: ["^demo-"] },
        ],
      },
      secretIn("session.id", { stringValue: "demo-1 secret" }),
      ["demo-1 ****"],
    ],
    [
      "in a map under a blocked key",
      { blocked_key_patterns: ["token"] },
      { attributes: [map("m", [map("token", [text("v", "secret")])])] },
      ["****"],
    ],
    [
      "in bytes under a blocked key of a map",
      { blocked_key_patterns: ["token"] },
      { attributes: [map("m", [attribute("token", { bytesValue: Buffer.from("secret") })])] },
      ["****"],
    ],
    [
      "in a map under a blocked key of a body",
      { blocked_key_patterns: ["token"] },
      { body: { kvlistValue: { values: [map("token", [text("v", "secret")])] } } },
      ["****"],
    ],
    [
      "in the keys of a map whose values are hashed",
      openclaw,
      {
        attributes: [
          map("openclaw.sessionKey", [text("agent:main:secret", "x"), text("secret@a.org", "y")]),
        ],
      },
      [sessionRef(key, "agent:main:secret"), "****"],
    ],
    [
      "in a map that a later rule keeps",
      {
        rules: [
          { action: "mask", values: ["secret"] },
          { action: "keep", keys: ["kept"] },
        ],
        blocked_values: ["public"],
      },
      { attributes: [map("kept", [text("a", "secret public")])] },
      ["**** public"],
    ],
    [
      "in a map that a later rule keeps, under a key of an earlier one",
      {
        rules: [
          { action: "mask", keys: ["password"] },
          { action: "keep", keys: ["kept"] },
        ],
        blocked_values: ["public"],
      },
      { attributes: [map("kept", [text("password", "secret"), text("a", "public")])] },
      ["****", "public"],
    ],
    [
      "in a map under a key in whose values it looks",
      { rules: [{ action: "mask", keys: ["token"], values: ["secret"] }] },
      { attributes: [map("token", [map("a", [text("v", "a secret")]), text("b", "public")])] },
      ["a ****", "public"],
    ],
    [
      "in a map of a body under a key in whose values it looks",
      { rules: [{ action: "delete", keys: ["token"], values: ["secret"] }] },
      {
        body: {
          kvlistValue: { values: [map("token", [text("v", "a secret"), text("b", "public")])] },
        },
      },
      ["public"],
    ],
  ] as const) {
    test(title, async () => {
      const { payload } = await afterwards({ ...all, ...section }, logs(record as Model));
      const left = Buffer.from(payload!.bytes).toString("latin1");
      expect(left).not.toContain("secret");
      for (const text of wanted) {
        expect(left).toContain(text);
      }
    });
  }
});

describe("more than 10 000 texts in the arrays and maps of a record", () => {
  const many = (count: number, value = "agent:main:secret") => ({
    arrayValue: { values: Array.from({ length: count }, () => ({ stringValue: value })) },
  });
  const leftOf = async (record: Model) => {
    const { payload } = await redactedWith(openclaw, logs(record));
    return { attributes: attributesOf(payload, ...logPath) as Record<string, unknown> };
  };
  const redactedWith = async (section: object, payload: Payload) => {
    const outcome = await afterwards(section, payload);
    expect(Buffer.from(outcome.payload!.bytes).toString("latin1")).not.toContain("secret");
    return { payload: outcome.payload };
  };
  const length = (value: unknown) =>
    (value as { values?: unknown[] } | undefined)?.values?.length ?? value;

  test("are masked or hashed as a whole, and fewer one by one", async () => {
    const attributes = [
      attribute("few", many(4_000)),
      attribute("session.id", many(4_000)),
      attribute("others", many(2_001)),
      attribute("next", { arrayValue: { values: [many(1), many(1)] } }),
      text("text", "agent:main:secret"),
    ];
    const { attributes: left } = await leftOf({ attributes });
    expect(length(left["few"])).toBe(4_000);
    expect(length(left["session.id"])).toBe(4_000);
    expect(left["others"]).toBe("****");
    expect(length(left["next"])).toBe(2);
    expect(left["text"]).toBe(sessionRef(key, "agent:main:secret"));
  });

  test("are hashed as one value where a rule hashes them", async () => {
    const { attributes: left } = await leftOf({
      attributes: [attribute("session.id", many(10_001))],
    });
    expect(left["session.id"]).toMatch(/^[0-9a-f]{12}$/);
  });

  test("count for each record", async () => {
    const record = { attributes: [attribute("few", many(9_000))] };
    const { payload } = await redactedWith(
      openclaw,
      request("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [record, record] }] }] }),
    );
    const { resourceLogs } = otlp.ExportLogsServiceRequest.decode(payload!.bytes);
    const records = resourceLogs[0]!.scopeLogs![0]!.logRecords!;
    expect(records.map(({ attributes }) => length(attributes![0]!.value!.arrayValue))).toEqual([
      9_000, 9_000,
    ]);
  });

  test("in a body are masked as a whole", async () => {
    const { payload } = await redactedWith(openclaw, logs({ body: many(10_001) }));
    const { resourceLogs } = otlp.ExportLogsServiceRequest.decode(payload!.bytes);
    expect(resourceLogs[0]!.scopeLogs![0]!.logRecords![0]!.body!.stringValue).toBe("****");
  });
});

describe("the preset openclaw", () => {
  test("hashes ids as openclaw.session.ref is hashed, masks secrets, and leaves the rest", async () => {
    const sessionKey = "agent:main:telegram:direct:4711";
    const { payload } = await afterwards(
      openclaw,
      spans({
        attributes: [
          text("openclaw.sessionKey", sessionKey),
          text("gen_ai.tool.call.id", "call_1"),
          text("openclaw.messageId", "7"),
          text("error.message", `no reply of ${sessionKey} to alice@example.com`),
          text("http.request.header.authorization", "Bearer abc"),
          text("openclaw.channel", "telegram"),
          text("gen_ai.request.model", "gpt-5.4"),
          attribute("gen_ai.usage.input_tokens", { intValue: 5n }),
          text("openclaw.session.ref", "0123456789ab"),
        ],
      }),
    );
    const ref = sessionRef(key, sessionKey);
    expect(attributesOf(payload, ...spanPath)).toEqual({
      "openclaw.sessionKey": ref,
      "gen_ai.tool.call.id": sessionRef(key, "call_1"),
      "openclaw.messageId": sessionRef(key, "7"),
      "error.message": `no reply of ${ref} to ****`,
      "http.request.header.authorization": "****",
      "openclaw.channel": "telegram",
      "gen_ai.request.model": "gpt-5.4",
      "gen_ai.usage.input_tokens": "5",
      "openclaw.session.ref": "0123456789ab",
    });
  });
});

describe("the preset openclaw masks secrets by their names,", () => {
  for (const name of [
    "OPENCLAW_GATEWAY_TOKEN",
    "openclaw.gateway.token",
    "gateway-token",
    "DISCORD_TOKEN",
    "gatewayToken",
    "APIKey",
    "x-api-key",
    "db.pass",
    "DB_PWD",
    "privateKey",
    "AccountKey",
    "aws_secret_access_key",
    "credentials",
    "http.request.header.proxy-authorization",
    "REDACTION_HMAC_KEY",
    "token",
    "TOKEN_2",
    "access_tokens",
  ]) {
    test(name, async () => {
      const map = { kvlistValue: { values: [text(name, "hunter2")] } };
      const { payload } = await afterwards(
        openclaw,
        spans({ attributes: [text(name, "hunter2"), attribute("env", map)] }),
      );
      expect(Buffer.from(payload!.bytes).toString("latin1")).not.toContain("hunter2");
    });
  }

  for (const [name, value] of [
    ["gen_ai.usage.input_tokens", "5"],
    ["max_tokens", "5"],
    ["max_token", "5"],
    ["token_type", "bearer"],
    ["token.count", "5"],
    ["gen_ai.token.type", "input"],
    ["openclaw.token", "cache_read"],
    ["test.pass", "5"],
    ["cache.key", "x"],
    ["function.signature", "f()"],
    ["author", "x"],
  ] as const) {
    test(`and not ${name}`, async () => {
      const span = spans({ attributes: [text(name, value)] });
      expect((await afterwards(openclaw, span)).payload).toBe(span);
    });
  }
});

describe("the preset openclaw and the name of a tool or a channel:", () => {
  for (const name of ["gen_ai.tool.name", "openclaw.channel", "openclaw.toolName", "tool.name"]) {
    test(`${name} is hashed or masked if it is an id or a secret`, async () => {
      for (const value of [
        "c0ffee00-1111-4222-8333-444455556666",
        "call_kXq8ZpLmN2rT5vWyB7cD9eF1",
        "toolu_01A09xyz1234",
        "11154f1f6d2a4b3c",
        "glpat-abcdefghij0123456789",
        "sk-ant-api03-abcdefghijklmnopqrstuvwxyz",
        "agent:main:telegram:direct:4711",
      ]) {
        const { payload } = await afterwards(openclaw, spans({ attributes: [text(name, value)] }));
        expect(Buffer.from(payload!.bytes).includes(value), value).toBe(false);
      }
    });

    test(`${name} stays otherwise`, async () => {
      for (const value of ["bash", "mcp__github__create_issue", "telegram", "browser.open"]) {
        const span = spans({ attributes: [text(name, value)] });
        expect((await afterwards(openclaw, span)).payload).toBe(span);
      }
    });
  }
});

test("a session key that a URL or JSON escapes has the hash of the session", async () => {
  const sessionKey = "agent:main:telegram:direct:4711";
  for (const written of [
    "/sessions/agent%3Amain%3Atelegram%3Adirect%3A4711/messages",
    "https://h/?k=agent%3amain%3atelegram%3adirect%3a4711&y=1",
    "https://h/?k=agent:main%3Atelegram:direct%3A4711#y",
    "mailto:a?subject=agent%3Amain%3Atelegram%3Adirect%3A4711",
    "?next=%2F%3Fk%3Dagent%253Amain%253Atelegram%253Adirect%253A4711%26y",
    "https://h/?k=agent:main:telegram:direct:4711&y=1",
    String.raw`{"k":"a\nagent\u003amain\u003Atelegram:direct:4711\tb"}`,
    String.raw`{\"k\":\"agent\\u003amain:telegram:direct:4711\"}`,
    "%22agent%253Amain%3Atelegram%3Adirect%3A4711%22",
  ]) {
    const { payload } = await afterwards(openclaw, spans({ attributes: [text("x", written)] }));
    const { x } = attributesOf(payload, ...spanPath) as { x: string };
    expect(x, written).toBe(
      written.replace(/agent(?:%(?:25)?3a|\\+u003a|:)main.*4711/i, sessionRef(key, sessionKey)),
    );
  }
  const whole = spans({ attributes: [text("session.id", sessionKey.replaceAll(":", "%3A"))] });
  const { payload } = await afterwards(openclaw, whole);
  expect(attributesOf(payload, ...spanPath)).toEqual({ "session.id": sessionRef(key, sessionKey) });
});

describe("the preset genai_content", () => {
  test("deletes content and keeps names, counts and ids", async () => {
    const { payload } = await afterwards(
      content,
      spans({
        attributes: [
          text("gen_ai.prompt.0.content", "hi"),
          text("gen_ai.input.messages", "[]"),
          text("input.value", "hi"),
          text("llm.output_messages.0.message.content", "hi"),
          text("ai.toolCall.args", "{}"),
          text("mastra.model_step.output", "hi"),
          text("gen_ai.tool.name", "bash"),
          text("input.mime_type", "text/plain"),
        ],
      }),
    );
    expect(attributesOf(payload, ...spanPath)).toEqual({
      "gen_ai.tool.name": "bash",
      "input.mime_type": "text/plain",
    });
  });

  for (const [name, record] of [
    ["by its field", { eventName: "gen_ai.user.message" }],
    ["by its attribute", { attributes: [text("event.name", "gen_ai.user.message")] }],
  ] as const) {
    test(`deletes the body of a log record that is content ${name}`, async () => {
      const body = { kvlistValue: { values: [text("content", "hi")] } };
      const { payload } = await afterwards(
        content,
        logs({ body, ...structuredClone(record) } as Model),
      );
      expect(Buffer.from(payload!.bytes).toString("latin1")).not.toContain("hi");
    });
  }

  test("leaves the body of another log record", async () => {
    const log = logs({ eventName: "session.start", body: { stringValue: "hi" } });
    expect((await afterwards(content, log)).payload).toBe(log);
  });
});

describe("a request", () => {
  test("in which nothing changes is passed on as it is", async () => {
    const span = spans({ attributes: [text("x", "plain")] });
    const { payload, answer } = await afterwards(openclaw, span);
    expect(payload).toBe(span);
    expect(answer).toEqual(accepted);
  });

  test("that changes keeps everything but its bytes", async () => {
    const span = { ...spans({ attributes: [text("x", "a@example.com")] }), items: 3 };
    const { payload } = await afterwards(openclaw, span);
    expect({ ...payload, bytes: undefined }).toEqual({ ...span, bytes: undefined });
  });

  test("that cannot be decoded is refused for good and not passed on", async () => {
    const broken = { ...spans({}), bytes: Uint8Array.of(10, 5, 10) };
    const { answer, taken } = await afterwards(openclaw, broken);
    expect(answer).toEqual({
      status: "permanent",
      message: "The request cannot be decoded, so it was not redacted and not passed on.",
    });
    expect(taken).toEqual([]);
  });

  test("with a field that is sent twice shows neither of its values", async () => {
    const field = (tag: number, bytes: Uint8Array) => Buffer.from([tag, bytes.length, ...bytes]);
    const value = (word: string) => field(0x12, field(0x0a, Buffer.from(word)));
    const pair = Buffer.concat([
      field(0x0a, Buffer.from("agent:a:hidden")),
      value("hidden-1"),
      field(0x0a, Buffer.from("session.id")),
      value("hidden-2"),
    ]);
    const span = Buffer.concat([
      field(0x0a, ids.traceId),
      field(0x12, ids.spanId),
      field(0x4a, pair),
    ]);
    const bytes = field(0x0a, field(0x12, field(0x12, span)));
    const { payload } = await afterwards(openclaw, { signal: "traces", bytes, items: 1 });
    expect(Buffer.from(payload!.bytes).toString("latin1")).not.toContain("hidden");
    expect(attributesOf(payload, ...spanPath)).toEqual({
      "session.id": sessionRef(key, "hidden-2"),
    });
  });

  test("with 200 000 attributes takes time in proportion", async () => {
    const payloadOf = (count: number) =>
      spans({ attributes: Array.from({ length: count }, (_, i) => text(`k${i}.id`, "a@b.co")) });
    const timeOf = async (made: Payload) => {
      const from = performance.now();
      await afterwards(openclaw, made);
      return performance.now() - from;
    };
    const [small, large] = [payloadOf(20_000), payloadOf(200_000)];
    const least = Math.min(await timeOf(small), await timeOf(small), await timeOf(small));
    expect(await timeOf(large)).toBeLessThan(60 * least);
    const { payload } = await afterwards(openclaw, large);
    expect(Buffer.from(payload!.bytes).includes("a@b.co")).toBe(false);
  }, 120_000);
});

test("every change is counted by its rule, and no log line has a key or a value", async () => {
  const { settings, ...made } = testSettings("redaction");
  const component = factory.create(settings, {
    ...openclaw,
    rules: [{ name: "mine", action: "delete", keys: ["canary"] }],
  });
  const consumer = component.processor!.wrap("traces", { consume: async () => accepted });
  await component.start();
  await consumer.consume(
    spans({ attributes: [text("canary", "canary"), text("session.id", "canary")] }),
  );
  const page = await made.ownMetrics();
  const countOf = (rule: string) =>
    page
      .split("\n")
      .find((line) => line.includes(`rule="${rule}"`))
      ?.split(" ")
      .at(-1);
  expect(["mine", "openclaw/ids", "openclaw/emails"].map(countOf)).toEqual(["1", "1", "0"]);
  expect(page + JSON.stringify(made.log)).not.toContain("canary");
  await component.shutdown(noDeadline());
});

test("after the shutdown senders are asked to retry", async () => {
  const { settings } = testSettings("redaction");
  const component = factory.create(settings, all);
  const consumer = component.processor!.wrap("traces", { consume: async () => accepted });
  await component.shutdown(noDeadline());
  expect(await consumer.consume(spans({}))).toMatchObject({ status: "retryable" });
});

test("protobufjs, which merges what is sent twice, reads what leaves", async () => {
  const { payload } = await afterwards(openclaw, spans({ attributes: [text("session.id", "s")] }));
  const [span] = otlp.ExportTraceServiceRequest.decode(payload!.bytes).resourceSpans.flatMap(
    ({ scopeSpans = [] }) => (scopeSpans ?? []).flatMap(({ spans: list }) => list ?? []),
  );
  expect(span?.attributes?.[0]?.value?.stringValue).toBe(sessionRef(key, "s"));
});
