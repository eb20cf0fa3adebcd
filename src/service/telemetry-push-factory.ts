import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import { z } from "zod";
import { type AnyFactory, declare } from "../component/factory.ts";
import { issueWords } from "../config/issue-words.ts";
import type { ConfigPath } from "../config/problem.ts";
import type { ServiceSection } from "./config-schema.ts";
import { createTelemetryPush, exporterSectionOf } from "./telemetry-push.ts";
import type { PeriodicReader } from "./telemetry-readers-schema.ts";

const type = "service.telemetry.metrics.readers";

/** A periodic reader runs as an extension, so that it starts early, and stops when everything else has delivered its data. */
export function telemetryPushes({ telemetry: { metrics } }: ServiceSection): readonly {
  readonly ref: { readonly kind: "extension"; readonly id: string };
  readonly reader: PeriodicReader;
}[] {
  if (metrics.level === "none") return [];
  return (metrics.readers ?? []).flatMap(({ periodic }, index) =>
    periodic === undefined
      ? []
      : [{ ref: { kind: "extension", id: `${type}/${index}` }, reader: periodic }],
  );
}

/** What the exporters that send would refuse, and readers that are missing. */
export function telemetryPushProblems(
  { telemetry: { metrics } }: ServiceSection,
  factories: readonly AnyFactory[],
): readonly { readonly path: ConfigPath; readonly message: string }[] {
  const readers = metrics.readers ?? [];
  const path = ["service", "telemetry", "metrics", "readers"];
  if (metrics.level !== "none" && metrics.readers !== undefined && readers.length === 0) {
    const message =
      "must have a reader, because the level is not none. Add one, remove readers for the default page, or write level: none.";
    return [{ path, message }];
  }
  return readers.flatMap(({ periodic }, index) => {
    if (periodic === undefined) return [];
    const { type: exporterType, section } = exporterSectionOf(periodic);
    const factory = factories.find((each) => isExporter(each, exporterType));
    const parsed = factory?.schema.safeParse(section, { error: issueWords });
    return (parsed?.error?.issues ?? []).map(({ path: inside, message }) => ({
      path: [...path, index, "periodic", "exporter", "otlp"],
      message: `cannot be used by ${exporterType}: ${inside.length === 0 ? "it" : inside.map(String).join(".")} ${message}`,
    }));
  });
}

function isExporter({ kind, type: own }: AnyFactory, wanted: string): boolean {
  return kind === "exporter" && own === wanted;
}

/** The type of these extensions. The exporter that sends is one of `factories`. */
export function telemetryPushFactory(
  telemetry: { collect(): Promise<CollectionResult> },
  factories: readonly AnyFactory[],
): AnyFactory {
  return declare<PeriodicReader>({
    type,
    kind: "extension",
    roles: {},
    stability: "beta",
    description: "Pushes the program's own metrics.",
    // The section is read already, as a part of `service`.
    schema: z.custom<PeriodicReader>(),
    create(settings, reader) {
      const exporter = exporterSectionOf(reader);
      const factory = factories.find((each) => isExporter(each, exporter.type));
      if (factory === undefined) {
        throw new Error(`Cannot push the collector's own metrics: there is no ${exporter.type}.`);
      }
      return createTelemetryPush({
        intervalMs: reader.interval,
        clock: settings.clock,
        logger: settings.logger,
        collect: () => telemetry.collect(),
        exporter: factory.create(settings, exporter.section),
      });
    },
  });
}
