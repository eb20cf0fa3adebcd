// Writes monitoring/dashboards/*.json from monitoring/src. With --check it writes nothing and fails if a file is stale.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toGrafana } from "../monitoring/src/grafana.ts";
import { sessionActivity } from "../monitoring/src/session-activity.ts";

const dashboards = { "session-activity.json": sessionActivity };
const isCheck = process.argv.includes("--check");
const stale: string[] = [];

for (const [name, dashboard] of Object.entries(dashboards)) {
  const path = fileURLToPath(new URL(`../monitoring/dashboards/${name}`, import.meta.url));
  const wanted = `${JSON.stringify(toGrafana(dashboard), null, 2)}\n`;
  const found = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (found === wanted) {
    continue;
  }
  if (isCheck) {
    stale.push(`monitoring/dashboards/${name}`);
  } else {
    writeFileSync(path, wanted);
    console.log(`Wrote monitoring/dashboards/${name}.`);
  }
}

if (stale.length > 0) {
  console.error(
    `${stale.join(", ")} is not what monitoring/src makes of it. Run: node_modules/.bin/node scripts/generate-dashboards.ts`,
  );
  process.exitCode = 1;
}
