// The wire scanner against protobufjs static code, on the same bytes: both read the fields that the activity
// engine needs of every span. Rounds are interleaved and medians compared, so that the ratio is valid
// on a busy computer. Run: node bench/scanner.bench.ts [--rounds 5]
import { parseArgs } from "node:util";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { checkRequest } from "../src/otlp/check-request.ts";
import { KeySet } from "../src/otlp/keys.ts";
import { otlp } from "../src/otlp/proto/generated.js";
import { attributeTypes, SpanBatch } from "../src/otlp/span-batch.ts";
import { scanSpans } from "../src/otlp/span-scanner.ts";
import { recordSpans } from "../test/otlp/sdk-spans.ts";
import { median, medianRatio } from "./measure.ts";
import { machineFacts, printTable, times } from "./report.ts";

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Number(options.rounds);
const roundMs = 100;
const targetRatio = 12;

const stringKeys = ["gen_ai.operation.name", "gen_ai.tool.name", "openclaw.sessionKey"];
const intKeys = ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"];
const keys = {
  span: new KeySet([
    ...stringKeys,
    ...intKeys,
    "gen_ai.conversation.id",
    "session.id",
    "span.type",
  ]),
  resource: new KeySet(["service.name", "service.instance.id", "host.id", "process.pid"]),
};
const batch = new SpanBatch();

/** Both sides add up the same fields of the spans, so that neither can skip the work. */
function sumByScanner(bytes: Uint8Array): number {
  scanSpans(bytes, keys, batch);
  let sum = 0;
  for (let row = 0; row < batch.count; row++) {
    sum += batch.spanId1.get(row) & 0xff;
    sum += batch.parentId0.get(row) === 0 && batch.parentId1.get(row) === 0 ? 1 : 0;
    sum += (batch.endLo.get(row) - batch.startLo.get(row)) & 0xff;
    sum += batch.statusCode.get(row) + batch.nameEnd.get(row) - batch.nameStart.get(row);
    const to = batch.attributesTo.get(row);
    for (let i = batch.attributesFrom.get(row); i < to; i++) {
      const key = batch.attributeKey.get(i);
      if (batch.attributeType.get(i) === attributeTypes.int) {
        sum += batch.attributeB.get(i);
      } else if (key < stringKeys.length) {
        sum += batch.attributeB.get(i) - batch.attributeA.get(i);
      }
    }
  }
  return sum;
}

function sumByProtobufjs(bytes: Uint8Array): number {
  let sum = 0;
  for (const { scopeSpans } of otlp.ExportTraceServiceRequest.decode(bytes).resourceSpans) {
    for (const { spans } of scopeSpans ?? []) {
      for (const span of spans ?? []) {
        sum += span.spanId?.[7] ?? 0;
        sum += (span.parentSpanId?.length ?? 0) === 0 ? 1 : 0;
        sum += ((span.endTimeUnixNano?.low ?? 0) - (span.startTimeUnixNano?.low ?? 0)) & 0xff;
        sum += (span.status?.code ?? 0) + (span.name?.length ?? 0);
        for (const { key, value } of span.attributes ?? []) {
          if (stringKeys.includes(key ?? "")) {
            sum += value?.stringValue?.length ?? 0;
          } else if (intKeys.includes(key ?? "")) {
            sum += value?.intValue?.low ?? 0;
          }
        }
      }
    }
  }
  return sum;
}

function sumByCheckAndScanner(bytes: Uint8Array): number {
  const checked = checkRequest("traces", bytes);
  return checked.ok ? sumByScanner(checked.bytes) : 0;
}

const contenders = {
  "protobufjs static": sumByProtobufjs,
  scanner: sumByScanner,
  "check + scanner": sumByCheckAndScanner,
} as const;

type Contender = keyof typeof contenders;

/** Spans per second of one round. */
function measure(run: (bytes: Uint8Array) => number, bytes: Uint8Array, spans: number): number {
  const start = performance.now();
  let times = 0;
  let elapsedMs = 0;
  do {
    run(bytes);
    times += 1;
    elapsedMs = performance.now() - start;
  } while (elapsedMs < roundMs);
  return (times * spans * 1000) / elapsedMs;
}

function compare(spans: number) {
  const bytes = new Uint8Array(ProtobufTraceSerializer.serializeRequest(recordSpans(spans)) ?? []);
  const names = Object.keys(contenders) as Contender[];
  const sums = new Set(names.map((name) => contenders[name](bytes)));
  if (sums.size !== 1 || batch.count !== spans) {
    throw new Error(`The readers disagree about the same bytes: ${[...sums].join(", ")}.`);
  }
  const results = new Map<Contender, number[]>(names.map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const name of names) {
      const rate = measure(contenders[name], bytes, spans);
      if (round >= 0) {
        results.get(name)?.push(rate); // the first two rounds warm up
      }
    }
  }
  const of = (name: Contender) => results.get(name) ?? [];
  const rateOf = (name: Contender) => Math.round(median(of(name)) / 1000);
  const ratioOf = (name: Contender) => times(medianRatio(of(name), of("protobufjs static")));
  return {
    "spans/body": spans,
    KiB: Math.round(bytes.length / 1024),
    "protobufjs kspans/s": rateOf("protobufjs static"),
    "scanner kspans/s": rateOf("scanner"),
    ratio: ratioOf("scanner"),
    "check + scanner kspans/s": rateOf("check + scanner"),
    "with check": ratioOf("check + scanner"),
  };
}

console.log(machineFacts());
printTable(
  `Reading spans: the scanner against protobufjs static code, medians of ${rounds} rounds, target ≥ ${targetRatio}×`,
  [1, 50, 512, 8192].map(compare),
);
