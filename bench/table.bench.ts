// The tables of session_activity against a Map of objects: time of ending one open span and starting another, bytes
// per open span, the longest time one batch of 512 signals took. Run: node bench/table.bench.ts [--rounds 3]
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median, medianRatio } from "./measure.ts";
import { machineFacts, printTable, times } from "./report.ts";
import type { TableResult } from "./table-side.ts";

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Number(options.rounds);

function measure(contender: "map" | "engine", open: number): TableResult {
  const side = fileURLToPath(new URL("./table-side.ts", import.meta.url));
  return JSON.parse(
    execFileSync(process.execPath, ["--expose-gc", side, contender, String(open)], {
      encoding: "utf8",
    }),
  );
}

function compare(open: number) {
  const results: { map: TableResult; engine: TableResult }[] = [];
  for (let round = 0; round < rounds; round++) {
    results.push({ map: measure("map", open), engine: measure("engine", open) });
  }
  const of = (contender: "map" | "engine", key: keyof TableResult) =>
    results.map((result) => result[contender][key]);
  return {
    "open spans": open.toLocaleString("en"),
    "Map ns/pair": Math.round(median(of("map", "nsPerPair"))),
    "engine ns/pair": Math.round(median(of("engine", "nsPerPair"))),
    "time ratio": times(medianRatio(of("map", "nsPerPair"), of("engine", "nsPerPair"))),
    "Map B/span": Math.round(median(of("map", "bytesPerSpan"))),
    "engine B/span": Math.round(median(of("engine", "bytesPerSpan"))),
    "space ratio": times(medianRatio(of("map", "bytesPerSpan"), of("engine", "bytesPerSpan"))),
    "Map worst ms": median(of("map", "longestBatchMs")).toFixed(1),
    "engine worst ms": median(of("engine", "longestBatchMs")).toFixed(1),
  };
}

console.log(machineFacts());
printTable(
  `Open work: the tables of session_activity against a Map of objects, medians of ${rounds} rounds`,
  [100_000, 1_000_000].map(compare),
  [
    "",
    "A pair is the end of the oldest tool and the start of a new one. The engine also keeps sessions, deadlines and",
    "100 000 tombstones; the Map forgets ended work. Bytes are heap and buffers, of runs with nine open tools each.",
  ],
);
