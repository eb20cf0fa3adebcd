// What a unary gRPC call costs with @grpc/grpc-js and with node:http2, for a client and for a server.
// CPU time of the process that is measured; its partner is always on node:http2.
// Run: node bench/grpc.bench.ts [--rounds 7]
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { CallOrder, Library, Load } from "./grpc-side.ts";
import { cpuSecondsOf, median, medianRatio } from "./measure.ts";
import { machineFacts, printTable, times } from "./report.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });
const rounds = Number(values.rounds);
const libraries = ["http2", "grpc-js"] as const;
const started: ChildProcess[] = [];

const loads: Readonly<Record<Load, { readonly title: string; readonly calls: number }>> = {
  small: { title: "4 KB", calls: 2_000 },
  large: { title: "512 spans, 280 KB", calls: 400 },
  gzip: { title: "512 spans, gzip", calls: 150 },
};

interface Pair {
  readonly client: ChildProcess;
  readonly measuredPid: number;
}

console.log(machineFacts());
for (const role of ["client", "server"] as const) {
  const pairs: Record<Library, Pair> = {
    http2: await pairOf(role, "http2"),
    "grpc-js": await pairOf(role, "grpc-js"),
  };
  const rows = [];
  for (const load of ["small", "large", "gzip"] as const) {
    const { title, calls } = loads[load];
    const msPerCall: Record<Library, number[]> = { http2: [], "grpc-js": [] };
    for (const library of libraries) {
      await costOf(pairs[library], { load, calls }); // warms up
    }
    for (let round = 0; round < rounds; round++) {
      for (const library of round % 2 === 0 ? libraries : libraries.toReversed()) {
        msPerCall[library].push((await costOf(pairs[library], { load, calls })) / calls);
      }
    }
    rows.push({
      message: title,
      "http2, CPU ms": median(msPerCall.http2).toFixed(3),
      "grpc-js, CPU ms": median(msPerCall["grpc-js"]).toFixed(3),
      ratio: times(medianRatio(msPerCall["grpc-js"], msPerCall.http2)),
    });
  }
  printTable(`A call, ${role}, medians of ${rounds} rounds`, rows);
}
for (const child of started) {
  child.disconnect();
}

/** The measured side with this library and its partner. */
async function pairOf(role: "client" | "server", library: Library): Promise<Pair> {
  const server = side("server", role === "server" ? library : "http2");
  const [port] = await once(server, "message");
  const client = side("client", role === "client" ? library : "http2", String(port));
  await once(client, "message");
  return { client, measuredPid: pidOf(role === "client" ? client : server) };
}

/** CPU milliseconds. */
async function costOf({ client, measuredPid }: Pair, order: CallOrder): Promise<number> {
  const before = cpuSecondsOf(measuredPid);
  client.send(order);
  await once(client, "message");
  return (cpuSecondsOf(measuredPid) - before) * 1e3;
}

function side(...words: readonly string[]): ChildProcess {
  const child = fork(fileURLToPath(new URL("./grpc-side.ts", import.meta.url)), words);
  started.push(child);
  return child;
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) {
    throw new Error("A side did not start.");
  }
  return pid;
}
