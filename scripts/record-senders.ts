// Records the requests of real senders into `test/testdata/senders`. Run it with:
// npm run record:senders -- [name ...]
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { KeySet } from "../src/otlp/keys.ts";
import { SpanBatch } from "../src/otlp/span-batch.ts";
import { scanSpans } from "../src/otlp/span-scanner.ts";
import { withoutSpans } from "../src/otlp/splice.ts";
import { openSink, type SinkRequest } from "../test/support/otlp-sink.ts";
import { pathOf } from "../test/support/repository.ts";
import { openScriptedModel } from "../test/support/senders/scripted-model.ts";
import { scrubbed } from "../test/support/senders/scrub.ts";
import {
  allSenders,
  install,
  play,
  type Sender,
  senderOf,
} from "../test/support/senders/sender.ts";

const names = process.argv.slice(2);
const senders = names.length > 0 ? names.map(senderOf) : allSenders();
for (const sender of senders) {
  console.log(`${sender.name}: installing`);
  install(sender);
  for (const scenario of sender.scenarios) {
    await record(sender, scenario);
  }
}

async function record(sender: Sender, scenario: string): Promise<void> {
  const sink = await openSink();
  const model = await openScriptedModel();
  try {
    const { exitCode, signal, output } = await play(sender, scenario, {
      otlp: sink.url,
      model: model.url,
    });
    // The last requests of the process may still be in transit.
    await sleep(200);
    console.log(
      `${sender.name}/${scenario}: ended with ${exitCode ?? signal}, ${sink.requests.length} requests`,
    );
    const requests = sink.requests.filter(({ path }) => /\/v1\/(traces|logs|metrics)$/.test(path));
    const isKilled = scenario === "killed";
    if (requests.length === 0 || (isKilled ? signal !== "SIGKILL" : exitCode !== 0)) {
      throw new Error(`The sender ended unexpectedly. It printed:\n${output}`);
    }
    store(`test/testdata/senders/${sender.name}/${scenario}`, requests, sender.keep);
  } finally {
    await Promise.all([sink.close(), model.close()]);
  }
}

function store(
  folder: string,
  requests: readonly SinkRequest[],
  kept: readonly string[] | undefined,
): void {
  rmSync(pathOf(folder), { recursive: true, force: true });
  mkdirSync(pathOf(folder), { recursive: true });
  const stored = requests
    .map((request) => ({ ...request, body: bodyOf(request, kept) }))
    .filter(({ body }) => body.length > 0);
  const index = stored.map(({ atMs, path, signal, contentType, headers, bytes, body }, number) => {
    const id = String(number + 1).padStart(4, "0");
    const ending = contentType.includes("json") ? "json" : "bin";
    writeFileSync(pathOf(`${folder}/${id}-${signal}.${ending}`), scrubbed(body));
    const encoding = headers["content-encoding"];
    const userAgent = headers["user-agent"];
    return JSON.stringify({
      id,
      at: atMs,
      signal,
      path,
      bytes: body.length,
      contentType,
      ...(body.length === bytes.length ? {} : { postedBytes: bytes.length }),
      ...(encoding === undefined ? {} : { contentEncoding: encoding }),
      ...(userAgent === undefined ? {} : { userAgent }),
    });
  });
  writeFileSync(pathOf(`${folder}/index.jsonl`), `${index.join("\n")}\n`);
}

/** The request without the spans of other names; the remaining bytes are unchanged. */
function bodyOf({ signal, bytes }: SinkRequest, names: readonly string[] | undefined): Uint8Array {
  if (names === undefined || signal !== "traces") {
    return bytes;
  }
  const batch = new SpanBatch();
  scanSpans(bytes, { span: new KeySet([]), resource: new KeySet([]) }, batch);
  const kept = new KeySet(names);
  const dropped = Array.from({ length: batch.count }, (_, row) => row).filter(
    (row) => kept.match(bytes, batch.nameStart.get(row), batch.nameEnd.get(row)) === -1,
  );
  return withoutSpans(batch, dropped).bytes;
}
