/**
 * Measures the CPU time and memory that the relay takes in the gateway's process:
 * `node --expose-gc bench/relay.bench.ts [ROUNDS]`.
 *
 * The collector is a process of its own, so that only the relay is measured. Rounds with and without a relay alternate, and
 * the result is the median, so that a busy machine disturbs both alike.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cpus } from "node:os";
import { parseConfig } from "../src/config.ts";
import { startRelay } from "../src/relay.ts";

const rounds = Number(process.argv[2] ?? 7);
const roundSeconds = 5;
const eventsPerSecond = 1_000;
const warmUpSeconds = 10;

const sink = `
const server = require("node:http").createServer((request, response) => {
  request.resume().on("end", () => response.end());
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
`;

const collector = spawn(process.execPath, ["-e", sink], { stdio: ["pipe", "pipe", "inherit"] });
const [port] = await once(collector.stdout, "data");

const turn = Array.from({ length: 12 }, (_, at) => at);
let seq = 0;

/** The events of one turn: a harness run, a run, and tools and model calls below it, as OpenClaw emits them. */
function* eventsOfTurn(runId: string): Generator<object> {
  const shared = {
    runId,
    sessionKey: `agent:main:explicit:${Number.parseInt(runId, 16) % 500}`,
    sessionId: `session-${Number.parseInt(runId, 16) % 500}`,
    provider: "provider",
    model: "model-1",
    trace: { traceId: runId.repeat(2), spanId: runId },
  };
  const event = (type: string, more: object = {}) => {
    seq += 1;
    return { type, ...shared, seq, ts: Date.now(), ...more };
  };
  yield event("harness.run.started", { harnessId: "openclaw" });
  yield event("run.started");
  for (const at of turn) {
    const model = { callId: `${runId}:model:${at}` };
    const tool = { toolCallId: `call_${runId}_${at}`, toolName: "exec", toolSource: "core" };
    yield event("model.call.started", model);
    yield event("model.call.completed", { ...model, durationMs: 100 });
    yield event("tool.execution.started", tool);
    yield event("tool.execution.completed", { ...tool, durationMs: 50 });
  }
  yield event("run.completed", { outcome: "completed", durationMs: 1_000 });
  yield event("harness.run.completed", { outcome: "completed", durationMs: 1_001 });
}

function* endlessEvents(): Generator<object> {
  for (let run = 1; ; run += 1) {
    yield* eventsOfTurn(run.toString(16).padStart(16, "0"));
  }
}

/** Passes events to `take` at an even rate. Returns the CPU time in seconds. */
async function drive(forSeconds: number, take: (event: object) => void): Promise<number> {
  const source = endlessEvents();
  const before = process.cpuUsage();
  const from = performance.now();
  let given = 0;
  while (performance.now() - from < forSeconds * 1_000) {
    const due = Math.floor(((performance.now() - from) / 1_000) * eventsPerSecond);
    for (; given < due; given += 1) {
      const { value } = source.next();
      take(value);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1e6;
}

const heapMiB = () => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

const nothing = () => {};
await drive(warmUpSeconds, nothing);
const heapBefore = heapMiB();
const relay = startRelay({
  config: parseConfig({ endpoint: `http://127.0.0.1:${String(port).trim()}` }),
  resource: {
    serviceName: "bench",
    hostName: "host",
    processPid: process.pid,
    serviceInstanceId: "1",
  },
  key: randomBytes(32),
  log: { info: nothing, warn: (message) => process.stderr.write(`${message}\n`) },
});
const trusted = { trusted: true };
const toRelay = (event: object) => relay.event(event, trusted);
await drive(warmUpSeconds, toRelay);
const differences: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const aloneS = await drive(roundSeconds, nothing);
  const withRelayS = await drive(roundSeconds, toRelay);
  differences.push(((withRelayS - aloneS) / roundSeconds) * 100);
}
const heapAfter = heapMiB();
await relay.stop();
collector.stdin.end();

differences.sort((a, b) => a - b);
const percent = (value: number | undefined) => `${value?.toFixed(2)} %`;
process.stdout.write(
  `${[
    `${cpus()[0]?.model}, Node ${process.version}, ${eventsPerSecond} events/s, ${rounds} rounds of ${roundSeconds} s`,
    `CPU: ${percent(differences[Math.floor(rounds / 2)])} of one core more than without (${percent(differences[0])} to ${percent(differences.at(-1))})`,
    `heap: ${(heapAfter - heapBefore).toFixed(1)} MiB more than without`,
    `records: ${JSON.stringify(relay.counts())}`,
  ].join("\n")}\n`,
);
