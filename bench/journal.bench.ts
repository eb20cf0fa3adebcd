// The journal of file_storage: the cost of storing compared with storing nothing and with plain writes, and how long a start
// takes to read everything again. Run: node bench/journal.bench.ts [--rounds 9] [--directory DIR]
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openJournal } from "../src/extensions/file_storage/journal.ts";
import { systemDisk } from "../src/extensions/file_storage/system-disk.ts";
import { keepProcessAlive, systemClock } from "../src/system-clock.ts";
import { median, medianRatio } from "./measure.ts";
import { machineFacts, printTable, times } from "./report.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    directory: { type: "string", default: tmpdir() },
  },
});
const rounds = Number(options.rounds);
const recordsPerBatch = 512;
const batches = 100;
const records = recordsPerBatch * batches;
const record = new Uint8Array(64).fill(7);
const folder = mkdtempSync(join(options.directory, "journal-bench-"));
const letGo = keepProcessAlive();
let opened = 0;

function open(
  fsync: boolean,
  directory = `journal-${opened++}`,
  take: (bytes: Uint8Array) => void = () => {},
) {
  const quiet = () => {};
  return openJournal({
    disk: systemDisk,
    directory: join(folder, directory),
    directoryMode: 0o700,
    clock: systemClock,
    logger: { debug: quiet, info: quiet, warn: quiet, error: console.error },
    fsync,
    flushIntervalMs: 10,
    maxSegmentBytes: 32 * 1024 * 1024,
    compactsOnStart: false,
    name: "bench",
    owner: { take, onSnapshotNeeded: quiet },
    onState: quiet,
  });
}

/** Per record; CPU of all threads, and of the one that runs JavaScript. */
interface Cost {
  readonly wallNs: number;
  readonly cpuNs: number;
  readonly mainNs: number;
}

async function costOf(run: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const main = process.threadCpuUsage();
  const startedMs = performance.now();
  await run();
  const wallMs = performance.now() - startedMs;
  const perRecord = ({ user, system }: NodeJS.CpuUsage) => ((user + system) * 1e3) / records;
  return {
    wallNs: (wallMs * 1e6) / records,
    cpuNs: perRecord(process.cpuUsage(cpu)),
    mainNs: perRecord(process.threadCpuUsage(main)),
  };
}

/** The work of a component on a batch besides storing it: it reads every record. */
let seen = 0;
function work(): void {
  for (let index = 0; index < recordsPerBatch; index += 1) {
    seen += record[index & 63] ?? 0;
  }
}

async function withJournal(fsync: boolean, perBatch: "no wait" | "written"): Promise<Cost> {
  const journal = await open(fsync);
  const cost = await costOf(async () => {
    for (let batch = 0; batch < batches; batch += 1) {
      work();
      for (let index = 0; index < recordsPerBatch; index += 1) {
        journal.append(record);
      }
      if (perBatch === "written") {
        await journal.written();
      } else {
        await turn();
      }
    }
    await journal.written();
  });
  await journal.close();
  return cost;
}

/** Plain blocking writes to a file. */
async function writeDirectly(syncEach: boolean): Promise<Cost> {
  const fd = openSync(join(folder, `direct-${opened++}`), "w");
  const batch = new Uint8Array(recordsPerBatch * record.length).fill(7);
  const cost = await costOf(async () => {
    for (let index = 0; index < batches; index += 1) {
      work();
      writeSync(fd, batch);
      if (syncEach) {
        fdatasyncSync(fd);
      }
      await turn();
    }
  });
  closeSync(fd);
  return cost;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const contenders = {
  "nothing is stored": () =>
    costOf(async () => {
      for (let batch = 0; batch < batches; batch += 1) {
        work();
        await turn();
      }
    }),
  "append, no wait": () => withJournal(true, "no wait"),
  "append, written() per batch": () => withJournal(true, "written"),
  "the same without fsync": () => withJournal(false, "written"),
  "writeSync per batch, no format": () => writeDirectly(false),
  "the same with fdatasync per batch": () => writeDirectly(true),
} as const;
type Contender = keyof typeof contenders;
const names = Object.keys(contenders) as Contender[];

/** Rounds in which every contender runs once, in an order that changes. */
async function compare(): Promise<ReadonlyMap<Contender, readonly Cost[]>> {
  const costs = new Map<Contender, Cost[]>(names.map((name) => [name, []]));
  for (const name of names) {
    await contenders[name]();
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      costs.get(name)?.push(await contenders[name]());
    }
  }
  return costs;
}

