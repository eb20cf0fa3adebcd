import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import type { ProcessMemory } from "../../../src/component/memory.ts";
import type { Replaces } from "../../../src/component/settings.ts";
import type { Storage } from "../../../src/component/storage.ts";
import type { Payload, Signal } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { schema } from "../../../src/receivers/otlp_json_file/config.ts";
import { createOtlpJsonFileReceiver } from "../../../src/receivers/otlp_json_file/receiver.ts";
import { until } from "../../contract/waiting.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";

/** A new folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "otlp-json-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A line with one log record, whose body is the text. */
export function lineOf(text: string): string {
  const record = { body: { stringValue: text } };
  return `${JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] })}\n`;
}

/** What a line of {@link lineOf} says, as it arrives in the pipeline; the signal of any other payload. */
function textOf({ signal, bytes }: Payload): string {
  return signal === "logs"
    ? (otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs[0]?.scopeLogs?.[0]?.logRecords?.[0]
        ?.body?.stringValue ?? "")
    : signal;
}

/** The receiver with a folder of its own, from whose `*.jsonl` it reads from the beginning. */
export function reader(
  section: Readonly<Record<string, unknown>> = {},
  {
    folder = temporaryFolder(),
    signals = ["traces", "metrics", "logs"],
    storage,
    replaces,
    memory,
  }: {
    readonly folder?: string;
    readonly signals?: readonly Signal[];
    readonly storage?: Storage;
    readonly replaces?: Replaces;
    readonly memory?: ProcessMemory;
  } = {},
) {
  const settings = testSettings("otlp_json_file");
  const config = schema.parse({
    include: [join(folder, "*.jsonl")],
    start_at: "beginning",
    ...section,
  });
  const component = createOtlpJsonFileReceiver(
    {
      ...settings.settings,
      ...(storage === undefined ? {} : { storage }),
      ...(replaces === undefined ? {} : { replaces }),
      ...(memory === undefined ? {} : { memory }),
    },
    config,
  );
  const taken: string[] = [];
  const payloads: Payload[] = [];
  const subject = {
    ...settings,
    folder,
    component,
    /** The text of each payload, in order; a payload that is tried again is there again. */
    taken,
    payloads,
    answer: async (_text: string): Promise<ConsumeResult> => accepted,
    start: () => component.start(),
    stop: (deadline = noDeadline()) => component.shutdown(deadline),
    path: (name: string) => join(folder, name),
    append: (name: string, content: string) => appendFileSync(join(folder, name), content),
    /** Lets it look for new data, and waits until it has taken so many payloads. */
    async poll(count: number): Promise<readonly string[]> {
      settings.clock.advance(config.poll_interval);
      await until(() => taken.length >= count, { what: `Payload ${count}`, patienceMs: 5_000 });
      return taken;
    },
    /** Lets it look for new data, and waits until it has done with it: a last file is read after all others. */
    async pollAll(): Promise<readonly string[]> {
      const last = "(last)";
      appendFileSync(join(folder, "~last.jsonl"), lineOf(last));
      settings.clock.advance(config.poll_interval);
      await until(() => taken.at(-1) === last, { what: "The end of a poll", patienceMs: 5_000 });
      taken.pop();
      return taken;
    },
  };
  for (const signal of signals) {
    component.receiver?.connect(signal, {
      async consume(payload) {
        payloads.push(payload);
        taken.push(textOf(payload));
        return subject.answer(textOf(payload));
      },
    });
  }
  return subject;
}
