// Builds dist/, the content of the package: the sources as JavaScript with declarations, for Node
// versions that do not run TypeScript. Nothing is bundled, so that a stack trace names the source files.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"],
  { cwd: root, stdio: "inherit" },
);
if (status !== 0) {
  process.exit(status ?? 1);
}

// The compiler does not copy files that are JavaScript already.
for (const name of ["generated.js", "generated.d.ts"]) {
  cpSync(join(root, "src", "otlp", "proto", name), join(dist, "otlp", "proto", name));
}

const main = join(dist, "main.js");
if (!existsSync(main) || !readFileSync(main, "utf8").startsWith("#!")) {
  console.error("dist/main.js was not made, or it lacks the line that makes it a command.");
  process.exit(1);
}
chmodSync(main, 0o755);
