import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ConsumeResult, Consumer } from "../../../src/component/consumer.ts";
import type { Replaces } from "../../../src/component/settings.ts";
import { schema } from "../../../src/exporters/file/config.ts";
import { createFileExporter } from "../../../src/exporters/file/exporter.ts";
import { type FileSystem, systemFiles } from "../../../src/exporters/file/file-system.ts";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { fakeMemory } from "../../support/fake-memory.ts";
import { noDeadline, testSettings } from "../settings.ts";

/** A new folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "file-exporter-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A payload of logs with one record, whose body is the text. */
export function payloadOf(text: string): Payload {
  const bytes = otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: text } }] }] }],
  }).finish();
  return { signal: "logs", bytes: new Uint8Array(bytes), items: 1 };
}

/** The line of {@link payloadOf}. */
export function lineOf(text: string): string {
  return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":${JSON.stringify(text)}}}]}]}]}\n`;
}

/** The exporter with a path in a folder of its own. */
export function exporter(
  section: Readonly<Record<string, unknown>> = {},
  {
    files = systemFiles,
    folder = temporaryFolder(),
    id = "file",
    replaces,
    heapLimitMiB,
  }: {
    readonly heapLimitMiB?: number;
    readonly replaces?: Replaces;
    readonly files?: FileSystem;
    readonly folder?: string;
    readonly id?: string;
  } = {},
) {
  const path = join(folder, "out.jsonl");
  const settings = testSettings(id);
  const config = schema.parse({ path, ...section });
  const component = createFileExporter(
    {
      ...settings.settings,
      ...(replaces === undefined ? {} : { replaces }),
      ...(heapLimitMiB === undefined ? {} : { memory: fakeMemory({ heapLimitMiB }) }),
    },
    config,
    files,
  );
  const consumer: Consumer | undefined = component.exporter?.consumer?.("logs");
  return {
    ...settings,
    folder,
    path,
    start: () => component.start(),
    handOver: () => component.state!.handOver(),
    takeOver: (state: unknown) => component.state!.takeOver(state),
    stop: (deadline = noDeadline()) => component.shutdown(deadline),
    write: (text: string): Promise<ConsumeResult> => consumer!.consume(payloadOf(text)),
    writePayload: (payload: Payload): Promise<ConsumeResult> => consumer!.consume(payload),
    content: () => readFileSync(path, "utf8"),
  };
}
