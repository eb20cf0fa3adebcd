import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyFactory } from "../src/component/factory.ts";
import { components } from "../src/components.ts";
import { instruments as otlpHttpInstruments } from "../src/delivery/delivery-instruments.ts";
import { instruments as prometheusInstruments } from "../src/exporters/prometheus/page-instruments.ts";
import { instruments as fileStorageInstruments } from "../src/extensions/file_storage/storage-instruments.ts";
import { instruments as memoryLimiterInstruments } from "../src/processors/memory_limiter/limiter-instruments.ts";
import { instruments as redactionInstruments } from "../src/processors/redaction/redaction-instruments.ts";
import { activityInstruments } from "../src/processors/session_activity/activity-instruments.ts";
import { overflowInstrument } from "../src/processors/session_activity/label-overflow.ts";
import { passingInstruments } from "../src/processors/session_activity/passing-instruments.ts";
import { instruments as otlpInstruments } from "../src/receivers/otlp/request-instruments.ts";
import { instruments as otlpJsonFileInstruments } from "../src/receivers/otlp_json_file/file-instruments.ts";
import { telemetryInstruments } from "../src/service/telemetry-instruments.ts";
import { instruments as servingInstruments } from "../src/serving/refused-requests.ts";
import { configPage, optionsTable } from "./docs/config-page.ts";
import { dialectsTable, resultsTable } from "./docs/dialects-table.ts";
import { editorSchema } from "./docs/editor-schema.ts";
import { frameworksPage } from "./docs/frameworks-page.ts";
import { hasPart, withParts } from "./docs/marked-parts.ts";
import { metricsPage } from "./docs/metrics-page.ts";

import { otlpConformancePage } from "./docs/otlp-conformance-page.ts";

import { peersTable } from "./docs/peers-table.ts";

import { pythonWorkSpans } from "./docs/python-work-spans.ts";
import { reasonsTable, shortReasonsTable } from "./docs/reasons-table.ts";

// Writes the files that are generated from the code. With --check it writes nothing and fails if a file is stale.

const root = join(import.meta.dirname, "..");
const isCheck = process.argv.includes("--check");

const pages: readonly (readonly [path: string, content: string])[] = [
  ["docs/config.md", configPage(components)],
  ["docs/frameworks.md", frameworksPage()],
  ["docs/otlp-conformance.md", otlpConformancePage()],
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
          ...servingInstruments,
          ...otlpJsonFileInstruments,
          ...memoryLimiterInstruments,
          ...redactionInstruments,
          ...Object.values(passingInstruments),
          overflowInstrument,
          ...otlpHttpInstruments,
          ...prometheusInstruments,
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
  ["python/src/openclaw_activity_live_spans/work-spans.json", pythonWorkSpans()],
  pageWithParts("docs/events.md"),
  pageWithParts("docs/openclaw.md"),
  pageWithParts("docs/senders.md"),
  pageWithParts("monitoring/README.md"),
  ...components.flatMap(readmeWithParts),
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
    `Not current: ${stale.map(([path]) => path).join(", ")}. Run "npm run generate" and commit the result.`,
  );
  process.exitCode = 1;
}

/** A component's README with its generated parts, if it marks any. */
function readmeWithParts(factory: AnyFactory): readonly (readonly [string, string])[] {
  const path = `src/${factory.kind}s/${factory.type}/README.md`;
  return existsSync(join(root, path)) ? [pageWithParts(path, factory)] : [];
}

/** A hand-written page with the generated parts that it marks. */
function pageWithParts(path: string, factory?: AnyFactory): readonly [string, string] {
  const page = readFileSync(join(root, path), "utf8");
  const parts = {
    ...(factory === undefined ? {} : { options: optionsTable(factory) }),
    reasons: reasonsTable(),
    dialects: dialectsTable(),
    peers: peersTable(),
    "signal results": resultsTable(),
    "reasons in short": shortReasonsTable(),
  };
  const marked = Object.entries(parts).filter(([name]) => hasPart(page, name));
  return [path, withParts(page, Object.fromEntries(marked))];
}
