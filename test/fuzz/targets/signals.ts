import { SignalBatch } from "../../../src/activity/model/signal-batch.ts";
import { readRequest } from "../../../src/otlp/read-request.ts";
import { schema } from "../../../src/processors/redaction/config.ts";
import { RedactionProgram } from "../../../src/processors/redaction/redaction-program.ts";
import { RequestRedactor } from "../../../src/processors/redaction/request-redactor.ts";
import { createLogReader, createSpanReader } from "../../activity/recognition/signal-readers.ts";
import { passedPage } from "../../exporters/prometheus/passed-page.ts";
import { strictlyDecoded } from "../../otlp/strict-decoder.ts";
import { type FuzzTarget, fuzzTarget, must } from "../fuzz-target.ts";
import { protobufSeeds, protobufWords, signals } from "../request-seeds.ts";
import { contentWords, eventWords, logRecordSeeds, modelCallSeeds } from "../signal-seeds.ts";

/** A fault is an exception that a reader caught, which is a bug. Readers that are new each time would make most of the time. */
const faults: unknown[] = [];
const onFault = (error: unknown) => faults.push(error);
const spanReader = createSpanReader({ onFault });
const logReader = createLogReader({ onFault });
const batch = new SignalBatch();

function mustHaveNoFault(): void {
  const [fault] = faults.splice(0);
  if (fault !== undefined) {
    throw fault;
  }
}

function seenSignals(): string {
  let seen = `${batch.count}`;
  for (let row = 0; row < Math.min(batch.count, 50); row++) {
    seen += ` ${batch.type.get(row)}`;
  }
  return seen;
}

const spanSignals = fuzzTarget({
  name: "signals-spans",
  parsers: [
    "src/activity/recognition/span-signal-reader.ts",
    "src/activity/recognition/span-attribute-reader.ts",
    "src/activity/recognition/span-classifier.ts",
    "src/activity/recognition/span-dialect-matcher.ts",
    "src/activity/recognition/sender-processes.ts",
    "src/activity/recognition/sender-identity.ts",
    "src/activity/recognition/tool-call-reader.ts",
    "src/activity/recognition/tool-call-parts.ts",
  ],
  executions: 400_000,
  seeds: () => [...protobufSeeds("traces"), ...modelCallSeeds()],
  words: [...protobufWords, ...contentWords],
  parser: spanReader.observer.read.bind(spanReader.observer),
  broken: (bytes: Uint8Array, into: SignalBatch) => {
    const outcome = spanReader.observer.read(bytes, into);
    return outcome.ok && into.count > 1 && bytes.length % 7 === 0
      ? { ok: false as const, message: "" }
      : outcome;
  },
  check(parser, input) {
    const checked = readRequest("traces", "protobuf", input);
    const outcome = parser(checked.ok ? checked.bytes : input, batch);
    mustHaveNoFault();
    must(!checked.ok || outcome.ok, "what was accepted can be read");
    must(batch.count <= 4 * input.length, "signals are in proportion to the bytes");
    must(
      spanReader.observer.consumed.every((row) => row < spanReader.observer.spans.count),
      "consumed rows are rows",
    );
    return `${outcome.ok} ${seenSignals()}`;
  },
});

const logSignals = fuzzTarget({
  name: "signals-logs",
  parsers: [
    "src/activity/recognition/log-signal-reader.ts",
    "src/activity/recognition/activity-record.ts",
    "src/activity/recognition/event-fields.ts",
    "src/activity/recognition/text-finder.ts",
    "src/activity/recognition/promised-interval.ts",
    "src/activity/recognition/dialects/partial-log.ts",
    "src/activity/recognition/dialects/span-bodies.ts",
    "src/activity/recognition/dialects/claim-events.ts",
    "src/activity/recognition/dialects/entity-events.ts",
    "src/activity/recognition/dialects/reported-spans.ts",
  ],
  executions: 400_000,
  seeds: () => [...protobufSeeds("logs"), ...logRecordSeeds()],
  words: [...protobufWords, ...eventWords],
  parser: (bytes: Uint8Array) => {
    logReader.observer.read(bytes, batch);
    return logReader.observer.rest(bytes);
  },
  broken: (bytes: Uint8Array) => {
    logReader.observer.read(bytes, batch);
    return batch.count > 0 ? bytes.subarray(0, bytes.length - 1) : bytes;
  },
  check(parser, input) {
    const checked = readRequest("logs", "protobuf", input);
    const rest = parser(checked.ok ? checked.bytes : input);
    mustHaveNoFault();
    must(batch.count <= 4 * input.length, "signals are in proportion to the bytes");
    if (checked.ok) {
      strictlyDecoded("logs", rest);
    }
    return `${rest.length} ${seenSignals()}`;
  },
});

const program = new RedactionProgram(
  schema.parse({
    allow_all_keys: true,
    blocked_values: ["[0-9]{6,}"],
    hmac_key: "00112233445566778899aabbccddeeff",
    rules: [
      { action: "hash", keys: ["session.id"] },
      { action: "mask", detect: ["email", "session_key"] },
      { action: "delete", key_patterns: ["^secret"] },
    ],
    presets: ["openclaw", "genai_content"],
  }),
  1,
);

