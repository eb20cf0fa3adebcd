// Generates src/otlp/proto/generated.js and generated.d.ts from otlp.proto. With --check it changes
// nothing and exits with 1 if the committed files are stale.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(root, "src", "otlp", "proto");
const scratch = mkdtempSync(join(tmpdir(), "generate-proto-"));

try {
  const made = generate();
  const stale = Object.entries(made).filter(([name, text]) => read(join(folder, name)) !== text);
  if (!process.argv.includes("--check")) {
    for (const [name, text] of stale) {
      writeFileSync(join(folder, name), text);
    }
  } else if (stale.length > 0) {
    console.error(
      `Stale: ${stale.map(([name]) => name).join(", ")}. Run: node scripts/generate-proto.mjs`,
    );
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true });
}

function generate() {
  const commented = join(scratch, "commented.js");
  const js = join(scratch, "generated.js");
  const dts = join(scratch, "generated.d.ts");
  const pbjs = [
    ...["--target", "static-module", "--wrap", "esm", "--dependency", "protobufjs/minimal.js"],
    ...["--root", "otlp", "--force-long", "--no-create", "--no-verify", "--no-convert"],
    ...["--no-delimited", "--no-typeurl", "--no-service"],
  ];
  const proto = join(folder, "otlp.proto");
  // The declarations are generated from the comments of the code. The committed code has none, because comments would be
  // most of it.
  run("pbjs", [...pbjs, "--out", commented, proto]);
  run("pbts", ["--out", dts, commented]);
  run("pbjs", [...pbjs, "--no-comments", "--out", js, proto]);
  return {
    "generated.js": readFileSync(js, "utf8"),
    // This program only needs the shape of a 64-bit value.
    "generated.d.ts": readFileSync(dts, "utf8").replace(
      'import Long = require("long");',
      "type Long = $protobuf.Long;",
    ),
  };
}

function run(tool, args) {
  const script = join(root, "node_modules", "protobufjs-cli", "bin", tool);
  const { status } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) {
    throw new Error(`${tool} ended with status ${status}.`);
  }
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
