// Redacts one long request as the processor does, and prints what it took: a process of its own, whose heap has the limit of the shipped unit.
// Run by bench/redaction.bench.ts: node bench/redaction-side.ts NAME BYTES
import { schema } from "../src/processors/redaction/config.ts";
import { RedactionProgram } from "../src/processors/redaction/redaction-program.ts";
import { RequestRedactor } from "../src/processors/redaction/request-redactor.ts";
import { longRequests } from "./long-requests.ts";

/** What one long request takes. */
export interface LongResult {
  readonly cpuMs: number;
  /** The longest time in which nothing else is served. */
  readonly longestMs: number;
  /** The most memory at once beyond the request. */
  readonly peakMiB: number;
}

const partMs = 20;
const [, , name = "", size = "0"] = process.argv;
const request = longRequests[name]?.(Number(size));
if (request === undefined) {
  throw new Error(`There is no long request ${name}.`);
}
const config = schema.parse({
  allow_all_keys: true,
  hmac_key: "00112233445566778899aabbccddeeff",
  presets: ["openclaw", "genai_content"],
});
const program = new RedactionProgram(config, 1);
const counts = new Float64Array(program.counted.length);
globalThis.gc?.();
const usedBytes = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};
const before = usedBytes();
let peak = before;
let longestMs = 0;
let partStart = performance.now();
const { user } = process.cpuUsage();
const mustPause = () => performance.now() - partStart >= partMs;
const redactor = new RequestRedactor(program, request, { counts, mustPause });
const endPart = () => {
  longestMs = Math.max(longestMs, performance.now() - partStart);
  peak = Math.max(peak, usedBytes());
};
for (const _ of redactor.run()) {
  endPart();
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
  partStart = performance.now();
}
partStart = performance.now();
const redacted = redactor.result();
endPart();
if (redacted === undefined) {
  throw new Error("It cannot decode the request of the benchmark.");
}
const result: LongResult = {
  cpuMs: Math.round((process.cpuUsage().user - user) / 1_000),
  longestMs: Math.round(longestMs),
  peakMiB: Math.round((peak - before) / 2 ** 20),
};
console.log(JSON.stringify(result));
