// Installs the locked dependencies when they are missing or stale, so that `npm start` and `npm test`
// each work by themselves on a fresh clone. Runs on Node 20, before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "node_modules", ".installed-lock");
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .update(process.platform + process.arch)
  .digest("hex");

const isCurrent =
  existsSync(join(root, "node_modules", ".bin", "node")) &&
  existsSync(stamp) &&
  readFileSync(stamp, "utf8") === wanted;

if (!isCurrent) {
  process.stderr.write("Installing dependencies (only needed once).\n");
  const { status, signal } = spawnSync(
    "npm",
    // Not `npm ci`, which begins by deleting node_modules.
    ["install", "--no-save", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: root, stdio: ["ignore", 2, "inherit"] },
  );
  if (status !== 0) {
    process.stderr.write(
      `Could not install the dependencies (npm install ${signal ?? `exited with ${status}`}). Run "npm install" to see why.\n`,
    );
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}
