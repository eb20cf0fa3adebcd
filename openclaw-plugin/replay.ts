#!/usr/bin/env node
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { parseConfig } from "./src/config.ts";
import { parseRecording } from "./src/recording.ts";
import { startRelay } from "./src/relay.ts";
import { detectResource } from "./src/resource.ts";

const usage = `Usage: replay FILE [--endpoint URL] [--speed N] [--header NAME=VALUE]...

Sends recorded OpenClaw events to a collector, as the plugin does in a gateway.

  FILE        one JSON object per line: {"metadata": …, "event": …}, {"agentEvent": …} or
              {"hook": …, "event": …, "context": …}
  --endpoint  base address of an OTLP/HTTP receiver (default http://127.0.0.1:4318)
  --speed     1 keeps the recorded pace (default), 10 is ten times as fast, 0 does not wait at all
  --header    header of every request; may be repeated
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      endpoint: { type: "string" },
      speed: { type: "string", default: "1" },
      header: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  const [file] = positionals;
  const speed = Number(values.speed);
  if (values.help || file === undefined || positionals.length > 1 || !(speed >= 0)) {
    process.stderr.write(usage);
    return values.help ? 0 : 2;
  }
  const headers = Object.fromEntries(
    values.header.map((header) => [
      header.slice(0, Math.max(0, header.indexOf("="))),
      header.slice(header.indexOf("=") + 1),
    ]),
  );
  const entries = parseRecording(readFileSync(file, "utf8"));
  let recordedMs = 0;
  const relay = startRelay({
    nowMs: () => recordedMs,
    config: parseConfig({
      headers,
      ...(values.endpoint === undefined ? {} : { endpoint: values.endpoint }),
    }),
    resource: detectResource({
      config: undefined,
      env: process.env,
      serviceVersion: undefined,
      serviceInstanceId: randomUUID(),
    }),
    key: randomBytes(32),
    log: {
      info: (message) => process.stderr.write(`${message}\n`),
      warn: (message) => process.stderr.write(`${message}\n`),
    },
  });
  const startMs = performance.now();
  for (const entry of entries) {
    const dueMs = speed === 0 ? 0 : entry.offsetMs / speed;
    const remainingMs = dueMs - (performance.now() - startMs);
    if (remainingMs > 1) {
      await wait(remainingMs);
    }
    recordedMs = entry.offsetMs;
    entry.feed(relay);
  }
  await relay.stop();
  const { sent, queued, lost, open } = relay.counts();
  process.stderr.write(
    `Replayed ${entries.length} lines: ${sent} records sent, ${queued + lost} not delivered, ${open} pieces of work left open.\n`,
  );
  return queued + lost > 0 ? 1 : 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
