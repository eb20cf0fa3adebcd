import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { AnyFactory } from "../src/component/factory.ts";
import { components } from "../src/components.ts";
import { instruments as otlpHttpInstruments } from "../src/exporters/otlp_http/export-instruments.ts";
import { instruments as fileStorageInstruments } from "../src/extensions/file_storage/storage-instruments.ts";
import { activityInstruments } from "../src/processors/session_activity/activity-instruments.ts";
import { instruments as otlpInstruments } from "../src/receivers/otlp/request-instruments.ts";
import { telemetryInstruments } from "../src/service/telemetry-instruments.ts";
import { configPage, optionsTable } from "./docs/config-page.ts";
import { editorSchema } from "./docs/editor-schema.ts";
import { frameworksPage } from "./docs/frameworks-page.ts";
import { metricsPage } from "./docs/metrics-page.ts";

// Writes the files that are generated from the code. With --check it writes nothing and fails if a file is stale.

const root = join(import.meta.dirname, "..");
const isCheck = process.argv.includes("--check");

const pages: readonly (readonly [path: string, content: string])[] = [
  ["docs/config.md", configPage(components)],
  ["docs/frameworks.md", frameworksPage()],
  [
    "docs/metrics.md",
    metricsPage([
      {
        title: "Session activity",
        introduction:
          "`session_activity` derives these metrics from the traces and logs that pass through it. The `prometheus` exporter serves them under these names; an OTLP exporter sends them under their OpenTelemetry names. A gateway can have a counter `openclaw.session.activity.evicted` of its own; [how the two differ](events.md#two-sources-of-this-event).",
        instruments: activityInstruments,
        names: { stripPrefix: "openclaw." },
      },
      {
        title: "The collector about itself",
        introduction:
          "The collector's own metrics, served on `service.telemetry.metrics.endpoint`, by default http://127.0.0.1:8888/metrics. Where the OpenTelemetry Collector has the same metric, the name is the Collector's.",
        instruments: [
          ...telemetryInstruments,
          ...otlpInstruments,
          ...otlpHttpInstruments,
          ...fileStorageInstruments,
        ],
        names: { suffixes: false },
      },
    ]),
  ],
  [
    "schema/activity-collector.schema.json",
    `${JSON.stringify(editorSchema(components), undefined, 2)}\n`,
  ],
  ...components.flatMap(readmeWithOptions),
];

const stale = pages.filter(([path, content]) => {
  const file = join(root, path);
  return !existsSync(file) || readFileSync(file, "utf8") !== content;
});
for (const [path, content] of isCheck ? [] : stale) {
  writeFileSync(join(root, path), content);
  console.log(`Wrote ${path}.`);
}
if (isCheck && stale.length > 0) {
  console.error(
    `Not current: ${stale.map(([path]) => path).join(", ")}. Run "npm run docs" and commit the result.`,
  );
  process.exitCode = 1;
}

/** A component's README with the table of its options between its two marks, if it has them. */
function readmeWithOptions(factory: AnyFactory): readonly (readonly [string, string])[] {
  const folder = join(root, "src", `${factory.kind}s`, factory.type);
  const file = join(folder, "README.md");
  if (!existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  const marked = /(<!-- options -->\n)[\s\S]*?(<!-- \/options -->)/;
  if (!marked.test(text)) return [];
  const table = optionsTable(factory);
  const content = text.replace(
    marked,
    (_, start: string, end: string) => `${start}\n${table}\n\n${end}`,
  );
  return [[relative(root, join(dirname(file), "README.md")), content]];
}
