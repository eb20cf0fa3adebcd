import { jsonText } from "../../../src/otlp/exact-json.ts";
import { readJson } from "../../../src/otlp/json-reader.ts";
import { jsonOfRequest } from "../../../src/otlp/json-text.ts";
import { KeySet } from "../../../src/otlp/keys.ts";
import { readRequest } from "../../../src/otlp/read-request.ts";
import { RecordCursor } from "../../../src/otlp/record-cursor.ts";
import { parseRequest } from "../../../src/otlp/request-text.ts";
import { firstServiceName } from "../../../src/otlp/service-name.ts";
import { SpanBatch } from "../../../src/otlp/span-batch.ts";
import { scanSpans } from "../../../src/otlp/span-scanner.ts";
import { withoutFields } from "../../../src/otlp/splice.ts";
import { strictlyDecoded } from "../../otlp/strict-decoder.ts";
import { type FuzzTarget, fuzzTarget, must, utf8 } from "../fuzz-target.ts";
import { jsonSeeds, jsonWords, protobufSeeds, protobufWords, signals } from "../request-seeds.ts";

const wireParsers = [
  "src/otlp/check-request.ts",
  "src/otlp/message-checker.ts",
  "src/otlp/wire-reader.ts",
  "src/otlp/envelope-reader.ts",
  "src/otlp/text-check.ts",
  "src/otlp/byte-edits.ts",
  "src/otlp/data-points.ts",
  "src/otlp/other-signal.ts",
  "src/otlp/read-request.ts",
];
const jsonParsers = [
  "src/otlp/json.ts",
  "src/otlp/json-scan.ts",
  "src/otlp/json-scalars.ts",
  "src/otlp/json-conversion.ts",
  "src/otlp/request-text.ts",
  "src/otlp/exact-json.ts",
  "src/otlp/exact-integer.ts",
];

/** The checks of a request in either encoding. What is accepted is valid for a decoder that is strict, and accepted again as it is. */
const requestTargets = signals.flatMap((signal) =>
  (["protobuf", "json"] as const).map((encoding) =>
    fuzzTarget({
      name: `otlp-${encoding}-${signal}`,
      parsers: encoding === "json" ? jsonParsers : wireParsers,
      executions: encoding === "json" ? 300_000 : 400_000,
      seeds: () => (encoding === "json" ? jsonSeeds(signal) : protobufSeeds(signal)),
      words: encoding === "json" ? jsonWords : protobufWords,
      parser: readRequest,
      broken: (...[, , body]: Parameters<typeof readRequest>) => {
        const checked = readRequest(signal, encoding, body);
        // Repairs and removals are lost.
        return checked.ok && checked.bytes !== body && encoding === "protobuf"
          ? { ...checked, bytes: body }
          : checked.ok && checked.items > 0 && checked.bytes.length % 5 === 0
            ? { ...checked, items: checked.items + 1 }
            : checked;
      },
      check(parser, input) {
        const checked = parser(signal, encoding, input);
        if (!checked.ok) {
          must(checked.message.length < 1_000, "a refusal is short");
          return checked.message;
        }
        const { bytes, items, rejected } = checked;
        must(bytes.length <= 4 * input.length + 64, "what is accepted is not much longer");
        strictlyDecoded(signal, bytes);
        const again = readRequest(signal, "protobuf", bytes);
        must(again.ok && again.rejected === 0, "what is accepted is accepted again");
        must(again.ok && again.items === items, "its items are counted");
        must(again.ok && again.repairedBy === undefined, "nothing is left to repair");
        return `${items} ${rejected} ${bytes.length}`;
      },
    }),
  ),
);

const jsonReader = fuzzTarget({
  name: "otlp-json-reader",
  parsers: ["src/otlp/json-reader.ts"],
  executions: 400_000,
  seeds: () => jsonSeeds("logs").slice(0, 20),
  words: jsonWords,
  parser: readJson,
  broken: (text: string) =>
    text.length % 7 === 0 ? { ok: false as const, at: 0 } : readJson(text),
  check(parser, input) {
    const text = utf8(input);
    const reading = parser(text);
    const parsed = parsedJson(text);
    if (parsed !== undefined) {
      must(reading.ok, "what JSON.parse reads is read");
    }
    if (reading.ok && /^[ \t\n\r]*$/.test(text.slice(reading.end))) {
      must(parsed !== undefined, "what is read is JSON");
    }
    must(!reading.ok || reading.end <= text.length, "nothing is read behind the end");
    return reading.ok ? reading.end : reading.at;
  },
});

function parsedJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** A line of a file, which may have several signals. */
const jsonLines = fuzzTarget({
  name: "otlp-json-lines",
  parsers: ["src/otlp/request-text.ts", "src/otlp/exact-json.ts"],
  executions: 100_000,
  seeds: () => signals.flatMap((signal) => jsonSeeds(signal).slice(0, 8)),
  words: jsonWords,
  parser: parseRequest,
  broken: (text, options) => {
    const parsed = parseRequest(text, options);
    return parsed.ok || "problem" in parsed ? parsed : { ok: true, value: {} };
  },
  check(parser, input) {
    const parsed = parser(jsonText(input), { whole: true });
    if (!parsed.ok) {
      const message = "problem" in parsed ? parsed.message : (parsed.position ?? "");
      must(message.length < 500, "a problem is reported in few words");
      return message;
    }
    must(parsedJson(new TextDecoder().decode(input)) !== undefined, "a whole line is JSON");
    return true;
  },
});

