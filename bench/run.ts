// Runs the benchmarks one after another, each in a process of its own.
// npm run bench -- [scanner] [route] [table] [scale] [memory] [journal] [durability] [queue] [heartbeats] [grpc] [redaction] [attacks] [requests] [--rounds N] [--quick]
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const benches = {
  scanner: new URL("./scanner.bench.ts", import.meta.url),
  route: new URL("./route.bench.ts", import.meta.url),
  table: new URL("./table.bench.ts", import.meta.url),
  scale: new URL("./scale.bench.ts", import.meta.url),
  memory: new URL("./memory.bench.ts", import.meta.url),
  journal: new URL("./journal.bench.ts", import.meta.url),
  durability: new URL("./durability.bench.ts", import.meta.url),
  queue: new URL("./queue.bench.ts", import.meta.url),
  heartbeats: new URL("./heartbeats.bench.ts", import.meta.url),
  grpc: new URL("./grpc.bench.ts", import.meta.url),
  redaction: new URL("./redaction.bench.ts", import.meta.url),
  attacks: new URL("./attacks.bench.ts", import.meta.url),
  requests: new URL("./requests.bench.ts", import.meta.url),
} as const;

/** What the benches that take minutes measure less of with `--quick`, to see that they still run. */
const quickly: Readonly<Record<string, readonly string[]>> = {
  requests: ["--size", "65536", "--open", "10000"],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" }, quick: { type: "boolean", default: false } },
});
const unknown = positionals.filter((name) => !(name in benches));
if (unknown.length > 0 || (values.rounds !== undefined && !/^[1-9]\d*$/.test(values.rounds))) {
  console.error(
    `Usage: npm run bench -- [${Object.keys(benches).join("] [")}] [--rounds N] [--quick]`,
  );
  process.exit(2);
}
for (const [name, file] of Object.entries(benches)) {
  if (positionals.length === 0 || positionals.includes(name)) {
    const rounds = values.rounds === undefined ? [] : ["--rounds", values.rounds];
    const less = values.quick ? (quickly[name] ?? []) : [];
    const { status } = spawnSync(process.execPath, [fileURLToPath(file), ...rounds, ...less], {
      stdio: "inherit",
    });
    if (status !== 0) {
      process.exit(1);
    }
    console.log();
  }
}
