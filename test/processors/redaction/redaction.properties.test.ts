import type protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import type { Signal } from "../../../src/otlp/payload.ts";
import { type Config, schema } from "../../../src/processors/redaction/config.ts";
import { RedactionProgram } from "../../../src/processors/redaction/redaction-program.ts";
import { RequestRedactor } from "../../../src/processors/redaction/request-redactor.ts";
import {
  arbitraryMessage,
  encodeModel,
  type Model,
  requestType,
  type Value,
} from "../../otlp/arbitrary-messages.ts";
import { damaged } from "../../otlp/sloppy-wire.ts";
import { type Decoded, strictlyDecoded } from "../../otlp/strict-decoder.ts";
import fc from "../../support/fast-check.ts";
import { naivelyRedacted } from "./naive-redaction.ts";

const signals = ["traces", "metrics", "logs"] as const;
const hmacKey = "00112233445566778899aabbccddeeff";

const keyPool = ["session.id", "a", "b.c", "gen_ai.prompt", "", "ключ", "agent:main:x", "token"];
const textPool = [
  "",
  "plain",
  "agent:main:telegram:7",
  "see agent:a:b, and mail x@y.example.com.",
  "x@y.example.com",
  "bb abc agent:bb:b",
  "42",
  "😀 abc 😀",
  "agent:main:x@y.example.com:z",
  "https://h/?k=agent%3Amain%3Ax&y=1#z",
  "/s/agent:main:x/messages?u=x%40y.example.com",
  "?n=%2F%3Fk%3Dagent%253Amain%253Ax%26u=x%2540y.example.com",
];

/** The message with keys and texts from the pools, so that rules match. */
function withPools(type: protobuf.Type, model: Model, next: () => number): Model {
  const pick = (pool: readonly string[]) => pool[next() % pool.length] ?? "";
  const of = (field: protobuf.Field, value: Value): Value => {
    if (Array.isArray(value)) {
      return value.map((each) => of(field, each));
    }
    if (typeof value === "string") {
      return pick(field.name === "key" ? keyPool : textPool);
    }
    if (field.name === "bytesValue") {
      return new TextEncoder().encode(pick(textPool));
    }
    const inner = field.resolvedType;
    return inner !== null && "fields" in inner && typeof value === "object"
      ? withPools(inner as protobuf.Type, value as Model, next)
      : value;
  };
  return Object.fromEntries(
    Object.entries(model).map(([name, value]) => [name, of(type.fields[name]!, value)]),
  );
}

const requests = fc.constantFrom(...signals).chain((signal) => {
  const type = requestType(signal);
  return fc
    .tuple(arbitraryMessage(type), fc.array(fc.nat(997), { minLength: 7, maxLength: 7 }))
    .map(([model, picks]) => {
      let at = 0;
      const next = () => (picks[at % picks.length] ?? 0) + 31 * at++;
      return { signal, bytes: Uint8Array.from(encodeModel(type, withPools(type, model, next))) };
    });
});

const places = ["span", "resource", "log.body", "log", "datapoint", "span.name", "spanevent"];
const rules = fc.record(
  {
    action: fc.constantFrom("hash", "delete", "keep", "mask"),
    keys: fc.subarray(keyPool.filter((key) => key !== "")),
    key_patterns: fc.subarray(["^a", "id$", "к"]),
    values: fc.subarray(["b+", "[0-9]+", "agent:"]),
    detect: fc.subarray(["session_key", "email"]),
    in: fc.subarray(places, { minLength: 1 }),
  },
  { requiredKeys: ["action", "keys"] },
);

const configs = fc
  .record({
    allow_all_keys: fc.constantFrom(true, true, false),
    allowed_keys: fc.subarray(keyPool.filter((key) => key !== "")),
    ignored_keys: fc.subarray(["b.c"]),
    blocked_key_patterns: fc.subarray(["oken"]),
    blocked_values: fc.subarray(["a[bg]", "4", '^"?p', "b*"]),
    allowed_values: fc.oneof(fc.constant([]), fc.subarray(["^42", "plain", "^$", "main"])),
    redact_all_types: fc.boolean(),
    rules: fc.array(rules, { maxLength: 4 }),
    masking_string: fc.constantFrom("", "#"),
  })
  .map((section) => schema.safeParse({ ...section, hmac_key: hmacKey }))
  .filter(({ success }) => success)
  .map(({ data }) => data as Config);

function redact(config: Config, signal: Signal, bytes: Uint8Array): Uint8Array | undefined {
  const program = new RedactionProgram(config, 7);
  const counts = new Float64Array(program.counted.length);
  const redactor = new RequestRedactor(
    program,
    { signal, bytes },
    { counts, mustPause: () => false },
  );
  for (const _ of redactor.run()) {
    throw new Error("It paused, though it never must.");
  }
  return redactor.result();
}

function unlessRefused(signal: Signal, bytes: Uint8Array): Decoded | undefined {
  try {
    return strictlyDecoded(signal, bytes);
  } catch {
    return undefined;
  }
}

/** Without lists that lost all items and fields that are there more than once in the wire format. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

describe("whatever the rules and the request", () => {
  test("the result is that of the naive redaction of the decoded request", () => {
    let changed = 0;
    fc.assert(
      fc.property(configs, requests, (config, { signal, bytes }) => {
        const before = strictlyDecoded(signal, bytes);
        const redacted = redact(config, signal, bytes);
        expect(redacted).toBeDefined();
        changed += redacted === bytes ? 0 : 1;
        const after = strictlyDecoded(signal, redacted!);
        expect(plain(after)).toEqual(plain(naivelyRedacted(config, signal, before)));
      }),
      { numRuns: 400 },
    );
    expect(changed).toBeGreaterThan(80);
  }, 120_000);

  test("a damaged request is refused, or its result can be decoded as strictly as before", () => {
    let decodable = 0;
    fc.assert(
      fc.property(
        configs,
        requests.chain(({ signal, bytes }) =>
          damaged(fc.constant(bytes)).map((copies) => ({ signal, copies })),
        ),
        (config, { signal, copies }) => {
          for (const bytes of copies) {
            const before = unlessRefused(signal, bytes);
            const redacted = redact(config, signal, bytes);
            if (before !== undefined && redacted !== undefined) {
              decodable += 1;
              expect(() => strictlyDecoded(signal, redacted)).not.toThrow();
            }
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(decodable).toBeGreaterThan(20);
  }, 120_000);

  test("what nothing matches stays the same array of bytes", () => {
    const config = schema.parse({ allow_all_keys: true, blocked_values: ["never there"] });
    fc.assert(
      fc.property(requests, ({ signal, bytes }) => {
        expect(redact(config, signal, bytes)).toBe(bytes);
      }),
      { numRuns: 200 },
    );
  });
});