/** How long single waits take, in µs. */
async function latencies() {
  const journal = await open(true);
  const measure = async (times: number, wait: () => Promise<unknown> | boolean) => {
    const took: number[] = [];
    for (let index = 0; index < times; index += 1) {
      const startedMs = performance.now();
      await wait();
      took.push((performance.now() - startedMs) * 1_000);
    }
    return Math.round(median(took));
  };
  const result = {
    written: await measure(2_000, () => {
      journal.append(record);
      return journal.written();
    }),
    appendNow: await measure(2_000, () => journal.appendNow(record)),
    synced: await measure(50, () => {
      journal.append(record);
      return journal.synced();
    }),
  };
  await journal.close();
  return result;
}

/** How long `run` took, and the longest time that it blocked the event loop, in ms. */
async function stallOf(run: () => Promise<unknown>) {
  let longestMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  }, 1);
  const startedMs = performance.now();
  await run();
  const tookMs = performance.now() - startedMs;
  clearInterval(timer);
  return { tookMs, longestMs };
}

async function recovery() {
  const journal = await open(false, "log");
  for (let batch = 0; batch < 1_000_000 / recordsPerBatch; batch += 1) {
    for (let index = 0; index < recordsPerBatch; index += 1) {
      journal.append(record);
    }
    await journal.written();
  }
  await journal.close();
  const parts = Array.from({ length: 50 }, () => new Uint8Array(4 * 1024 * 1024).fill(3));
  const snapshotted = await open(false, "snapshot");
  const idle = await stallOf(() => new Promise((resolve) => setTimeout(resolve, 1_000)));
  const writing = await stallOf(() => snapshotted.snapshot(parts));
  await snapshotted.close();
  const read = async (name: string) => {
    let bytes = 0;
    const startedMs = performance.now();
    const found = await open(false, name, (each) => {
      bytes += each.length;
    });
    const tookMs = performance.now() - startedMs;
    await found.close();
    return {
      stored: name === "log" ? "a million records of 64 B" : "a snapshot of 50 × 4 MiB",
      ms: Math.round(tookMs),
      "MB/s": Math.round(bytes / tookMs / 1_000),
    };
  };
  return { rows: [await read("log"), await read("snapshot")], idle, writing };
}

try {
  console.log(machineFacts());
  const costs = await compare();
  const bases = costs.get("writeSync per batch, no format") ?? [];
  const of = (list: readonly Cost[], key: keyof Cost) => list.map((cost) => cost[key]);
  printTable(
    `Storing ${recordsPerBatch} records of 64 B a batch, medians of ${rounds} rounds, per record`,
    names.map((name) => {
      const list = costs.get(name) ?? [];
      return {
        what: name,
        "ns on the clock": Math.round(median(of(list, "wallNs"))),
        "ns CPU": Math.round(median(of(list, "cpuNs"))),
        "ns main thread": Math.round(median(of(list, "mainNs"))),
        "CPU to writeSync": times(medianRatio(of(list, "cpuNs"), of(bases, "cpuNs"))),
        "main to writeSync": times(medianRatio(of(list, "mainNs"), of(bases, "mainNs"))),
      };
    }),
  );
  const waits = await latencies();
  console.log(
    `\nOne record alone: written() ${waits.written} µs, appendNow ${waits.appendNow} µs, synced() ${waits.synced} µs (flush interval 10 ms).`,
  );
  const { rows, idle, writing } = await recovery();
  printTable("Recovery, from files that are in the page cache", rows);
  console.log(
    `\nWriting that snapshot took ${Math.round(writing.tookMs)} ms; it blocked the event loop for ${writing.longestMs.toFixed(1)} ms at most (${idle.longestMs.toFixed(1)} ms when idle).`,
  );
  if (seen < 0) {
    console.log(seen);
  }
} finally {
  rmSync(folder, { recursive: true });
  letGo();
}
