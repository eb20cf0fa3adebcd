// The redaction processor against passing the same payload on: CPU time per span with each preset, on spans of a gateway and on spans in which
// every value matches. Rounds are interleaved and medians compared. Then requests that are built to take long, each in a process with the heap limit of the
// shipped unit. Run: node bench/redaction.bench.ts [--rounds 5]
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { checkRequest } from "../src/otlp/check-request.ts";
import { type Config, schema } from "../src/processors/redaction/config.ts";
import { RedactionProgram } from "../src/processors/redaction/redaction-program.ts";
import { RequestRedactor } from "../src/processors/redaction/request-redactor.ts";
import { recordSpans } from "../test/otlp/sdk-spans.ts";
import { agentSpan, tracesRequest } from "../test/support/agent-spans.ts";
import { longRequests } from "./long-requests.ts";
import { median, medianRatio } from "./measure.ts";
import type { LongResult } from "./redaction-side.ts";
import { machineFacts, printTable, times } from "./report.ts";

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Number(options.rounds);
const roundMs = 200;
const spans = 512;
const key = "00112233445566778899aabbccddeeff";

const sections: Readonly<Record<string, object>> = {
  openclaw: { allow_all_keys: true, hmac_key: key, presets: ["openclaw"] },
  genai_content: { allow_all_keys: true, presets: ["genai_content"] },
  "both presets": { allow_all_keys: true, hmac_key: key, presets: ["openclaw", "genai_content"] },
  "a pattern of the config": { allow_all_keys: true, blocked_values: ["4[0-9]{12}(?:[0-9]{3})?"] },
};

const plain = new Uint8Array(ProtobufTraceSerializer.serializeRequest(recordSpans(spans)) ?? []);
const matching = tracesRequest(
  "gateway",
  Array.from({ length: spans }, (_, index) => ({
    span: agentSpan("openclaw.tool.execution", {
      "openclaw.sessionKey": `agent:main:telegram:direct:${index % 50}`,
      "gen_ai.tool.call.id": `call_${index}`,
      "error.message": `no answer to agent:main:main and alice@example.com (${index})`,
      "gen_ai.tool.call.arguments": JSON.stringify({
        path: `/srv/${index}`,
        text: "x".repeat(200),
      }),
      "openclaw.channel": "telegram",
      "gen_ai.tool.name": "bash",
    }),
    endUnixMs: 1_800_000_000_000,
  })),
);

/** What every request costs on its way in any case. */
const pass = (bytes: Uint8Array) => {
  if (!checkRequest("traces", bytes).ok) {
    throw new Error("The receiver refuses the request of the benchmark.");
  }
};

function redaction(config: Config): (bytes: Uint8Array) => void {
  const program = new RedactionProgram(config, 1);
  const counts = new Float64Array(program.counted.length);
  return (bytes) => {
    pass(bytes);
    const request = { signal: "traces", bytes } as const;
    const redactor = new RequestRedactor(program, request, { counts, mustPause: () => false });
    for (const _ of redactor.run()) {
      throw new Error("It paused, though it never must.");
    }
    if (redactor.result() === undefined) {
      throw new Error("It cannot decode the request of the benchmark.");
    }
  };
}

/** CPU microseconds per span of one round. */
function measure(run: (bytes: Uint8Array) => void, bytes: Uint8Array): number {
  const start = performance.now();
  const { user } = process.cpuUsage();
  let count = 0;
  do {
    run(bytes);
    count += 1;
  } while (performance.now() - start < roundMs);
  return (process.cpuUsage().user - user) / (count * spans);
}

function compare(name: string, bytes: Uint8Array) {
  const contenders = {
    pass,
    ...Object.fromEntries(
      Object.entries(sections).map(([section, config]) => [
        section,
        redaction(schema.parse(config)),
      ]),
    ),
  };
  const results = new Map<string, number[]>(Object.keys(contenders).map((each) => [each, []]));
  for (let round = -2; round < rounds; round++) {
    for (const [contender, run] of Object.entries(contenders)) {
      const us = measure(run, bytes);
      if (round >= 0) {
        results.get(contender)?.push(us); // the first two rounds warm up
      }
    }
  }
  const of = (contender: string) => results.get(contender) ?? [];
  return Object.keys(contenders).map((contender) => ({
    spans: name,
    "B/span": Math.round(bytes.length / spans),
    with: contender,
    "µs/span": median(of(contender)).toFixed(2),
    ratio: times(medianRatio(of(contender), of("pass"))),
  }));
}

console.log(machineFacts());
printTable(`Redaction against checking a request and passing it on, medians of ${rounds} rounds`, [
  ...compare("of an SDK", plain),
  ...compare("all matching", matching),
]);

const longBytes = 20 * 1024 * 1024 - 1_024;
const unit = readFileSync(
  new URL("../deploy/systemd/openclaw-activity-collector.service", import.meta.url),
  "utf8",
);
const heapLimits = /NODE_OPTIONS=([^"]*)"/.exec(unit)?.[1]?.split(" ") ?? [];
const side = fileURLToPath(new URL("./redaction-side.ts", import.meta.url));
printTable(
  `Requests of 20 MiB with one record, with ${heapLimits.join(" ")}`,
  Object.keys(longRequests).map((name) => {
    const args = [...heapLimits, "--expose-gc", side, name, String(longBytes)];
    const result = execFileSync(process.execPath, args, { encoding: "utf8" });
    const { cpuMs, longestMs, peakMiB }: LongResult = JSON.parse(result);
    return {
      "very many": name,
      "CPU ms": cpuMs,
      "longest part, ms": longestMs,
      "memory, MiB": peakMiB,
    };
  }),
);