function redact(signal: (typeof signals)[number], bytes: Uint8Array): Uint8Array | undefined {
  const counts = new Float64Array(program.counted.length);
  const redactor = new RequestRedactor(
    program,
    { signal, bytes },
    { counts, mustPause: () => false },
  );
  for (const _ of redactor.run()) {
    // It never pauses.
  }
  return redactor.result();
}

/** A log record whose attribute and body have a mail address, and secrets with their names. */
function requestWithAddress(): Uint8Array {
  const value = { stringValue: 'from x@y.example.com: password="a", token=b%2Cc.' };
  const logRecords = [{ body: value, attributes: [{ key: "mail", value }] }];
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
  const checked = readRequest("logs", "json", Buffer.from(body));
  return checked.ok ? checked.bytes : new Uint8Array(0);
}

const redaction = fuzzTarget({
  name: "redaction",
  parsers: [
    "src/processors/redaction/request-redactor.ts",
    "src/processors/redaction/attribute-redactor.ts",
    "src/processors/redaction/key-value-reader.ts",
    "src/processors/redaction/value-redactor.ts",
    "src/processors/redaction/value-text.ts",
    "src/processors/redaction/value-search.ts",
    "src/processors/redaction/value-detectors.ts",
    "src/processors/redaction/decoded-text.ts",
    "src/processors/redaction/named-credentials.ts",
    "src/processors/redaction/value-ends.ts",
    "src/otlp/byte-replacements.ts",
  ],
  executions: 250_000,
  seeds: () => [
    ...signals.flatMap((signal, at) =>
      protobufSeeds(signal).map((seed) => Uint8Array.of(at, ...seed)),
    ),
    Uint8Array.of(2, ...requestWithAddress()),
  ],
  words: [
    ...protobufWords,
    "x@y.example.com",
    "agent:main:telegram:7",
    "secret",
    "Bearer abcdefghijklmnop",
    'password="',
    "%253A",
    "\\u003a",
    "12345678",
  ],
  parser: redact,
  broken: (signal: (typeof signals)[number], bytes: Uint8Array) => {
    const redacted = redact(signal, bytes);
    return redacted !== undefined && redacted !== bytes ? bytes : redacted;
  },
  check(parser, input) {
    const signal = signals[(input[0] ?? 0) % 3]!;
    const checked = readRequest(signal, "protobuf", input.subarray(1));
    const bytes = checked.ok ? checked.bytes : input.subarray(1);
    const redacted = parser(signal, bytes);
    if (redacted === undefined) {
      must(!checked.ok, "what was accepted can be redacted");
      return undefined;
    }
    must(redacted.length <= 8 * bytes.length + 100, "what is redacted is not much longer");
    if (checked.ok) {
      strictlyDecoded(signal, redacted);
      must(
        !Buffer.from(attributeValues(signal, redacted)).includes("x@y.example.com"),
        "no address is left in an attribute",
      );
    }
    return redacted.length;
  },
});

/** The values of attributes, as text. */
function attributeValues(signal: (typeof signals)[number], bytes: Uint8Array): string {
  const values: string[] = [];
  const visit = (value: unknown) => {
    if (Array.isArray(value)) {
      value.forEach(visit);
    } else if (typeof value === "object" && value !== null) {
      for (const [name, each] of Object.entries(value)) {
        if (name === "stringValue") {
          values.push(String(each));
        } else {
          visit(each);
        }
      }
    }
  };
  visit(strictlyDecoded(signal, bytes));
  return values.join("\n");
}

const prometheusPage = fuzzTarget({
  name: "prometheus-passed-metrics",
  parsers: [
    "src/exporters/prometheus/metric-walk.ts",
    "src/exporters/prometheus/point-fields.ts",
    "src/exporters/prometheus/attribute-text.ts",
    "src/exporters/prometheus/passed-metrics.ts",
  ],
  executions: 40_000,
  seeds: () => protobufSeeds("metrics"),
  words: [...protobufWords, "le", "quantile", "__name__", "job", "\n", '"', "\\"],
  parser: async (bytes: Uint8Array) => {
    const { passed } = passedPage();
    await passed.take(bytes);
    return passed.page(new Set());
  },
  broken: async (bytes: Uint8Array) => {
    const { passed } = passedPage();
    await passed.take(bytes);
    return (await passed.page(new Set())).replace(/ (\S+)\n$/, " x\n");
  },
  async check(parser, input) {
    const checked = readRequest("metrics", "protobuf", input);
    const page = await parser(checked.ok ? checked.bytes : input);
    must(page.length <= 2_000 * (input.length + 1), "the page is in proportion to the bytes");
    for (const line of page.split("\n")) {
      must(
        line === "" || line.startsWith("#") || sample.test(line),
        "a line is a comment or a sample",
      );
    }
    return page;
  },
});

const sample =
  /^[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (?:[-+]?(?:[0-9.]+(?:e[-+]?[0-9]+)?|Inf)|NaN)(?: -?[0-9]+)?$/;

export const signalFuzzTargets: readonly FuzzTarget[] = [
  spanSignals,
  logSignals,
  redaction,
  prometheusPage,
];