const jsonOfRequests = fuzzTarget({
  name: "otlp-json-text",
  parsers: ["src/otlp/json-text.ts"],
  executions: 200_000,
  seeds: () => protobufSeeds("metrics"),
  words: protobufWords,
  parser: jsonOfRequest,
  broken: (signal, bytes) => {
    const { text, incomplete } = jsonOfRequest(signal, bytes);
    return { text: incomplete > 1 ? text.slice(1) : text, incomplete };
  },
  check(parser, input) {
    let seen = "";
    for (const signal of signals) {
      const { text, incomplete } = parser(signal, input);
      JSON.parse(text);
      must(text.length <= 40 * input.length + 100, "the text is in proportion to the bytes");
      seen += `${text.length} ${incomplete} `;
    }
    return seen;
  },
});

/** Records are cut out of what was accepted; which ones, the first byte says. */
const splices = fuzzTarget({
  name: "otlp-splice",
  parsers: ["src/otlp/splice.ts", "src/otlp/record-cursor.ts"],
  executions: 200_000,
  seeds: () =>
    signals.flatMap((_, at) =>
      protobufSeeds(signals[at]!).map((seed) =>
        Buffer.concat([[at + 12], seed].map((each) => Uint8Array.from(each))),
      ),
    ),
  words: protobufWords,
  parser: withoutFields,
  broken: (bytes: Uint8Array, starts: readonly number[]) =>
    withoutFields(bytes, starts.slice(0, 2)),
  check(parser, input) {
    const [choice = 0] = input;
    const signal = signals[choice % 3]!;
    const checked = readRequest(signal, "protobuf", input.subarray(1));
    if (!checked.ok) {
      return false;
    }
    const cursor = new RecordCursor(checked.bytes);
    const starts: number[] = [];
    let records = 0;
    while (cursor.next()) {
      records += 1;
      must(cursor.end <= checked.bytes.length, "a record ends within the bytes");
      must(
        cursor.resource().length + cursor.scope().length <= 2 * checked.bytes.length,
        "envelopes are parts",
      );
      if (((choice >> 2) >> (records % 6)) % 2 === 1) {
        starts.push(cursor.fieldStart);
      }
    }
    const rest = parser(checked.bytes, starts);
    strictlyDecoded(signal, rest);
    const left = new RecordCursor(rest);
    let kept = 0;
    while (left.next()) {
      kept += 1;
    }
    must(kept === records - starts.length, "exactly the others are left");
    return `${kept} ${rest.length}`;
  },
});

const spanScanner = fuzzTarget({
  name: "otlp-span-scanner",
  parsers: ["src/otlp/span-scanner.ts", "src/otlp/span-reader.ts", "src/otlp/attribute-reader.ts"],
  executions: 300_000,
  seeds: () => protobufSeeds("traces"),
  words: protobufWords,
  parser: scanSpans,
  broken: (bytes: Uint8Array, keys: Parameters<typeof scanSpans>[1], batch: SpanBatch) => {
    const outcome = scanSpans(bytes, keys, batch);
    return bytes.length > 3 && bytes.length < 40 && outcome.ok
      ? { ok: false as const, message: "" }
      : outcome;
  },
  check(parser, input) {
    const scanned = parser(input, scanKeys, spans);
    const count = scanned.ok ? spans.count + spans.malformedCount : 0;
    must(count <= input.length, "a span has bytes");
    const checked = readRequest("traces", "protobuf", input);
    if (checked.ok && checked.bytes === input) {
      must(scanned.ok, "a valid request can be scanned");
      must(count === checked.items && spans.malformedCount === 0, "all its spans are found");
    }
    return `${scanned.ok} ${count}`;
  },
});
const spans = new SpanBatch();
const scanKeys = {
  span: new KeySet(["session.id", "gen_ai.tool.name"]),
  resource: new KeySet(["service.name", "host.name"]),
};

const serviceNames = fuzzTarget({
  name: "otlp-service-name",
  parsers: ["src/otlp/service-name.ts"],
  executions: 400_000,
  seeds: () => protobufSeeds("logs"),
  words: protobufWords,
  parser: firstServiceName,
  broken: (bytes: Uint8Array) => {
    const found = firstServiceName(bytes);
    return found.length > 3 ? bytes.slice() : found;
  },
  check(parser, input) {
    const name = parser(input);
    must(name.length === 0 || name.buffer === input.buffer, "the name is a part of the request");
    must(name.byteOffset + name.length <= input.byteOffset + input.length, "it ends within");
    return name.length;
  },
});

export const requestFuzzTargets: readonly FuzzTarget[] = [
  ...requestTargets,
  jsonReader,
  jsonLines,
  jsonOfRequests,
  splices,
  spanScanner,
  serviceNames,
];
