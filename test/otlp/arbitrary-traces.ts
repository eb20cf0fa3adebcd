import { KeySet } from "../../src/otlp/keys.ts";
import fc from "../support/fast-check.ts";
import { field, padding, shuffled, varint, varintValue } from "./sloppy-wire.ts";

/** The keys the tests ask for; `arbitraryRequest` uses them and others. */
export const keys = {
  span: new KeySet(["openclaw.runId", "a", "gen_ai.tool.name", "", "ключ"]),
  resource: new KeySet(["service.name", "host.id"]),
};

const keyNames = [...keys.span.names, ...keys.resource.names, "b", "openclaw.runIx", "other.key"];

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
const bytesOf = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 0, max: 255 }), { minLength: length, maxLength: length });

/** A field of a message, sent under a padded tag with a padded length. */
function sent(
  number: number,
  wireType: number,
  content: fc.Arbitrary<number[]>,
): fc.Arbitrary<number[]> {
  return fc.tuple(content, padding).map(([value, pad]) => field(number, wireType, value, pad));
}

/** Not sent, sent once or, rarely, several times: the last one holds, messages are merged. */
function maybe(one: fc.Arbitrary<number[]>): fc.Arbitrary<number[]> {
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant<number[]>([]) },
    { weight: 6, arbitrary: one },
    {
      weight: 1,
      arbitrary: fc.array(one, { minLength: 2, maxLength: 3 }).map((many) => many.flat()),
    },
  );
}

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.string({ minLength: 120, maxLength: 200 }),
);

const anyValue: fc.Arbitrary<number[]> = fc.letrec<{ value: number[] }>((tie) => ({
  value: shuffled([
    maybe(
      fc.oneof(
        { depthSize: "small" },
        sent(1, 2, text.map(utf8)),
        sent(2, 0, varintValue),
        sent(3, 0, varintValue),
        sent(4, 1, bytesOf(8)),
        sent(7, 2, fc.array(fc.nat(255), { maxLength: 6 })),
        sent(5, 2, sent(1, 2, tie("value"))),
        sent(
          6,
          2,
          sent(
            1,
            2,
            fc.tuple(sent(1, 2, text.map(utf8)), sent(2, 2, tie("value"))).map((f) => f.flat()),
          ),
        ),
        sent(1, 0, varintValue), // a known number of a wrong wire type is an unknown field
      ),
    ),
  ]),
})).value;

const keyValue = shuffled([
  maybe(sent(1, 2, fc.constantFrom(...keyNames).map(utf8))),
  maybe(sent(2, 2, anyValue)),
]);

const attributes = (number: number): fc.Arbitrary<number[]> =>
  fc.array(sent(number, 2, keyValue), { maxLength: 4 }).map((all) => all.flat());

/** Mostly of the right length, now and then all zero or of another one. */
function id(length: number): fc.Arbitrary<number[]> {
  return fc.oneof(
    { weight: 30, arbitrary: bytesOf(length) },
    { weight: 1, arbitrary: fc.constant(new Array<number>(length).fill(0)) },
    { weight: 1, arbitrary: fc.array(fc.nat(255), { maxLength: 20 }) },
  );
}

const status = shuffled([
  maybe(sent(2, 2, text.map(utf8))),
  maybe(
    sent(
      3,
      0,
      fc.oneof(
        fc.nat(2).map((code) => varint(code)),
        varintValue,
      ),
    ),
  ),
]);

const time = fc.oneof(bytesOf(8), fc.constant(new Array<number>(8).fill(0)));

const event = fc
  .tuple(sent(1, 1, bytesOf(8)), sent(2, 2, text.map(utf8)), attributes(3))
  .map((all) => all.flat());

const span = shuffled([
  fc.oneof(
    { weight: 12, arbitrary: sent(1, 2, id(16)) },
    { weight: 1, arbitrary: maybe(sent(1, 2, id(16))) },
  ),
  fc.oneof(
    { weight: 12, arbitrary: sent(2, 2, id(8)) },
    { weight: 1, arbitrary: maybe(sent(2, 2, id(8))) },
  ),
  maybe(sent(3, 2, text.map(utf8))),
  maybe(sent(4, 2, id(8))),
  maybe(sent(5, 2, text.map(utf8))),
  maybe(sent(6, 0, varintValue)),
  maybe(sent(7, 1, time)),
  maybe(sent(8, 1, time)),
  attributes(9),
  attributes(9),
  maybe(sent(10, 0, varintValue)),
  maybe(sent(11, 2, event)),
  maybe(sent(15, 2, status)),
  maybe(sent(16, 5, bytesOf(4))),
  fc.constantFrom([], field(7, 0, [1]), field(1, 1, [1, 2, 3, 4, 5, 6, 7, 8]), field(15, 0, [3])),
]);

const scope = shuffled([maybe(sent(1, 2, text.map(utf8))), attributes(3)]);

const scopeSpans = shuffled([
  maybe(sent(1, 2, scope)),
  fc.array(sent(2, 2, span), { maxLength: 4 }).map((all) => all.flat()),
  fc.array(sent(2, 2, span), { maxLength: 2 }).map((all) => all.flat()),
  maybe(sent(3, 2, text.map(utf8))),
]);

const resource = shuffled([attributes(1), maybe(sent(2, 0, varintValue))]);

const resourceSpans = shuffled([
  maybe(sent(1, 2, resource)),
  fc.array(sent(2, 2, scopeSpans), { maxLength: 3 }).map((all) => all.flat()),
  maybe(sent(3, 2, text.map(utf8))),
]);

/**
 * Bytes of a well-formed ExportTraceServiceRequest as a sender could write it that does everything
 * protobuf allows. Some ids are wrong.
 */
export const arbitraryRequest: fc.Arbitrary<Uint8Array> = shuffled([
  fc.array(sent(1, 2, resourceSpans), { maxLength: 3 }).map((all) => all.flat()),
]).map((bytes) => Uint8Array.from(bytes));
