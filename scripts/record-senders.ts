// Records what real senders put on the wire, as `test/testdata/senders`. Run it with:
// npm run record:senders -- [name ...]
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
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
    // What the process sent last may still be on the way.
    await sleep(200);
    console.log(
      `${sender.name}/${scenario}: ended with ${exitCode ?? signal}, ${sink.requests.length} requests`,
    );
    const requests = sink.requests.filter(({ path }) => /\/v1\/(traces|logs|metrics)$/.test(path));
    const isKilled = scenario === "killed";
    if (requests.length === 0 || (isKilled ? signal !== "SIGKILL" : exitCode !== 0)) {
      throw new Error(`That was not to be expected. It printed:\n${output}`);
    }
    keep(`test/testdata/senders/${sender.name}/${scenario}`, requests);
  } finally {
    await Promise.all([sink.close(), model.close()]);
  }
}

function keep(folder: string, requests: readonly SinkRequest[]): void {
  rmSync(pathOf(folder), { recursive: true, force: true });
  mkdirSync(pathOf(folder), { recursive: true });
  const index = requests.map(({ atMs, path, signal, contentType, headers, bytes }, number) => {
    const id = String(number + 1).padStart(4, "0");
    const ending = contentType.includes("json") ? "json" : "bin";
    writeFileSync(pathOf(`${folder}/${id}-${signal}.${ending}`), scrubbed(bytes));
    const encoding = headers["content-encoding"];
    const userAgent = headers["user-agent"];
    return JSON.stringify({
      id,
      at: atMs,
      signal,
      path,
      bytes: bytes.length,
      contentType,
      ...(encoding === undefined ? {} : { contentEncoding: encoding }),
      ...(userAgent === undefined ? {} : { userAgent }),
    });
  });
  writeFileSync(pathOf(`${folder}/index.jsonl`), `${index.join("\n")}\n`);
}
