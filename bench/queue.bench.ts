// The cost of the sending queue, in memory and on the disk, beside an exporter that sends at once. The exporter sends over a real
// connection to a server in a thread of its own. Run: node bench/queue.bench.ts [--rounds 9] [--directory DIR]
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Component } from "../src/component/component.ts";
import type { Consumer } from "../src/component/consumer.ts";
import type { ExportCounts } from "../src/component/settings.ts";
import { factory } from "../src/exporters/otlp_http/factory.ts";
import { schema as storageSchema } from "../src/extensions/file_storage/config.ts";
import { createFileStorage } from "../src/extensions/file_storage/extension.ts";
import { keepProcessAlive, systemClock } from "../src/system-clock.ts";
import { testSettings, zeroCounts } from "../test/exporters/settings.ts";
import { recordTurns, spansPerBody } from "./gateway-bodies.ts";
import { median, medianRatio } from "./measure.ts";
import { machineFacts, printTable } from "./report.ts";

const requestsPerRound = 400;
const connections = 4;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    directory: { type: "string", default: tmpdir() },
  },
});
const rounds = Number(options.rounds);
const folder = mkdtempSync(join(options.directory, "queue-bench-"));
const letGo = keepProcessAlive();

/** A backend that reads each request and answers with success. */
const server = new Worker(
  `const { createServer } = require("node:http");
   const { parentPort } = require("node:worker_threads");
   const server = createServer((request, response) => {
     request.resume().on("end", () => response.end());
   });
   server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`,
  { eval: true },
);
const port = await new Promise((resolve) => server.once("message", resolve));

interface Side {
  readonly traces: Consumer;
  readonly counts: ExportCounts;
  stop(): Promise<void>;
}

async function start(
  section: Readonly<Record<string, unknown>>,
  directory?: string,
): Promise<Side> {
  const counts = zeroCounts();
  const settings = {
    ...testSettings("otlp_http").settings,
    clock: systemClock,
    randomBytes: (length: number) => new Uint8Array(randomBytes(length)),
    exportCounts: () => counts,
  };
  const storage =
    directory === undefined
      ? undefined
      : createFileStorage(
          { ...settings, id: "file_storage" },
          storageSchema.parse({ directory: join(folder, directory) }),
        );
  await storage?.start();
  const owner = { kind: "exporter", id: "otlp_http" } as const;
  const journals = storage?.storage;
  const component: Component = factory.create(
    {
      ...settings,
      ...(journals === undefined
        ? {}
        : { storage: { openJournal: (taker) => journals.openJournal(owner, taker) } }),
    },
    { endpoint: `http://127.0.0.1:${port}`, compression: "none", sending_queue: section },
  );
  const traces = component.exporter?.consumer?.("traces");
  if (traces === undefined) {
    throw new Error("The exporter takes no traces.");
  }
  await component.start();
  return {
    traces,
    counts,
    async stop() {
      await component.shutdown(AbortSignal.timeout(60_000));
      await storage?.shutdown(AbortSignal.timeout(60_000));
    },
  };
}

const turn = recordTurns(0).ends.bytes;

/** CPU time per span of this process, in µs, from the first request until the last one is sent. */
async function round({ traces, counts }: Side): Promise<number> {
  const until = counts.sent.value + requestsPerRound * spansPerBody;
  const cpu = process.cpuUsage();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let at = 0; at < requestsPerRound / connections; at++) {
        const bytes = turn.slice();
        const result = await traces.consume({ signal: "traces", bytes, items: spansPerBody });
        if (result.status !== "accepted") {
          throw new Error(`A request was not accepted: ${result.message}`);
        }
      }
    }),
  );
  while (counts.sent.value < until) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / (requestsPerRound * spansPerBody);
}

try {
  const sides = {
    "without a queue": await start({ enabled: false }),
    "in memory": await start({}),
    "in memory, batches of 1 000": await start({ batch: { min_size: 1000 } }),
    "on the disk": await start({ storage: "file_storage" }, "stored"),
  };
  const names = Object.keys(sides);
  const costs = new Map(names.map((name) => [name, [] as number[]]));
  for (let at = -1; at < rounds; at++) {
    for (const [name, side] of Object.entries(sides)) {
      const cost = await round(side);
      if (at >= 0) {
        costs.get(name)?.push(cost);
      }
    }
  }
  for (const side of Object.values(sides)) {
    await side.stop();
  }
  const base = costs.get("without a queue") ?? [];
  printTable(
    "The sending queue of otlp_http",
    names.map((name) => {
      const own = costs.get(name) ?? [];
      return {
        queue: name,
        "CPU µs/span": median(own).toFixed(3),
        ratio: medianRatio(own, base).toFixed(2),
      };
    }),
    [
      `${rounds} rounds of ${requestsPerRound} requests of ${spansPerBody} spans. ${machineFacts()}`,
    ],
  );
} finally {
  await server.terminate();
  rmSync(folder, { recursive: true, force: true });
  letGo();
}
