// A million open markers of a hundred thousand sessions: memory, the cost of a sweep when nothing is due, and how long
// everything else has to wait while all of them are evicted; compared with a Map of objects that is swept.
// Run: node bench/scale.bench.ts [--rounds 3]
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median, medianRatio } from "./measure.ts";
import type { ContenderName } from "./open-work.ts";
import { machineFacts, printTable, times } from "./report.ts";
import type { ScaleResult } from "./scale-side.ts";

const sessions = 100_000;
const figures: readonly (readonly [keyof ScaleResult, string, number])[] = [
  ["bytesPerSpan", "bytes per open span", 0],
  ["openNsPerSpan", "ns per start", 0],
  ["longestOpenMs", "longest call of 512 starts, ms", 1],
  ["idleTickUs", "µs per sweep with nothing due", 2],
  ["evictNsPerMarker", "ns per evicted marker", 0],
  ["longestStallMs", "longest stall of the mass eviction, ms", 1],
  ["longestForgetMs", "longest stall when they are forgotten, ms", 1],
  ["longStalls", "stalls above 50 ms while evicting", 0],
];

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Number(options.rounds);

function measure(contender: ContenderName): ScaleResult {
  const side = fileURLToPath(new URL("./scale-side.ts", import.meta.url));
  return JSON.parse(
    execFileSync(process.execPath, ["--expose-gc", side, contender, String(sessions)], {
      encoding: "utf8",
    }),
  );
}

console.log(machineFacts());
const results = Array.from({ length: rounds }, () => ({
  map: measure("map"),
  engine: measure("engine"),
}));
printTable(
  `A million open markers of ${sessions.toLocaleString("en")} sessions, medians of ${rounds} rounds`,
  figures.map(([key, what, digits]) => {
    const of = (contender: ContenderName) => results.map((result) => result[contender][key]);
    return {
      what,
      Map: median(of("map")).toFixed(digits),
      engine: median(of("engine")).toFixed(digits),
      "Map to engine":
        key === "longStalls" || key === "longestForgetMs"
          ? ""
          : times(medianRatio(of("map"), of("engine"))),
    };
  }),
  [
    "",
    "Times are CPU time of the main thread, which everything else waits for.",
    "The engine decides with deadlines per owner, holds a mass of evictions back for one lateness, reports those of each",
    "session, and keeps a tombstone of every marker. The Map sweeps all sessions and forgets the markers that it evicts.",
  ],
);
