// The cost of heartbeats for an application: one request from a thread of its own, against sending every open span again.
// CPU time of the application's process, all threads, per heartbeat.
// Run: node bench/heartbeats.bench.ts [--rounds 5]
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Way } from "./heartbeat-side.ts";
import { cpuSecondsOf, median, medianRatio, rssMiBOf } from "./measure.ts";
import { machineFacts, printTable, times } from "./report.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Number(values.rounds);
const openSpans = 100;
const intervalMs = 20;
const roundMs = 4_000;
const defaultIntervalMs = 10_000;

let beats = 0;
const server = createServer((request, response) => {
  beats++;
  request.resume();
  request.on("end", () => response.end());
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

console.log(machineFacts());
const perBeat: Record<Way, number[]> = { none: [], thread: [], repeats: [] };
const memory: Record<Way, number[]> = { none: [], thread: [], repeats: [] };
for (let round = 0; round < rounds; round++) {
  const idle = await measure("none");
  memory.none.push(idle.rssMiB);
  for (const way of round % 2 === 0
    ? (["thread", "repeats"] as const)
    : (["repeats", "thread"] as const)) {
    const { cpuSeconds, count, rssMiB } = await measure(way);
    perBeat[way].push(((cpuSeconds - idle.cpuSeconds) * 1e3) / count);
    memory[way].push(rssMiB);
  }
}
server.close();

printTable(
  `A heartbeat of a process with ${openSpans} open spans, medians of ${rounds} rounds`,
  (["thread", "repeats"] as const).map((way) => ({
    way: way === "thread" ? "one record, from a thread" : "every open span again",
    "CPU ms": median(perBeat[way]).toFixed(3),
    "of one core, every 10 s": `${((median(perBeat[way]) / defaultIntervalMs) * 100).toFixed(4)} %`,
    "MiB more than without": (median(memory[way]) - median(memory.none)).toFixed(1),
  })),
  [
    "",
    `Sending every open span again takes ${times(medianRatio(perBeat.repeats, perBeat.thread))} the CPU time, and on the event loop.`,
  ],
);

async function measure(way: Way) {
  const child = fork(fileURLToPath(new URL("./heartbeat-side.ts", import.meta.url)), [
    way,
    url,
    `${openSpans}`,
    `${intervalMs}`,
  ]);
  await once(child, "message");
  const pid = pidOf(child);
  const before = { cpu: cpuSecondsOf(pid), beats };
  await wait(roundMs);
  const result = {
    cpuSeconds: cpuSecondsOf(pid) - before.cpu,
    count: beats - before.beats,
    rssMiB: rssMiBOf(pid),
  };
  child.disconnect();
  await once(child, "exit");
  return result;
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) {
    throw new Error("The application did not start.");
  }
  return pid;
}
