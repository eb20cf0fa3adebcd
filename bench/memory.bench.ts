// The memory of the tracked state at the bounds of the shipped memory limit, against the constants that the bounds follow from. Fails when
// a row needs more with a snapshot, or at a start. Run: node bench/memory.bench.ts [--rounds 3]
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  activityBoundsFor,
  bytesPerActivityRow,
  snapshotBytesPerActivityRow,
} from "../src/memory/memory-budget.ts";
import { median } from "./measure.ts";
import type { MemoryResult, Shape } from "./memory-side.ts";
import { machineFacts, printTable } from "./report.ts";

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Number(options.rounds);
const unit = readFileSync(
  new URL("../deploy/systemd/openclaw-activity-collector.service", import.meta.url),
  "utf8",
);
const limitMiB = Number(/^MemoryMax=(\d+)M$/m.exec(unit)?.[1]);
const malloc = Object.fromEntries(
  [...unit.matchAll(/\b(MALLOC_[A-Z_]+)=(\d+)/g)].map(([, name = "", value]) => [name, value]),
);
const { maxOpenWork, maxTombstones } = activityBoundsFor(limitMiB * 1024 * 1024);
const rows = maxOpenWork + maxTombstones;
const folder = mkdtempSync(join(tmpdir(), "memory-bench-"));

function measure(shape: Shape, mode: "fill" | "recover"): MemoryResult {
  const side = fileURLToPath(new URL("./memory-side.ts", import.meta.url));
  const args = ["--expose-gc", side, shape, String(rows), mode, join(folder, shape)];
  const env = { ...process.env, ...malloc };
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", env }));
}

const perRow = (results: readonly MemoryResult[], key: "fullBytes" | "peakBytes") =>
  Math.round(median(results.map((each) => (each[key] - each.emptyBytes) / each.rows)));

try {
  const table = (["lonely", "turns"] as const).map((shape) => {
    const filled: MemoryResult[] = [];
    const recovered: MemoryResult[] = [];
    for (let round = 0; round < rounds; round++) {
      filled.push(measure(shape, "fill"));
      recovered.push(measure(shape, "recover"));
    }
    return {
      shape,
      rows: rows.toLocaleString("en"),
      "B/row": perRow(filled, "fullBytes"),
      "snapshot B/row": Math.round(median(filled.map((each) => each.snapshotBytes / each.rows))),
      "peak B/row, running": perRow(filled, "peakBytes"),
      "peak B/row, start": perRow(recovered, "peakBytes"),
    };
  });
  console.log(machineFacts());
  printTable(
    `The tracked state at the bounds that follow from ${limitMiB} MiB, medians of ${rounds} rounds`,
    table,
    [
      "",
      `The bounds assume ${bytesPerActivityRow} B/row, and ${snapshotBytesPerActivityRow} B/row of a snapshot.`,
    ],
  );
  // The peaks, because they are what must fit; the tables alone differ by a fifth between rounds, as the heap grows and shrinks.
  const peak = bytesPerActivityRow + snapshotBytesPerActivityRow;
  const broken = table.filter(
    (each) =>
      each["snapshot B/row"] > snapshotBytesPerActivityRow ||
      each["peak B/row, running"] > peak ||
      each["peak B/row, start"] > peak,
  );
  if (broken.length > 0) {
    console.error("A row needs more than the bounds assume: adapt src/memory/memory-budget.ts.");
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
